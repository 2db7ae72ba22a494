"""WorkerPool: keeps every planned worker alive and feeds it from the Batcher.

What it guarantees: a worker that dies is started again; the batch it had on board goes back to the front of the queue;
a model that raises fails its own batch only; `stop` leaves no process behind.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from service.batcher import Batch, Batcher, answer
from service.errors import Draining, ModelFailed, WorkerFailed
from service.telemetry import FIELDS
from service.workers.handle import WorkerDied, WorkerHandle
from service.workers.plan import WorkerPlan

logger = logging.getLogger(__name__)

FIRST_RESTART_DELAY_S = 0.1
MAX_RESTART_DELAY_S = 30.0

Result = TypeVar("Result")


class WorkerPool:
    """Every worker, each tended by one task and one thread."""

    def __init__(self, plans: Sequence[WorkerPlan], batcher: Batcher) -> None:
        self._plans = plans
        self._batcher = batcher
        self._threads = ThreadPoolExecutor(len(plans), thread_name_prefix="worker")
        self._ready: dict[int, WorkerHandle] = {}
        self._starting: dict[int, WorkerHandle] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = asyncio.Event()

    @property
    def ready_count(self) -> int:
        return len(self._ready)

    @property
    def size(self) -> int:
        return len(self._plans)

    @property
    def pids(self) -> list[int]:
        """Of the workers that are ready."""
        return [handle.pid for handle in self._ready.values() if handle.pid is not None]

    async def start(self) -> None:
        """Returns when every worker is ready. Raises WorkerFailed where one cannot load its models."""
        first_starts = [asyncio.get_running_loop().create_future() for _ in self._plans]
        self._tasks = [
            asyncio.create_task(self._tend(number, plan, first_start))
            for number, (plan, first_start) in enumerate(zip(self._plans, first_starts, strict=True))
        ]
        await asyncio.gather(*first_starts)

    async def stop(self, drain_timeout_s: float) -> None:
        """Give the batches that are on board `drain_timeout_s` to finish, then end every worker."""
        self._closing.set()
        for handle in self._starting.values():
            handle.kill()
        await self._batcher.close(Draining())
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=drain_timeout_s)
        for handle in self._ready.values():
            handle.kill()
        await asyncio.gather(*self._tasks)
        self._threads.shutdown()

    async def _tend(self, number: int, plan: WorkerPlan, first_start: "asyncio.Future[None]") -> None:
        """One worker's life, over all its processes."""
        delay_s = FIRST_RESTART_DELAY_S
        while not self._closing.is_set():
            handle = WorkerHandle(plan)
            try:
                await self._start(number, handle)
            except WorkerFailed as failure:
                if not first_start.done():
                    first_start.set_exception(failure)
                    return
                await self._pause(number, delay_s, failure)
                delay_s = min(2 * delay_s, MAX_RESTART_DELAY_S)
                continue
            if not first_start.done():
                first_start.set_result(None)
            delay_s = FIRST_RESTART_DELAY_S
            await self._serve_until_dead(number, handle)

    async def _start(self, number: int, handle: WorkerHandle) -> None:
        self._starting[number] = handle
        try:
            await self._in_thread(handle.start)
        except WorkerFailed:
            await self._in_thread(handle.stop)
            raise
        finally:
            del self._starting[number]
        logger.info("worker ready", extra={FIELDS: {"worker": number, "pid": handle.pid, "device": handle.device}})

    async def _serve_until_dead(self, number: int, handle: WorkerHandle) -> None:
        self._ready[number] = handle
        loop = asyncio.get_running_loop()
        died = asyncio.Event()
        loop.add_reader(handle.sentinel, died.set)
        dying = asyncio.create_task(died.wait())
        try:
            while True:
                await self._serve(handle, await self._next_batch(dying))
        except WorkerDied:
            logger.warning("worker died", extra={FIELDS: {"worker": number, "pid": handle.pid}})
        except Draining:
            pass
        finally:
            dying.cancel()
            loop.remove_reader(handle.sentinel)
            del self._ready[number]
            await self._in_thread(handle.stop)

    async def _next_batch(self, dying: "asyncio.Task[Literal[True]]") -> Batch:
        """Raises WorkerDied where an idle worker dies, so that it is replaced before anyone waits for it."""
        taking = asyncio.create_task(self._batcher.take())
        either: set[asyncio.Task[Any]] = {taking, dying}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if taking.done():
            return taking.result()
        taking.cancel()
        raise WorkerDied(on_board=False)

    async def _serve(self, handle: WorkerHandle, batch: Batch) -> None:
        try:
            answer(batch, await self._in_thread(lambda: handle.run(batch)))
        except WorkerDied as death:
            await self._batcher.give_back(batch, crashed=death.on_board)
            raise
        except ModelFailed as failure:
            logger.error("model failed", extra={FIELDS: {"model": batch[0].model, "cause": failure.detail}})
            for ticket in batch:
                ticket.fail(ModelFailed())

    async def _pause(self, number: int, delay_s: float, failure: WorkerFailed) -> None:
        logger.error(
            "worker failed to start", extra={FIELDS: {"worker": number, "cause": str(failure), "retry_s": delay_s}}
        )
        try:
            await asyncio.wait_for(self._closing.wait(), delay_s)
        except TimeoutError:
            return

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
