"""What the routes work with: the engine, who is in flight, and whether a request can be answered right now."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any

import psutil
from fastapi import Depends, Request

from service.access.guard import Guard
from service.access.keyring import Keyring
from service.api.idempotency import KeysInProgress
from service.configuration_errors import ConfigurationError
from service.engine.deferred import KIND as PICTURE
from service.engine.deferred import PictureJobs
from service.engine.engine import Engine
from service.engine.pipeline import Pipeline
from service.errors import Draining, NotReady, Unavailable
from service.fetch import Fetcher
from service.fetch.webhooks import Webhooks
from service.jobs import JobRunner, Kind, opener_of
from service.queue.admission import Admission, Limits
from service.queue.budget import Budget
from service.queue.schedule import Lane
from service.queue.senders import Senders
from service.settings import MEGAPIXEL, Settings
from service.stream import Streams
from service.telemetry.metrics import Snapshot
from service.telemetry.tracing import tracing_of
from service.video.jobs import KIND as FILM
from service.video.jobs import FilmJobs
from service.workers.allocator import return_free_blocks

START_RETRY_AFTER_S = 5
LAG_INTERVAL_S = 0.5

QUIET_S = 5.0
"""Without a request, until free memory is returned."""

LAST_ANSWERS_S = 5.0
"""For those whose prediction was there when the drain timeout was over: they only need composing and encoding."""


@dataclass
class Service:
    """The running service, built once by `app.py`."""

    settings: Settings
    engine: Engine
    started: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when every worker has been ready once."""
    draining: bool = False
    failure: ConfigurationError | None = None
    """Why it could not start."""
    event_loop_lag_s: float = 0.0

    def __post_init__(self) -> None:
        settings = self.settings
        self.admission = Admission(_limits(settings), self.engine.backlog)
        self.admission.on_room = self.engine.pixels.start_what_fits
        self.senders = Senders(settings.max_uploads, settings.min_bytes_per_s, settings.peer_share)
        self.fetcher = Fetcher(settings)
        self.tracing = tracing_of(settings.traces_url)
        self.guard = Guard(Keyring(settings.keys_file) if settings.keys_file else None, self.engine.ledger)
        self.films = FilmJobs(self.engine, settings, self.guard.allowance_of, self.admission.open, self.tracing)
        pictures = PictureJobs(self.pipeline, self.admission, self.fetcher, self.guard.allowance_of, self.tracing)
        kinds = {PICTURE: Kind(pictures.work, settings.jobs_at_once), FILM: Kind(self.films.work, at_once=1)}
        opens_late = settings.jobs == "disk" and settings.jobs_folder is None
        self.jobs = JobRunner(opener_of(settings), kinds, self.started, opens_late)
        self.keys_in_progress = KeysInProgress()
        self.webhooks = Webhooks(settings)
        self.streams = Streams(self.engine, self.admission, settings)
        self.engine.metrics.watch(self.snapshot)

    @property
    def pipeline(self) -> Pipeline:
        return self.engine.pipeline

    def check_started(self) -> None:
        """Raises NotReady until every worker was ready once."""
        if not self.started.is_set():
            pool = self.engine.pool
            raise NotReady(f"{pool.ready_count} of {pool.size} workers have loaded their models", START_RETRY_AFTER_S)

    def check_ready(self) -> None:
        """Raises NotReady or Draining where a request could not be answered now."""
        if self.draining:
            raise Draining(retry_after_s=START_RETRY_AFTER_S)
        self.check_started()
        if trouble := self.engine.pool.trouble:
            raise NotReady(trouble, START_RETRY_AFTER_S)

    def check_able(self) -> None:
        """Raises what `/readyz` refuses with: check_ready's, and NotReady where a new request would wait for longer
        than `ready_max_wait_s`, and is better sent elsewhere."""
        self.check_ready()
        limit_s, wait_s = self.settings.ready_max_wait_s, self.engine.backlog.expected_wait_s(Lane.INTERACTIVE)
        if limit_s is not None and wait_s > limit_s:
            detail = f"a request would wait for {wait_s:.1f} seconds, and {limit_s:g} are the most that is ready"
            raise NotReady(detail, math.ceil(wait_s - limit_s))

    def _is_ready(self) -> bool:
        try:
            self.check_able()
        except Unavailable:
            return False
        return True

    async def drain(self) -> None:
        """Admit nobody any more, and return when everybody who was admitted has an answer.

        After `drain_timeout_s` the answer is 503 `draining`, for those who are still waiting for a worker.
        """
        self.draining = True
        self.streams.stop()
        await self.jobs.stop()
        if not await self._idle_within(self.settings.drain_timeout_s):
            await self.engine.pool.stop(drain_timeout_s=0)
            await self._idle_within(LAST_ANSWERS_S)

    async def _idle_within(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                return await self.admission.idle.wait()
        except TimeoutError:
            return False

    async def measure_lag(self) -> None:
        """Forever: how late the event loop wakes up."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL_S
            await asyncio.sleep(LAG_INTERVAL_S)
            self.event_loop_lag_s = max(0.0, loop.time() - due)

    async def return_memory(self) -> None:
        """Forever: what work has left in the allocator goes back to the system once nobody has come for a while.

        45 seconds after benchmarks/reliability/chaos.py the service had 185 MB with this, and 491 MB without
        (2026-11-28; 921 and 941 MB at the peak).
        """
        before = returned_at = self.admission.opened
        while True:
            await asyncio.sleep(QUIET_S)
            opened = self.admission.opened
            if self.admission.idle.is_set() and opened == before != returned_at:
                await asyncio.to_thread(return_free_blocks)
                returned_at = opened
            before = opened

    def snapshot(self) -> Snapshot:
        batcher, pixels, admission = self.engine.batcher, self.engine.pixels, self.admission
        return Snapshot(
            queue_depth={lane.value: batcher.depth(lane) for lane in Lane},
            oldest_wait_s=batcher.oldest_wait_s(),
            pixel_queue_depth={lane.value: pixels.depth(lane) for lane in Lane},
            pixel_threads_busy=pixels.busy_threads,
            expected_wait_s={lane.value: self.engine.backlog.expected_wait_s(lane) for lane in Lane},
            permits_in_use=admission.in_flight,
            permits=admission.capacity,
            uploads=len(self.senders),
            bytes_in_flight=admission.bytes_in_flight,
            pixels_in_flight=admission.pixels_in_flight,
            service_rss_bytes=psutil.Process().memory_info().rss,
            event_loop_lag_s=self.event_loop_lag_s,
            ready=self._is_ready(),
            workers=self.engine.pool.status(),
            models_loaded=self.engine.served.awake_by_name(),
            jobs=self.jobs.unfinished(),
            job_deaths=self.jobs.deaths,
        )


def _limits(settings: Settings) -> Limits:
    max_pixels = int(settings.max_megapixels_in_flight * MEGAPIXEL)
    return Limits(
        places=settings.queue_capacity,
        sessions=Budget(settings.max_sessions, 1, settings.peer_share),
        bytes=Budget(settings.max_bytes_in_flight, settings.max_upload_bytes, settings.peer_share),
        pixels=Budget(max_pixels, settings.max_pixels, settings.peer_share),
    )


@contextlib.asynccontextmanager
async def background(service: Service, *others: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """What runs beside the requests."""
    idle_s = service.settings.model_idle_s
    forever = [service.measure_lag(), service.return_memory(), service.jobs.run(), *others]
    if idle_s is not None:
        forever.append(service.engine.changes.unload_idle(idle_s))
    tasks = [asyncio.create_task(work) for work in forever]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _service_of(request: Request) -> Service:
    """A coroutine, though it waits for nothing: FastAPI calls any other dependency on a thread, at 0.3 ms a request."""
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service_of)]
"""For endpoints."""
