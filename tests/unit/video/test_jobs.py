"""The loop that works films off: a stop in the middle of one is no fault of its own."""

import asyncio
import time
from pathlib import Path

from service.jobs import JobRunner, Kind, NewJob, StoreLimits
from service.settings import Settings
from service.video.jobs import KIND, UPLOAD, FilmJobs
from tests.clips import red_square, write_clip
from tests.unit.video.conftest import Maker


def test_a_stop_puts_the_film_back_that_is_at_work(maker: Maker, settings: Settings, tmp_path: Path) -> None:
    films = FilmJobs(maker.engine, settings, lambda name: None)
    ready = asyncio.Event()
    ready.set()
    jobs = JobRunner(tmp_path, StoreLimits(100.0, 9, 10**9), {KIND: Kind(films.work, 1)}, ready)
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
    jobs.close()
