"""Films that were asked for over the network: one after the other, each as a job that outlives its request.

Knows no HTTP. Photos go first: the frames of a film are bulk work, and a key's quota of megapixels sets its pace.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from service.access.quotas import Allowance
from service.engine.engine import Engine
from service.errors import QueueFull
from service.jobs import Advance, Done, Job
from service.models.store import ModelCard
from service.queue.claim import Claim
from service.queue.permit import Permit
from service.queue.schedule import Lane
from service.settings import MEGAPIXEL, Settings
from service.telemetry.stopwatch import Stopwatch
from service.telemetry.tracing import job_trace
from service.video.apart.films import FilmsApart
from service.video.apart.orders import Check, Make, path_of
from service.video.choice import FilmChoice
from service.video.watch import Progress, Watch
from service.workers.local.pool import LocalPool

if TYPE_CHECKING:
    from service.telemetry.otel import Tracing

KIND = "video"
UPLOAD, BACKGROUND, MATTE, RESULT = "upload", "background", "matte", "result"
"""Files in a job's folder; the result has the suffix of its format as well."""

PROGRESS_INTERVAL_S = 0.5

LIVE_PAUSE_S = 1.0
"""Where live sessions have so much of the memory that a film has to wait for one of them to end."""


class FilmJobs:
    """Does them."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        allowance_of: Callable[[str], Allowance | None],
        open_permit: Callable[[str], Permit],
        tracing: "Tracing | None" = None,
    ) -> None:
        self._engine = engine
        self._tracing = tracing
        self._settings = settings
        self._allowance_of = allowance_of
        self._open_permit = open_permit
        self._apart = FilmsApart(engine.batcher, self._device_of_workers)

    async def work(self, job: Job, advance: Advance) -> Done:
        """Raises what `make_film` raises, and JobCrashed for a film that ends process after process."""
        with job_trace(self._tracing, KIND, job.traceparent, {"silhouette.job": job.id}):
            return await self._work(job, advance)

    async def _work(self, job: Job, advance: Advance) -> Done:
        choice = FilmChoice.of(job.options, has_background=(job.folder / BACKGROUND).exists())
        result = job.folder / f"{RESULT}{choice.format.suffix}"
        told, room = _Teller(advance), _Room(self._engine, self._open_permit(job.owner))
        most = int(self._settings.max_megapixels_in_flight * MEGAPIXEL) // 2
        watch = Watch(
            told.tell, lambda pixels: room.take(min(pixels, most)), lambda pixels: self._charge(job.owner, pixels)
        )
        card = self._engine.pipeline.catalogue.card(choice.options.model)
        with self._engine.served.in_use(card):
            await self._engine.served.be_awake(card, math.inf)
            try:
                made = await self._apart.make(self._order(job, result, card), watch)
            finally:
                room.leave()
        await asyncio.to_thread(advance, made.frames, made.frames)
        return Done(result.name, choice.format.media_type, asdict(made))

    async def check(self, film: Path) -> None:
        """Raises what is wrong with it, as far as its beginning says."""
        await self._apart.check(Check(str(film), self._settings.max_pixels, self._settings.max_video_s))

    async def close(self) -> None:
        """No process of a film is left; those of jobs end with these."""
        await self._apart.close()

    def _order(self, job: Job, result: Path, card: ModelCard) -> Make:
        folder, settings = job.folder, self._settings
        return Make(
            str(folder / UPLOAD),
            settings.max_pixels,
            settings.max_video_s,
            result=str(result),
            background=path_of(folder / BACKGROUND),
            matte=path_of(folder / MATTE),
            options=job.options,
            card=card.model_dump(mode="json"),
            places=self._engine.pool.places,
        )

    def _device_of_workers(self) -> str:
        """Of those that this process has itself."""
        pool = self._engine.pool
        return pool.status()[0].device if isinstance(pool, LocalPool) else "elsewhere"

    async def _charge(self, owner: str, pixels: int) -> None:
        """A frame waits until its key has paid for those before it."""
        allowance = self._allowance_of(owner) if owner else None
        if allowance is None:
            return
        if wait_s := allowance.wait_for_pixels_s():
            await asyncio.sleep(wait_s)
        allowance.take_pixels(pixels)


class _Room:
    """In memory, among all pictures that are in flight, for as long as a film is worked on."""

    def __init__(self, engine: Engine, permit: Permit) -> None:
        self._engine = engine
        self._permit = permit
        self._has_some = False

    async def take(self, pixels: int) -> None:
        """Waits until there is some, behind all photos. A film that is begun again has it already."""
        while not self._has_some:
            claim = Claim("film-room", ("room",), math.inf, Lane.BULK, Stopwatch(), self._permit)
            with self._engine.pixels.claiming(claim), contextlib.suppress(QueueFull):
                await self._engine.pixels.run(claim, "room", _nothing, pixels)
                self._has_some = True
                return
            await asyncio.sleep(LIVE_PAUSE_S)

    def leave(self) -> None:
        self._permit.give_back()


def _nothing() -> None:
    """Room is all that is wanted."""


class _Teller:
    """Writes down how far a job is, now and then."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._next_s = 0.0

    def tell(self, progress: Progress) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + PROGRESS_INTERVAL_S
            self._advance(progress.frames, progress.total)
