"""The loop that works films off: a stop in the middle of one is no fault of its own."""

import asyncio
import time
from pathlib import Path

from service.jobs import DiskStore, JobRunner, Kind, NewJob, StoreLimits
from service.queue.admission import Admission, Limits
from service.queue.budget import Budget
from service.queue.schedule import Lane
from service.settings import Settings
from service.video.film import FRAMES_AT_ONCE
from service.video.jobs import KIND, UPLOAD, FilmJobs
from tests.clips import red_square, write_clip
from tests.unit.video.conftest import Maker


def jobs_in(folder: Path, maker: Maker, settings: Settings, pixels: int = 100_000_000) -> tuple[JobRunner, Admission]:
    """And who has the room in memory."""
    whole = Budget(pixels, pixels // 2, 0.5)
    admission = Admission(Limits(8, Budget(8, 1, 1.0), Budget(10**9, 10**8, 1.0), whole), maker.engine.backlog)
    admission.on_room = maker.engine.pixels.start_what_fits
    changed = settings.model_copy(update={"max_megapixels_in_flight": pixels / 1e6})
    films = FilmJobs(maker.engine, changed, lambda name: None, admission.open)
    ready = asyncio.Event()
    ready.set()
    limits = StoreLimits(100.0, 9, 10**9)
    return JobRunner(lambda: DiskStore(folder, limits), {KIND: Kind(films.work, 1)}, ready), admission


def test_a_stop_puts_the_film_back_that_is_at_work(maker: Maker, settings: Settings, tmp_path: Path) -> None:
    jobs, admission = jobs_in(tmp_path, maker, settings)
    with jobs.store.new_folder() as place:
        write_clip(tmp_path / "long.mkv", red_square(120, step_px=0), codec="ffv1").rename(place.path / UPLOAD)
        job = jobs.store.add(place, NewJob(KIND, {"speed": "fastest"}), "")

    async def work_a_little() -> None:
        working = asyncio.create_task(jobs.run())
        while jobs.store.get(job.id, "").done < 1:
            await asyncio.to_thread(time.sleep, 0.02)  # polls
        await jobs.stop()
        working.cancel()

    maker.runner.run(work_a_little())
    stopped = jobs.store.get(job.id, "")
    assert (stopped.state, stopped.attempts) == ("queued", 0)
    assert admission.pixels_in_flight == 0
    jobs.close()


def test_a_film_waits_until_there_is_room_for_its_frames_and_holds_it_until_its_end(
    maker: Maker, settings: Settings, tmp_path: Path
) -> None:
    """Somebody's photo takes up all of the memory there is for pictures, and goes."""
    jobs, admission = jobs_in(tmp_path, maker, settings, pixels=1_000_000)
    with jobs.store.new_folder() as place:
        write_clip(tmp_path / "short.mkv", red_square(5), codec="ffv1").rename(place.path / UPLOAD)
        job = jobs.store.add(place, NewJob(KIND, {"speed": "fastest"}), "")

    async def work() -> tuple[int, int]:
        """How many frames are done without room, and how many pixels are taken as soon as there is some."""
        photo = admission.open("somebody")
        photo.take_pixels(1_000_000)
        working = asyncio.create_task(jobs.run())
        while not maker.engine.pixels.depth(Lane.BULK):
            await asyncio.to_thread(time.sleep, 0.02)  # polls
        done = jobs.store.get(job.id, "").done
        photo.give_back()
        held = admission.pixels_in_flight
        while jobs.store.get(job.id, "").state != "done":
            await asyncio.to_thread(time.sleep, 0.02)  # polls
        await jobs.stop()
        working.cancel()
        return done, held

    assert maker.runner.run(work()) == (0, FRAMES_AT_ONCE * 160 * 96)
    assert admission.pixels_in_flight == 0
    jobs.close()
