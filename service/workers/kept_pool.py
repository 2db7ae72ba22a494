"""A pool of kept workers: as many workers as were planned, each with a Keeper that feeds it from the Batcher.

What it guarantees: a worker that dies or hangs is replaced; the batch it had on board goes back to the front of the
queue; a model that raises fails one image only; waiting tickets are answered even when no worker can be started any
more; `stop` leaves no process and no shared memory behind.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic

from service.configuration_errors import WorkerFailed
from service.errors import Draining, NotReady
from service.queue.batcher import Batcher
from service.settings import Settings
from service.telemetry.metrics import Metrics, WorkerStatus
from service.workers.keeper import Keeper
from service.workers.plan import WorkerPlan
from service.workers.processes import Process
from service.workers.shared import Shared
from service.workers.worker import Feeding

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5


class KeptPool(Generic[Process]):
    """All workers, of whatever kind. Started once, stopped once."""

    def __init__(
        self,
        plans: Sequence[WorkerPlan],
        batcher: Batcher,
        settings: Settings,
        metrics: Metrics,
        make: Callable[[WorkerPlan], Process],
        feeding: Callable[[int, Process, Shared], Feeding],
        threads: int,
    ) -> None:
        self._batcher = batcher
        self._closing = asyncio.Event()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="worker")
        shared = self._shared = Shared(
            batcher, settings, metrics, self._threads, self._closing, asyncio.Lock(), self._refuse_without_workers
        )
        self._keepers = [Keeper(number, plan, shared, make, feeding) for number, plan in enumerate(plans)]
        self._keeping: asyncio.Task[None] | None = None
        self.places = sum(plan.max_batch_size for plan in plans)
        """Images that all workers together take at once."""

    @property
    def busy(self) -> int:
        """Batches that are on board."""
        return len(self._shared.busy)

    @property
    def size(self) -> int:
        return len(self._keepers)

    @property
    def ready_count(self) -> int:
        return sum(keeper.is_ready for keeper in self._keepers)

    @property
    def pids(self) -> list[int]:
        """Of the workers that are ready."""
        return [status.pid for status in self.status() if status.pid]

    @property
    def trouble(self) -> str | None:
        """Why nobody can be served: in no place of the pool is a worker, and starting them fails again and again.

        None while there is one, or one may be there soon.
        """
        troubles = [keeper.trouble for keeper in self._keepers if keeper.trouble]
        return "; ".join(troubles) if len(troubles) == self.size else None

    def status(self) -> list[WorkerStatus]:
        return [keeper.status() for keeper in self._keepers]

    async def start(self) -> None:
        """Returns when every worker is ready. Raises WorkerFailed as soon as one cannot load its models."""
        loop = asyncio.get_running_loop()
        first_starts: list[asyncio.Future[None]] = [loop.create_future() for _ in self._keepers]
        self._keeping = asyncio.create_task(self._keep_all(first_starts))
        try:
            await asyncio.wait(first_starts, return_when=asyncio.FIRST_EXCEPTION)
            for start in first_starts:
                if start.done():
                    start.result()
        finally:
            for start in first_starts:
                start.add_done_callback(asyncio.Future.exception)  # one failure is told, and is enough

    async def _keep_all(self, first_starts: "Sequence[asyncio.Future[None]]") -> None:
        """Until the pool closes. Where a keeper itself fails, which would be a bug of ours, the others end as well: a
        service that says that it is not ready is replaced, and one that has an empty place is not.
        """
        try:
            async with asyncio.TaskGroup() as places:
                for keeper, first_start in zip(self._keepers, first_starts, strict=True):
                    places.create_task(keeper.keep(first_start))
        except* Exception:
            logger.exception("workers lost")
        finally:
            await self._batcher.close(Draining())

    async def adopt(
        self, plans: Sequence[WorkerPlan], keep_until: asyncio.Event | None = None
    ) -> "asyncio.Task[None] | None":
        """As many plans as there are workers, and of the same devices: they take the place of the former ones while
        the pool serves, one worker after the other. Returns when every worker has its own.

        Until the event there is still one that has what all had before; the task is over when that has ended. Raises
        WorkerFailed where a worker cannot be started with its plan: then all have their former plans again, as far as
        that is possible.
        """
        former, farewell = [keeper.plan for keeper in self._keepers], None
        for index, (keeper, plan) in enumerate(zip(self._keepers, plans, strict=True)):
            try:
                farewell = await keeper.adopt(plan, keep_until if keeper is self._keepers[-1] else None)
            except WorkerFailed:
                await self._go_back(self._keepers[:index], former)
                raise
        return farewell

    async def _go_back(self, keepers: Sequence[Keeper[Process]], former: Sequence[WorkerPlan]) -> None:
        for keeper, plan in zip(keepers, former, strict=False):
            with contextlib.suppress(WorkerFailed):  # it is in the log, and the worker serves with what it has
                await keeper.adopt(plan)

    async def stop(self, drain_timeout_s: float) -> None:
        """Give the batches that are on board `drain_timeout_s` to finish, then end every worker."""
        self._closing.set()
        for keeper in self._keepers:
            if not keeper.is_ready:  # it is loading models that nobody will use
                keeper.kill()
        await self._batcher.close(Draining())
        try:
            if self._keeping is not None:
                await asyncio.wait({self._keeping}, timeout=drain_timeout_s)
                self.kill()
                await self._keeping
        finally:
            self._threads.shutdown()

    def kill(self) -> None:
        """End every worker process at once."""
        for keeper in self._keepers:
            keeper.kill()

    def _refuse_without_workers(self) -> None:
        """With nobody to serve them, those who wait hear it now and not at their deadline."""
        if trouble := self.trouble:
            self._batcher.refuse_waiting(NotReady(trouble, RETRY_AFTER_S))
