"""Films that were asked for over the network: one after the other, each as a job that outlives its request.

Knows no HTTP. Photos go first: the frames of a film are bulk work, and a key's quota of megapixels sets its pace.
"""

import asyncio
import contextlib
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from service.access.quotas import Allowance
from service.engine.engine import Engine
from service.errors import Draining, Failure, ModelFailed
from service.jobs import Job, JobStore
from service.settings import Settings
from service.telemetry.log import FIELDS

logger = logging.getLogger(__name__)

KIND = "video"
UPLOAD, BACKGROUND, RESULT = "upload", "background", "result"
"""Files in a job's folder; the result has the suffix of its format as well."""

PROGRESS_INTERVAL_S = 0.5
CLEAR_INTERVAL_S = 60.0


class FilmJobs:
    """One for the whole service."""

    def __init__(self, engine: Engine, settings: Settings, allowance_of: Callable[[str], Allowance | None]) -> None:
        """Raises ConfigurationError where the folder of jobs is of no use."""
        self._engine = engine
        self._settings = settings
        self._allowance_of = allowance_of
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None
        self._store = None if settings.jobs_folder is None else self._opened(settings.jobs_folder)
        self._came = asyncio.Event()
        self._current: tuple[str, asyncio.Task[None]] | None = None
        self._is_stopping = False

    @property
    def store(self) -> JobStore:
        """Made when it is first wanted, where its folder was not named."""
        if self._store is None:
            self._own_folder = tempfile.TemporaryDirectory(prefix="silhouette-", ignore_cleanup_errors=True)
            self._store = self._opened(Path(self._own_folder.name))
        return self._store

    def wake(self) -> None:
        """There is a new job."""
        self._came.set()

    async def cancel(self, id_: str, owner: str) -> Job:
        """Ends it, whatever it is at. Raises UnknownJob."""
        job = await asyncio.to_thread(self.store.cancel, id_, owner)
        if self._current is not None and self._current[0] == job.id:
            task = self._current[1]
            task.cancel()
            await asyncio.wait({task})
        await asyncio.to_thread(self.store.clear_folder, job)
        return job

    async def run(self) -> None:
        """Until `stop`: the oldest job first."""
        while not self._is_stopping:
            self._came.clear()
            job = None if self._store is None else await asyncio.to_thread(self._store.take, KIND)
            if job is not None:
                await self._attend(job)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._came.wait(), CLEAR_INTERVAL_S)
            if self._store is not None:
                await asyncio.to_thread(self._store.clear)

    async def stop(self) -> None:
        """The job that is at work waits again; where jobs outlive the service, the next one goes on with it."""
        self._is_stopping = True
        if self._current is not None:
            id_, task = self._current
            task.cancel()
            await asyncio.wait({task})
            self.store.put_back(id_)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    def _opened(self, folder: Path) -> JobStore:
        return JobStore(folder, self._settings.job_retention_s, self._settings.max_jobs)

    async def _attend(self, job: Job) -> None:
        task = asyncio.create_task(self._work(job))
        self._current = job.id, task
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            self._current = None

    async def _work(self, job: Job) -> None:
        began_s = time.monotonic()
        outcome = "internal_error"
        try:
            await self._make(job)
            outcome = "done"
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except Draining:
            outcome = "put back"
            self.store.put_back(job.id)
        except Failure as failure:
            outcome = failure.code
            await asyncio.to_thread(self.store.fail, job.id, failure)
        except Exception:
            logger.exception("film failed", extra={FIELDS: {"job": job.id}})
            await asyncio.to_thread(self.store.fail, job.id, ModelFailed("the cause is in the service's log"))
        finally:
            seconds = round(time.monotonic() - began_s, 1)
            logger.info("film", extra={FIELDS: {"job": job.id, "outcome": outcome, "seconds": seconds}})

    async def _make(self, job: Job) -> None:
        from service.video.choice import FilmChoice
        from service.video.film import FilmFiles, Watch, make_film

        background = job.folder / BACKGROUND
        has_background = background.exists()
        choice = FilmChoice.of(job.options, has_background=has_background)
        result = job.folder / f"{RESULT}{choice.format.suffix}"
        content = await asyncio.to_thread(background.read_bytes) if has_background else None
        told = _Teller(self.store, job.id)
        watch = Watch(told.tell, lambda pixels: self._charge(job.owner, pixels))
        files = FilmFiles(job.folder / UPLOAD, result, content)
        made = await make_film(self._engine, files, choice, self.limits(), watch)
        notes = {"frames": made.frames, "lost": made.lost, "damaged": made.damaged, "lost_sound": made.lost_sound}
        await asyncio.to_thread(self._finish, job, result.name, choice.format.media_type, notes)

    def _finish(self, job: Job, result: str, media_type: str, notes: dict[str, Any]) -> None:
        self.store.advance(job.id, notes["frames"], notes["frames"])
        self.store.finish(job.id, result, media_type, notes)
        (job.folder / UPLOAD).unlink(missing_ok=True)

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

    def __init__(self, store: JobStore, id_: str) -> None:
        self._store = store
        self._id = id_
        self._next_s = 0.0

    def tell(self, progress: Any) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + PROGRESS_INTERVAL_S
            self._store.advance(self._id, progress.frames, progress.total)
