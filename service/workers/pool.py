"""WorkerPool: as many workers as were planned, each with a Keeper that feeds it from the Batcher.

What it guarantees: a worker that dies or hangs is replaced; the batch it had on board goes back to the front of the
queue; a model that raises fails one image only; waiting tickets are answered even when no worker can be started any
more; `stop` leaves no process and no shared memory behind.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from service.errors import Draining, NotReady
from service.queue.batcher import Batcher
from service.settings import Settings
from service.telemetry.metrics import Metrics, WorkerStatus
from service.workers.keeper import Keeper, Shared
from service.workers.plan import WorkerPlan

THREADS_PER_WORKER = 3
"""One waits for the worker; others may be starting its successor and ending its predecessor."""

RETRY_AFTER_S = 5


class WorkerPool:
    """All workers. Started once, stopped once."""

    def __init__(self, plans: Sequence[WorkerPlan], batcher: Batcher, settings: Settings, metrics: Metrics) -> None:
        self._batcher = batcher
        self._closing = asyncio.Event()
        self._threads = ThreadPoolExecutor(THREADS_PER_WORKER * len(plans), thread_name_prefix="worker")
        shared = Shared(
            batcher, settings, metrics, self._threads, self._closing, asyncio.Lock(), self._refuse_without_workers
        )
        self._keepers = [Keeper(number, plan, shared) for number, plan in enumerate(plans)]
        self._tasks: list[asyncio.Task[None]] = []

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
        """Why nobody can be served: no worker is alive, and starting one fails. None while one is, or may soon be."""
        if self.ready_count:
            return None
        return "; ".join(keeper.trouble for keeper in self._keepers if keeper.trouble) or None

    def status(self) -> list[WorkerStatus]:
        return [keeper.status() for keeper in self._keepers]

    async def start(self) -> None:
        """Returns when every worker is ready. Raises WorkerFailed where one cannot load its models."""
        first_starts = [asyncio.get_running_loop().create_future() for _ in self._keepers]
        self._tasks = [
            asyncio.create_task(keeper.keep(first_start))
            for keeper, first_start in zip(self._keepers, first_starts, strict=True)
        ]
        results = await asyncio.gather(*first_starts, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def stop(self, drain_timeout_s: float) -> None:
        """Give the batches that are on board `drain_timeout_s` to finish, then end every worker."""
        self._closing.set()
        for keeper in self._keepers:
            if not keeper.is_ready:  # it is loading models that nobody will use
                keeper.kill()
        await self._batcher.close(Draining())
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=drain_timeout_s)
        self.kill()
        await asyncio.gather(*self._tasks)
        self._threads.shutdown()

    def kill(self) -> None:
        """End every worker process at once."""
        for keeper in self._keepers:
            keeper.kill()

    def _refuse_without_workers(self) -> None:
        """With nobody to serve them, those who wait hear it now and not at their deadline."""
        if trouble := self.trouble:
            self._batcher.refuse_waiting(NotReady(trouble, RETRY_AFTER_S))
