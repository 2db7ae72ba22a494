"""A Keeper keeps one place in the pool filled: starts a worker, and replaces it when it is gone or worn out.

What it guarantees: the place is never empty in silence, and no process, memory or pipe outlives its use of them.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, Literal

from service.configuration_errors import WorkerFailed
from service.errors import Draining
from service.telemetry.log import FIELDS
from service.telemetry.metrics import WorkerStatus
from service.workers.backoff import Backoff
from service.workers.farewell import Farewell
from service.workers.plan import WorkerPlan
from service.workers.processes import Process, Processes
from service.workers.shared import Shared
from service.workers.succession import Succession, as_worker_failed
from service.workers.worker import Feeding, WorkerDied

logger = logging.getLogger(__name__)

BYTES_PER_MB = 1_000_000

State = Literal["starting", "idle", "busy", "stopped"]
DEATHS = ("crash", "hang", "poisoned")


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
        self._shared = shared
        self._feeding = feeding
        self._state: State = "starting"
        self._backoff = Backoff()
        self._processes = Processes(number, shared, make)
        self._succession = Succession(number, plan, self._processes, shared)
        self._farewell = Farewell(self._processes, shared, self._feeder_of)
        self._serving: Process | None = None
        self._feeder: Feeding | None = None
        """Of the process that serves."""
        self._beside: asyncio.TaskGroup | None = None
        """For what goes on while a process serves: its successor's start, its predecessor's end."""

    @property
    def plan(self) -> WorkerPlan:
        """Of the process that was started last."""
        return self._succession.plan

    @property
    def is_ready(self) -> bool:
        return self._serving is not None

    def status(self) -> WorkerStatus:
        process = self._serving
        if process is None:
            return WorkerStatus(self.number, 0, self._state, self.plan.device, 0, 0)
        is_busy = any(runner.pid == process.pid for runner in self._shared.busy)
        state: State = "busy" if is_busy else "idle"
        return WorkerStatus(
            self.number, process.pid, state, process.device, process.rss_bytes, process.device_memory_bytes
        )

    def kill(self) -> None:
        """End whatever process fills this place, at once."""
        self._processes.kill()

    async def keep(self, first_start: "asyncio.Future[None]") -> None:
        """Until the pool closes. `first_start` gets WorkerFailed where the models cannot be loaded at all."""
        try:
            async with asyncio.TaskGroup() as self._beside:
                await self._fill_place(first_start)
                self._succession.close()
        finally:
            self._beside = None
            self._succession.settled.set()
            if not first_start.done():
                first_start.set_exception(WorkerFailed("stopped before the models were loaded"))
            self._state, self.trouble = "stopped", f"worker {self.number} is stopped"
            await self._processes.end_all()

    async def _fill_place(self, first_start: "asyncio.Future[None]") -> None:
        """One process after the other."""
        while not self._shared.closing.is_set():
            try:
                process = await self._next_process()
            except Exception as error:  # whatever it is, this place must not stay empty in silence
                failure = as_worker_failed(error)
                if not first_start.done():
                    first_start.set_exception(failure)
                    return
                await self._wait_before_retry(failure)
                continue
            if not first_start.done():
                first_start.set_result(None)
            if process is not None:
                await self._rest_after(process, await self._serve_until_gone(process))

    async def _next_process(self) -> Process | None:
        """None where it was to be a successor that could not be started."""
        if not self._succession.is_under_way:
            self._state = "starting"
        process = await self._succession.next_process()
        if process is not None:
            self.trouble = None
            self._backoff.forget_failures()
        return process

    async def _rest_after(self, process: Process, cause: str) -> None:
        """What loaded, and died before it answered anything, may go on like this."""
        if process.batches or cause not in DEATHS:
            self._backoff.forget_delay()
        else:
            await self._backoff.pause(self._shared.closing)

    async def _wait_before_retry(self, failure: WorkerFailed) -> None:
        if self._shared.closing.is_set():  # and so it was killed
            return
        self._backoff.count_failure()
        self._shared.metrics.restarts.labels("failed_start").inc()
        facts = {"worker": self.number, "cause": str(failure), "retry_s": self._backoff.delay_s}
        logger.error("worker failed to start", extra={FIELDS: facts})
        if self._backoff.is_trouble:
            self.trouble = f"worker {self.number}: {failure}"
            self._shared.on_trouble()
        await self._backoff.pause(self._shared.closing)

    async def _serve_until_gone(self, process: Process) -> str:
        """Until it dies, or its successor is ready, or the pool closes; returns why."""
        self._serving = process
        cause: str = "recycled"
        try:
            await self._serve_until_succeeded(process)
            cause = "recycled" if process.plan == self.plan else "models"
        except WorkerDied as death:
            cause = death.cause
        except Draining:
            cause = "stopped"
        except Exception:  # ours: the worker is replaced, as nobody knows what state it is in
            logger.exception("worker lost", extra=self._processes.facts(process))
            cause = "crash"
        finally:
            self._serving = self._feeder = None
        if cause != "stopped":
            self._shared.metrics.restarts.labels(cause).inc()
            level = logging.INFO if cause == "models" else logging.WARNING
            logger.log(level, "worker replaced", extra=self._processes.facts(process, cause=cause))
        assert self._beside is not None
        self._farewell.say(process, self.plan, self._beside, is_well=cause == "models")
        return cause

    async def _serve_until_succeeded(self, process: Process) -> None:
        """Raises WorkerDied, or Draining when the pool closes."""
        feeder = self._feeder = self._feeder_of(process)
        with feeder.watching():
            while not self._succession.has_successor():
                await feeder.feed()
                if self._succession.may_begin and self._is_worn_out(process):
                    self._begin_succession(self.plan)

    def _feeder_of(self, process: Process) -> Feeding:
        return self._feeding(self.number, process, self._shared)

    def _is_worn_out(self, process: Process) -> bool:
        settings = self._shared.settings
        if settings.max_batches_per_worker is not None and process.batches >= settings.max_batches_per_worker:
            return True
        limit_mb = settings.max_worker_rss_mb
        return limit_mb is not None and process.rss_bytes > limit_mb * BYTES_PER_MB

    def _begin_succession(self, plan: WorkerPlan) -> "asyncio.Task[Process | WorkerFailed]":
        """Raises WorkerFailed where the place is given up."""
        if self._beside is None or self._shared.closing.is_set():
            raise WorkerFailed("the service is shutting down")
        return self._succession.begin(plan, self._beside)

    async def adopt(self, plan: WorkerPlan, keep_until: asyncio.Event | None = None) -> "asyncio.Task[None] | None":
        """From now on processes of `plan` fill this place. Returns when one of them does.

        The one before it has ended then, or serves on beside it until the event: the task is over when that has ended.
        Raises WorkerFailed where none can be started: then all is as before.
        """
        if plan == self.plan:
            return None
        while not self._succession.settled.is_set():  # a worn-out worker is on its way out
            await self._succession.settled.wait()
        start = self._begin_succession(plan)
        self._farewell.keep_until = keep_until
        await asyncio.wait({start})
        if self._feeder is not None:
            self._feeder.call()
        await self._succession.settled.wait()
        if start.cancelled() or self._beside is None:
            raise WorkerFailed("the service is shutting down")
        if isinstance(failure := start.result(), WorkerFailed):
            self._farewell.keep_until = None
            raise failure
        farewell = self._farewell.latest
        if farewell is not None and keep_until is None:
            await asyncio.wait({farewell})
        return farewell
