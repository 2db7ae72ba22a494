"""Films that were asked for over the network: one after the other, each as a job that outlives its request.

Knows no HTTP. Photos go first: the frames of a film are bulk work, and a key's quota of megapixels sets its pace.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from service.access.quotas import Allowance
from service.engine.engine import Engine
from service.jobs import Advance, Done, Job
from service.settings import Settings

KIND = "video"
UPLOAD, BACKGROUND, RESULT = "upload", "background", "result"
"""Files in a job's folder; the result has the suffix of its format as well."""

PROGRESS_INTERVAL_S = 0.5


class FilmJobs:
    """Does them."""

    def __init__(self, engine: Engine, settings: Settings, allowance_of: Callable[[str], Allowance | None]) -> None:
        self._engine = engine
        self._settings = settings
        self._allowance_of = allowance_of

    async def work(self, job: Job, advance: Advance) -> Done:
        """Raises what `make_film` raises."""
        from service.video.choice import FilmChoice
        from service.video.film import FilmFiles, Watch, make_film

        background = job.folder / BACKGROUND
        has_background = background.exists()
        choice = FilmChoice.of(job.options, has_background=has_background)
        result = job.folder / f"{RESULT}{choice.format.suffix}"
        content = await asyncio.to_thread(background.read_bytes) if has_background else None
        told = _Teller(advance)
        watch = Watch(told.tell, lambda pixels: self._charge(job.owner, pixels))
        files = FilmFiles(job.folder / UPLOAD, result, content)
        made = await make_film(self._engine, files, choice, self.limits(), watch)
        await asyncio.to_thread(advance, made.frames, made.frames)
        notes = {"frames": made.frames, "lost": made.lost, "damaged": made.damaged, "lost_sound": made.lost_sound}
        return Done(result.name, choice.format.media_type, notes)

    def limits(self) -> Any:
        """What films may be here."""
        from service.video.source import Limits

        return Limits(self._settings.max_pixels, self._settings.max_video_s)

    async def _charge(self, owner: str, pixels: int) -> None:
        """A frame waits until its key has paid for those before it."""
        allowance = self._allowance_of(owner) if owner else None
        if allowance is None:
            return
        if wait_s := allowance.wait_for_pixels_s():
            await asyncio.sleep(wait_s)
        allowance.take_pixels(pixels)


class _Teller:
    """Writes down how far a job is, now and then."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._next_s = 0.0

    def tell(self, progress: Any) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + PROGRESS_INTERVAL_S
            self._advance(progress.frames, progress.total)
