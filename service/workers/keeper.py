"""A Keeper keeps one place in the pool filled: starts a worker, and replaces it when it is gone or worn out.

What it guarantees: the place is never empty in silence, and no process, memory or pipe outlives its use of them.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

from service.configuration_errors import WorkerFailed
from service.errors import Draining, NotReady
from service.telemetry.log import FIELDS
from service.telemetry.metrics import WorkerStatus
from service.workers.plan import WorkerPlan
from service.workers.shared import Shared
from service.workers.worker import Feeding, Worker, WorkerDied

logger = logging.getLogger(__name__)

FIRST_RESTART_DELAY_S = 0.1
MAX_RESTART_DELAY_S = 30.0
LEAST_FAILED_STARTS = 3
"""In a row: until then it may have been bad luck, and those who wait for a worker keep waiting."""

BYTES_PER_MB = 1_000_000

State = Literal["starting", "idle", "busy", "stopped"]
DEATHS = ("crash", "hang", "poisoned")


Process = TypeVar("Process", bound=Worker)


class Keeper(Generic[Process]):
    """One place in the pool, over all the processes that fill it."""

    def __init__(
        self,
        number: int,
        plan: WorkerPlan,
        shared: Shared,
        make: Callable[[WorkerPlan], Process],
        feeding: Callable[[int, Process, Shared], Feeding],
    ) -> None:
        self.number = number
        self.trouble: str | None = None
        """Why there is no worker, once several starts in a row have failed, and until one succeeds."""
        self.plan = plan
        """Of the process that was started last."""
        self._shared = shared
        self._make = make
        self._feeding = feeding
        self._state: State = "starting"
        self._failed_starts = 0
        """In a row."""
        self._delay_s = FIRST_RESTART_DELAY_S
        """Before the next start, where the last one came to nothing."""
        self._processes: set[Process] = set()
        self._serving: Process | None = None
        self._feeder: Feeding | None = None
        """Of the process that serves."""
        self._succession: asyncio.Task[Process | WorkerFailed] | None = None
        self._no_succession_before = 0.0
        self._beside: asyncio.TaskGroup | None = None
        """For what goes on while a process serves: its successor's start, its predecessor's end."""
        self._farewell: asyncio.Task[None] | None = None
        """Of the latest predecessor, until it has ended."""
        self._settled = asyncio.Event()
        """While no successor is on its way."""
        self._settled.set()
        self._kept_until: asyncio.Event | None = None
        """Until when a predecessor serves on."""

    @property
    def is_ready(self) -> bool:
        return self._serving is not None

    def status(self) -> WorkerStatus:
        handle = self._serving
        if handle is None:
            return WorkerStatus(self.number, 0, self._state, self.plan.device, 0, 0)
        state: State = "busy" if handle in self._shared.busy else "idle"
        return WorkerStatus(self.number, handle.pid, state, handle.device, handle.rss_bytes, handle.device_memory_bytes)

    def kill(self) -> None:
        """End whatever process fills this place, at once."""
        for handle in self._processes:
            handle.kill()

    async def keep(self, first_start: "asyncio.Future[None]") -> None:
        """Until the pool closes. `first_start` gets WorkerFailed where the models cannot be loaded at all."""
        try:
            async with asyncio.TaskGroup() as self._beside:
                await self._fill_place(first_start)
                if self._succession is not None:
                    self._succession.cancel()
        finally:
            self._beside = None
            self._settled.set()
            if not first_start.done():
                first_start.set_exception(WorkerFailed("stopped before the models were loaded"))
            self._state, self.trouble = "stopped", f"worker {self.number} is stopped"
            for handle in list(self._processes):
                await self._end(handle)

    async def _fill_place(self, first_start: "asyncio.Future[None]") -> None:
        """One process after the other."""
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
                await self._rest_after(handle, await self._serve_until_gone(handle))

    async def _next_process(self) -> Process | None:
        """None where it was to be a successor that could not be started."""
        succession, self._succession = self._succession, None
        if succession is not None:
            successor = await succession
            self._settled.set()
            return None if isinstance(successor, WorkerFailed) else successor
        self._state = "starting"
        return await self._start(self.plan)

    async def _start(self, plan: WorkerPlan) -> Process:
        handle = self._make(plan)
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

    async def _rest_after(self, handle: Process, cause: str) -> None:
        """What loaded, and died before it answered anything, may go on like this."""
        if handle.batches or cause not in DEATHS:
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

    async def _serve_until_gone(self, handle: Process) -> str:
        """Until it dies, or its successor is ready, or the pool closes; returns why."""
        self._serving = handle
        cause: str = "recycled"
        try:
            await self._serve_until_succeeded(handle)
            cause = "recycled" if handle.plan == self.plan else "models"
        except WorkerDied as death:
            cause = death.cause
        except Draining:
            cause = "stopped"
        except Exception:  # ours: the worker is replaced, as nobody knows what state it is in
            logger.exception("worker lost", extra=self._facts(handle))
            cause = "crash"
        finally:
            self._serving = self._feeder = None
        if cause != "stopped":
            self._shared.metrics.restarts.labels(cause).inc()
            level = logging.INFO if cause == "models" else logging.WARNING
            logger.log(level, "worker replaced", extra=self._facts(handle, cause=cause))
        self._say_farewell(handle, is_well=cause == "models")
        return cause

    async def _serve_until_succeeded(self, handle: Process) -> None:
        """Raises WorkerDied, or Draining when the pool closes."""
        feeder = self._feeder = self._feeding(self.number, handle, self._shared)
        with feeder.watching():
            while not self._has_successor():
                await feeder.feed()
                if self._succession is None and self._is_worn_out(handle):
                    self._begin_succession(self.plan)

    def _is_worn_out(self, handle: Process) -> bool:
        settings = self._shared.settings
        if time.monotonic() < self._no_succession_before:
            return False
        if settings.max_batches_per_worker is not None and handle.batches >= settings.max_batches_per_worker:
            return True
        limit_mb = settings.max_worker_rss_mb
        return limit_mb is not None and handle.rss_bytes > limit_mb * BYTES_PER_MB

    def _begin_succession(self, plan: WorkerPlan) -> "asyncio.Task[Process | WorkerFailed]":
        """Raises WorkerFailed where the place is given up."""
        if self._beside is None or self._shared.closing.is_set():
            raise WorkerFailed("the service is shutting down")
        self._settled.clear()
        self._succession = self._beside.create_task(self._succeed(plan))
        return self._succession

    async def _succeed(self, plan: WorkerPlan) -> Process | WorkerFailed:
        """One keeper at a time, so that two successors never load at once."""
        async with self._shared.recycling:
            try:
                handle = await self._start(plan)
            except Exception as error:  # the one that serves goes on, a worn-out one for a while
                if not self._shared.closing.is_set():
                    logger.error("no successor", extra={FIELDS: {"worker": self.number, "cause": str(error)}})
                self._no_succession_before = time.monotonic() + MAX_RESTART_DELAY_S
                return error if isinstance(error, WorkerFailed) else WorkerFailed(f"{type(error).__name__}: {error}")
            self.plan = plan
            self._shared.batcher.take_up(model.card.key for model in plan.models)
            return handle

    def _has_successor(self) -> bool:
        if self._succession is None or not self._succession.done():
            return False
        if isinstance(self._succession.result(), WorkerFailed):
            self._succession = None
            self._settled.set()
            return False
        return True

    # --- other models -----------------------------------------------------------------------------------------------

    async def adopt(self, plan: WorkerPlan, keep_until: asyncio.Event | None = None) -> "asyncio.Task[None] | None":
        """From now on processes of `plan` fill this place. Returns when one of them does.

        The one before it has ended then, or serves on beside it until the event: the task is over when that has ended.
        Raises WorkerFailed where none can be started: then all is as before.
        """
        if plan == self.plan:
            return None
        while not self._settled.is_set():  # a worn-out worker is on its way out
            await self._settled.wait()
        succession = self._begin_succession(plan)
        self._kept_until = keep_until
        await asyncio.wait({succession})
        if self._feeder is not None:
            self._feeder.call()
        await self._settled.wait()
        if succession.cancelled() or self._beside is None:
            raise WorkerFailed("the service is shutting down")
        if isinstance(failure := succession.result(), WorkerFailed):
            self._kept_until = None
            raise failure
        farewell = self._farewell
        if farewell is not None and keep_until is None:
            await asyncio.wait({farewell})
        return farewell

    def _say_farewell(self, handle: Process, *, is_well: bool) -> None:
        assert self._beside is not None
        kept_until, self._kept_until = self._kept_until, None
        farewell = self._linger(handle, kept_until) if is_well and kept_until else self._end(handle)
        self._farewell = self._beside.create_task(farewell)

    async def _linger(self, handle: Process, until: asyncio.Event) -> None:
        """Serves on beside its successor: it has models that nobody else has any more."""
        feeder = self._feeding(self.number, handle, self._shared)
        over = asyncio.create_task(until.wait())
        over.add_done_callback(lambda _: feeder.call())
        try:
            with feeder.watching(), contextlib.suppress(Draining):
                while not until.is_set():
                    await feeder.feed()
        except WorkerDied:
            await self._give_up(handle)
        except Exception:  # ours; its successor serves
            logger.exception("worker lost", extra=self._facts(handle))
        finally:
            over.cancel()
            await self._end(handle)

    async def _give_up(self, handle: Process) -> None:
        """What only this one could run nobody can any more, and what the name stands for now is something else."""
        kept = {model.card.key for model in self.plan.models}
        left = [model.card.key for model in handle.plan.models if model.card.key not in kept]
        await self._shared.batcher.give_up(left, NotReady("the model was replaced, and its last worker has died"))

    async def _end(self, handle: Process) -> None:
        try:
            await self._shared.call(handle, handle.stop)
        finally:
            self._processes.discard(handle)

    def _facts(self, handle: Process, **more: str) -> dict[str, Any]:
        return {FIELDS: {"worker": self.number, "pid": handle.pid, **more}}
