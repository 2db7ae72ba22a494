"""A Keeper keeps one place in the pool filled: starts a worker, feeds it, replaces it when it is gone or worn out.

What it guarantees: every batch it took is answered or back in the queue before it takes another one.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from service.errors import Draining, ModelFailed, OutOfDeviceMemory, WorkerFailed
from service.queue.batcher import Batch, Batcher, Outcome
from service.settings import Settings
from service.telemetry.log import FIELDS
from service.telemetry.metrics import Metrics, WorkerStatus
from service.workers.handle import WorkerDied, WorkerHandle
from service.workers.plan import WorkerPlan

logger = logging.getLogger(__name__)

FIRST_RESTART_DELAY_S = 0.1
MAX_RESTART_DELAY_S = 30.0
BYTES_PER_MB = 1_000_000

State = Literal["starting", "idle", "busy", "stopped"]

Result = TypeVar("Result")


@dataclass(frozen=True)
class Shared:
    """What all keepers of a pool have in common."""

    batcher: Batcher
    settings: Settings
    metrics: Metrics
    threads: Executor
    """One thread a worker, and one for each that is starting or stopping beside it."""
    closing: asyncio.Event
    recycling: asyncio.Lock
    """Held by the one keeper that starts a second process beside its first."""
    on_trouble: Callable[[], None]
    """Called when a worker could not be started again."""
    busy: "set[Keeper]" = field(default_factory=set)
    """Whose workers have a batch on board."""


class Keeper:
    """One place in the pool, over all the processes that fill it."""

    def __init__(self, number: int, plan: WorkerPlan, shared: Shared) -> None:
        self.number = number
        self.state: State = "starting"
        self.trouble: str | None = None
        """Why there is no worker, as long as starting one fails."""
        self._plan = plan
        self._shared = shared
        self._processes: set[WorkerHandle] = set()
        self._serving: WorkerHandle | None = None
        self._succession: asyncio.Task[WorkerHandle] | None = None
        self._no_succession_before = 0.0
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def is_ready(self) -> bool:
        return self._serving is not None

    def status(self) -> WorkerStatus:
        handle = self._serving
        if handle is None:
            return WorkerStatus(self.number, 0, self.state, self._plan.device, 0, 0)
        return WorkerStatus(
            self.number, handle.pid, self.state, handle.device, handle.rss_bytes, handle.device_memory_bytes
        )

    def kill(self) -> None:
        """End whatever process fills this place, at once."""
        for handle in self._processes:
            handle.kill()

    async def keep(self, first_start: "asyncio.Future[None]") -> None:
        """Until the pool closes. `first_start` gets WorkerFailed where the models cannot be loaded at all."""
        delay_s = FIRST_RESTART_DELAY_S
        while not self._shared.closing.is_set():
            try:
                handle = await self._next_process()
            except Exception as error:  # whatever it is, this place must not stay empty in silence
                failure = error if isinstance(error, WorkerFailed) else WorkerFailed(f"{type(error).__name__}: {error}")
                if not first_start.done():
                    first_start.set_exception(failure)
                    break
                await self._wait_before_retry(delay_s, failure)
                delay_s = min(2 * delay_s, MAX_RESTART_DELAY_S)
                continue
            if not first_start.done():
                first_start.set_result(None)
            await self._serve_until_gone(handle)
            if handle.batches:
                delay_s = FIRST_RESTART_DELAY_S
            else:  # it loaded, and died before it answered anything: that may go on like this
                await self._pause(delay_s)
                delay_s = min(2 * delay_s, MAX_RESTART_DELAY_S)
        if not first_start.done():
            first_start.set_exception(WorkerFailed("stopped before the models were loaded"))
        await self._end_everything()

    async def _next_process(self) -> WorkerHandle:
        succession, self._succession = self._succession, None
        if succession is not None:
            return await succession
        self.state = "starting"
        return await self._start()

    async def _start(self) -> WorkerHandle:
        try:
            handle = WorkerHandle(self._plan)
        except OSError as error:
            raise WorkerFailed(f"no shared memory or pipe for a worker: {error}") from error
        self._processes.add(handle)
        try:
            warm_s = await self._in_thread(handle.start)
        except WorkerFailed:
            await self._end(handle)
            raise
        for model, image_s in warm_s.items():
            self._shared.batcher.pace.observe(model, image_s, 1)
        self.trouble = None
        logger.info("worker ready", extra=self._facts(handle, device=handle.device))
        return handle

    async def _wait_before_retry(self, delay_s: float, failure: WorkerFailed) -> None:
        self.trouble = f"worker {self.number}: {failure}"
        self._shared.metrics.restarts.labels("failed_start").inc()
        facts = {"worker": self.number, "cause": str(failure), "retry_s": delay_s}
        logger.error("worker failed to start", extra={FIELDS: facts})
        self._shared.on_trouble()
        await self._pause(delay_s)

    async def _pause(self, delay_s: float) -> None:
        """Shorter where the pool closes meanwhile."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._shared.closing.wait(), delay_s)

    async def _serve_until_gone(self, handle: WorkerHandle) -> None:
        """Until it dies, or its successor is ready, or the pool closes."""
        self._serving, self.state = handle, "idle"
        cause: str = "recycled"
        try:
            with _watching(handle) as dying:
                await self._serve_until_succeeded(handle, dying)
        except WorkerDied as death:
            cause = death.cause
        except Draining:
            cause = "stopped"
        except Exception:  # ours: the worker is replaced, as nobody knows what state it is in
            logger.exception("worker lost", extra=self._facts(handle))
            cause = "crash"
        self._serving = None
        if cause != "stopped":
            self._shared.metrics.restarts.labels(cause).inc()
            logger.warning("worker replaced", extra=self._facts(handle, cause=cause))
        self._end_in_background(handle)

    async def _serve_until_succeeded(self, handle: WorkerHandle, dying: "asyncio.Task[Any]") -> None:
        """Raises WorkerDied, or Draining when the pool closes."""
        while not self._has_successor():
            batch = await self._next_batch(handle, dying)
            if batch is not None:
                await self._run(handle, batch)
            if self._succession is None and self._is_worn_out(handle):
                self._succession = asyncio.create_task(self._succeed())

    async def _next_batch(self, handle: WorkerHandle, dying: "asyncio.Task[Any]") -> Batch | None:
        """None where nothing came for a while and the worker has shown that it is well.

        Raises WorkerDied where an idle worker dies, so that it is replaced before anyone waits for it.
        """
        taking = asyncio.create_task(self._shared.batcher.take())
        either: set[asyncio.Task[Any]] = {taking, dying}
        settings = self._shared.settings
        await asyncio.wait(either, timeout=settings.heartbeat_interval_s, return_when=asyncio.FIRST_COMPLETED)
        if taking.done():
            return taking.result()
        taking.cancel()
        if dying.done():
            raise WorkerDied("crash", on_board=False)
        await self._in_thread(lambda: handle.ping(settings.heartbeat_timeout_s))
        return None

    async def _run(self, handle: WorkerHandle, batch: Batch) -> None:
        """The batch is answered, or goes back to the queue. Raises WorkerDied."""
        batcher, timeout_s = self._shared.batcher, self._shared.settings.batch_timeout_s
        self.state = "busy"
        self._shared.busy.add(self)
        others = len(self._shared.busy) - 1 + self._shared.batcher.waiting
        threads = self._plan.threads_beside(others)
        started = time.monotonic()
        queue_ms = [ticket.waited_s * 1000 for ticket in batch]
        try:
            run = await self._in_thread(lambda: handle.run(batch, timeout_s, threads))
            infer_ms = run.infer_s * 1000
            outcomes = [
                Outcome(scores, handle.device, self.number, len(batch), waited_ms, infer_ms)
                for scores, waited_ms in zip(run.scores, queue_ms, strict=True)
            ]
            batcher.answer(batch, outcomes, time.monotonic() - started)
        except WorkerDied as death:
            await batcher.give_back(batch, death.cause, crashed=death.on_board)
            raise
        except OutOfDeviceMemory as failure:
            await self._run_smaller(batch, failure)
        except ModelFailed as failure:
            await self._run_apart(batch, failure)
        except Exception:  # ours; whatever it is, nobody waits for ever and the worker is not lost
            logger.exception("batch failed", extra=self._facts(handle, batch_size=str(len(batch))))
            batcher.fail(batch, ModelFailed())
        finally:
            self.state = "idle"
            self._shared.busy.discard(self)

    async def _run_smaller(self, batch: Batch, failure: OutOfDeviceMemory) -> None:
        """Half as many next time, and from then on; one image that does not fit alone fails."""
        logger.warning("out of device memory", extra={FIELDS: {"model": batch[0].model, "batch_size": len(batch)}})
        if len(batch) == 1:
            self._shared.batcher.fail(batch, failure)
            return
        self._shared.batcher.learn_size_limit(batch[0].model, len(batch) // 2)
        await self._shared.batcher.give_back(batch, "memory")

    async def _run_apart(self, batch: Batch, failure: ModelFailed) -> None:
        """One bad image must not harm its neighbours: each runs alone, and fails alone."""
        if len(batch) > 1:
            await self._shared.batcher.give_back(batch, "model_failed", alone=True)
            return
        logger.error("model failed", extra={FIELDS: {"model": batch[0].model, "cause": failure.detail}})
        self._shared.batcher.fail(batch, ModelFailed())

    def _is_worn_out(self, handle: WorkerHandle) -> bool:
        settings = self._shared.settings
        if time.monotonic() < self._no_succession_before:
            return False
        if settings.max_batches_per_worker is not None and handle.batches >= settings.max_batches_per_worker:
            return True
        limit_mb = settings.max_worker_rss_mb
        return limit_mb is not None and handle.rss_bytes > limit_mb * BYTES_PER_MB

    async def _succeed(self) -> WorkerHandle:
        """One keeper at a time, so that two successors never load at once."""
        async with self._shared.recycling:
            if self._shared.closing.is_set():
                raise WorkerFailed("the pool closes")
            return await self._start()

    def _has_successor(self) -> bool:
        """Where one could not be started, the worn-out worker goes on for a while."""
        if self._succession is None or not self._succession.done():
            return False
        if (failure := self._succession.exception()) is None:
            return True
        logger.error("no successor", extra={FIELDS: {"worker": self.number, "cause": str(failure)}})
        self._succession = None
        self._no_succession_before = time.monotonic() + MAX_RESTART_DELAY_S
        return False

    def _end_in_background(self, handle: WorkerHandle) -> None:
        ending = asyncio.create_task(self._end(handle))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _end(self, handle: WorkerHandle) -> None:
        await self._in_thread(handle.stop)
        self._processes.discard(handle)

    async def _end_everything(self) -> None:
        self.state = "stopped"
        if self._succession is not None:
            with contextlib.suppress(WorkerFailed):
                await self._end(await self._succession)
        await asyncio.gather(*self._ending)

    def _facts(self, handle: WorkerHandle, **more: str) -> dict[str, Any]:
        return {FIELDS: {"worker": self.number, "pid": handle.pid, **more}}

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._shared.threads, call)


@contextlib.contextmanager
def _watching(handle: WorkerHandle) -> "Iterator[asyncio.Task[Any]]":
    """A task that is done when the process dies."""
    loop, died = asyncio.get_running_loop(), asyncio.Event()
    sentinel = handle.sentinel
    loop.add_reader(sentinel, died.set)
    dying = asyncio.create_task(died.wait())
    try:
        yield dying
    finally:
        loop.remove_reader(sentinel)
        dying.cancel()
