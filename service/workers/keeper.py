"""A Keeper keeps one place in the pool filled: starts a worker, and replaces it when it is gone or worn out.

What it guarantees: the place is never empty in silence, and no process, memory or pipe outlives its use of them.
"""

import asyncio
import contextlib
import logging
import time
from typing import Any, Literal

from service.errors import Draining, WorkerFailed
from service.telemetry.log import FIELDS
from service.telemetry.metrics import WorkerStatus
from service.workers.feeder import Feeder
from service.workers.handle import WorkerDied, WorkerHandle
from service.workers.plan import WorkerPlan
from service.workers.shared import Shared

logger = logging.getLogger(__name__)

FIRST_RESTART_DELAY_S = 0.1
MAX_RESTART_DELAY_S = 30.0

LEAST_FAILED_STARTS = 3
"""In a row: until then it may have been bad luck, and those who wait for a worker keep waiting."""

BYTES_PER_MB = 1_000_000

State = Literal["starting", "idle", "busy", "stopped"]


class Keeper:
    """One place in the pool, over all the processes that fill it."""

    def __init__(self, number: int, plan: WorkerPlan, shared: Shared) -> None:
        self.number = number
        self.trouble: str | None = None
        """Why there is no worker, once several starts in a row have failed, and until one succeeds."""
        self._plan = plan
        self._shared = shared
        self._state: State = "starting"
        self._failed_starts = 0
        """In a row."""
        self._delay_s = FIRST_RESTART_DELAY_S
        """Before the next start, where the last one came to nothing."""
        self._processes: set[WorkerHandle] = set()
        self._serving: WorkerHandle | None = None
        self._succession: asyncio.Task[WorkerHandle | None] | None = None
        self._no_succession_before = 0.0

    @property
    def is_ready(self) -> bool:
        return self._serving is not None

    def status(self) -> WorkerStatus:
        handle = self._serving
        if handle is None:
            return WorkerStatus(self.number, 0, self._state, self._plan.device, 0, 0)
        state: State = "busy" if handle in self._shared.busy else "idle"
        return WorkerStatus(self.number, handle.pid, state, handle.device, handle.rss_bytes, handle.device_memory_bytes)

    def kill(self) -> None:
        """End whatever process fills this place, at once."""
        for handle in self._processes:
            handle.kill()

    async def keep(self, first_start: "asyncio.Future[None]") -> None:
        """Until the pool closes. `first_start` gets WorkerFailed where the models cannot be loaded at all."""
        try:
            async with asyncio.TaskGroup() as beside:
                await self._fill_place(first_start, beside)
                if self._succession is not None:
                    self._succession.cancel()
        finally:
            if not first_start.done():
                first_start.set_exception(WorkerFailed("stopped before the models were loaded"))
            self._state, self.trouble = "stopped", f"worker {self.number} is stopped"
            for handle in list(self._processes):
                await self._end(handle)

    async def _fill_place(self, first_start: "asyncio.Future[None]", beside: asyncio.TaskGroup) -> None:
        """One process after the other. `beside` is for what goes on while one serves: its successor, its predecessor's
        end.
        """
        while not self._shared.closing.is_set():
            try:
                handle = await self._next_process()
            except Exception as error:  # whatever it is, this place must not stay empty in silence
                failure = error if isinstance(error, WorkerFailed) else WorkerFailed(f"{type(error).__name__}: {error}")
                if not first_start.done():
                    first_start.set_exception(failure)
                    return
                await self._wait_before_retry(failure)
                continue
            if not first_start.done():
                first_start.set_result(None)
            if handle is not None:
                await self._serve_until_gone(handle, beside)
                await self._rest_after(handle)

    async def _next_process(self) -> WorkerHandle | None:
        """None where it was to be a successor that could not be started."""
        succession, self._succession = self._succession, None
        if succession is not None:
            return await succession
        self._state = "starting"
        return await self._start()

    async def _start(self) -> WorkerHandle:
        handle = WorkerHandle(self._plan)
        self._processes.add(handle)
        try:
            warm_s = await self._shared.call(handle, handle.start)
        except BaseException:  # whatever ends the start, nothing of the process may stay
            await self._end(handle)
            raise
        for model, image_s in warm_s.items():
            self._shared.batcher.pace.observe(model, image_s, 1)
        self._failed_starts, self.trouble = 0, None
        logger.info("worker ready", extra=self._facts(handle, device=handle.device))
        return handle

    async def _rest_after(self, handle: WorkerHandle) -> None:
        """What loaded, and died before it answered anything, may go on like this."""
        if handle.batches:
            self._delay_s = FIRST_RESTART_DELAY_S
        else:
            await self._pause()

    async def _wait_before_retry(self, failure: WorkerFailed) -> None:
        if self._shared.closing.is_set():  # and so it was killed
            return
        self._failed_starts += 1
        self._shared.metrics.restarts.labels("failed_start").inc()
        facts = {"worker": self.number, "cause": str(failure), "retry_s": self._delay_s}
        logger.error("worker failed to start", extra={FIELDS: facts})
        if self._failed_starts >= LEAST_FAILED_STARTS:
            self.trouble = f"worker {self.number}: {failure}"
            self._shared.on_trouble()
        await self._pause()

    async def _pause(self) -> None:
        """Each time twice as long; shorter where the pool closes meanwhile."""
        delay_s, self._delay_s = self._delay_s, min(2 * self._delay_s, MAX_RESTART_DELAY_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._shared.closing.wait(), delay_s)

    async def _serve_until_gone(self, handle: WorkerHandle, beside: asyncio.TaskGroup) -> None:
        """Until it dies, or its successor is ready, or the pool closes."""
        self._serving = handle
        cause: str = "recycled"
        try:
            await self._serve_until_succeeded(handle, beside)
        except WorkerDied as death:
            cause = death.cause
        except Draining:
            cause = "stopped"
        except Exception:  # ours: the worker is replaced, as nobody knows what state it is in
            logger.exception("worker lost", extra=self._facts(handle))
            cause = "crash"
        finally:
            self._serving = None
        if cause != "stopped":
            self._shared.metrics.restarts.labels(cause).inc()
            logger.warning("worker replaced", extra=self._facts(handle, cause=cause))
        beside.create_task(self._end(handle))

    async def _serve_until_succeeded(self, handle: WorkerHandle, beside: asyncio.TaskGroup) -> None:
        """Raises WorkerDied, or Draining when the pool closes."""
        feeder = Feeder(self.number, handle, self._plan, self._shared)
        with feeder.watching():
            while not self._has_successor():
                await feeder.feed()
                if self._succession is None and self._is_worn_out(handle):
                    self._succession = beside.create_task(self._succeed())

    def _is_worn_out(self, handle: WorkerHandle) -> bool:
        settings = self._shared.settings
        if time.monotonic() < self._no_succession_before:
            return False
        if settings.max_batches_per_worker is not None and handle.batches >= settings.max_batches_per_worker:
            return True
        limit_mb = settings.max_worker_rss_mb
        return limit_mb is not None and handle.rss_bytes > limit_mb * BYTES_PER_MB

    async def _succeed(self) -> WorkerHandle | None:
        """One keeper at a time, so that two successors never load at once. None where it cannot be started."""
        async with self._shared.recycling:
            try:
                return await self._start()
            except Exception as error:  # the worn-out worker goes on for a while
                if self._shared.closing.is_set():
                    return None
                logger.error("no successor", extra={FIELDS: {"worker": self.number, "cause": str(error)}})
                self._no_succession_before = time.monotonic() + MAX_RESTART_DELAY_S
                return None

    def _has_successor(self) -> bool:
        if self._succession is None or not self._succession.done():
            return False
        if self._succession.result() is None:
            self._succession = None
            return False
        return True

    async def _end(self, handle: WorkerHandle) -> None:
        try:
            await self._shared.call(handle, handle.stop)
        finally:
            self._processes.discard(handle)

    def _facts(self, handle: WorkerHandle, **more: str) -> dict[str, Any]:
        return {FIELDS: {"worker": self.number, "pid": handle.pid, **more}}
