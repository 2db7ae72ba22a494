"""What becomes of a process whose successor serves: it ends, or serves on for as long as somebody needs its models."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Generic

from service.errors import Draining, NotReady
from service.workers.plan import WorkerPlan
from service.workers.processes import Process, Processes
from service.workers.shared import Shared
from service.workers.worker import Feeding, WorkerDied

logger = logging.getLogger(__name__)


class Farewell(Generic[Process]):
    """Of one place in the pool, over all the processes that leave it."""

    def __init__(self, processes: Processes[Process], shared: Shared, feeding: Callable[[Process], Feeding]) -> None:
        self._processes = processes
        self._shared = shared
        self._feeding = feeding
        self.latest: asyncio.Task[None] | None = None
        """Over when the process that left last has ended."""
        self.keep_until: asyncio.Event | None = None
        """Until when the next process that leaves in good health serves on."""

    def say(self, process: Process, successor: WorkerPlan, beside: asyncio.TaskGroup, *, is_well: bool) -> None:
        """`successor` is the plan of what serves from now on; `beside` is for what goes on while it does."""
        keep_until, self.keep_until = self.keep_until, None
        leaves = (
            self._linger(process, successor, keep_until) if is_well and keep_until else self._processes.end(process)
        )
        self.latest = beside.create_task(leaves)

    async def _linger(self, process: Process, successor: WorkerPlan, until: asyncio.Event) -> None:
        """Serves on beside its successor: it has models that nobody else has any more."""
        feeder = self._feeding(process)
        over = asyncio.create_task(until.wait())
        over.add_done_callback(lambda _: feeder.call())
        try:
            with feeder.watching(), contextlib.suppress(Draining):
                while not until.is_set():
                    await feeder.feed()
        except WorkerDied:
            await self._give_up(process, successor)
        except Exception:  # ours; its successor serves
            logger.exception("worker lost", extra=self._processes.facts(process))
        finally:
            over.cancel()
            await self._processes.end(process)

    async def _give_up(self, process: Process, successor: WorkerPlan) -> None:
        """What only this one could run nobody can any more, and what the name stands for now is something else."""
        kept = {model.card.key for model in successor.models}
        left = [model.card.key for model in process.plan.models if model.card.key not in kept]
        await self._shared.batcher.give_up(left, NotReady("the model was replaced, and its last worker has died"))
