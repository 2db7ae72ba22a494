"""A service that is killed in the middle of a film: no job is lost, what was done stays done, no process is left."""

import time
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.clips import read_alpha, red_square, write_clip
from tests.fakes import make_store
from tests.system.loading import tiny_server
from tests.system.serving import REQUEST_TIMEOUT_S, Server

PATIENCE_S = 180.0
LONG = 80


def post(server: Server, film: Path) -> str:
    """The path of the job."""
    with film.open("rb") as content:
        headers = {"Content-Type": "video/mp4"}
        answer = httpx2.post(
            f"{server.url}/videos?speed=fastest", content=content.read(), headers=headers, timeout=REQUEST_TIMEOUT_S
        )
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def wait_for(server: Server, job: str, reached: "str | int") -> dict[str, Any]:
    """Until it has this state, or so many frames."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        told: dict[str, Any] = server.get(job).json()
        if told["state"] == reached or (isinstance(reached, int) and told["progress"]["done"] >= reached):
            return told
        assert told["state"] not in ("failed", "cancelled"), told
        time.sleep(0.05)  # polls
    raise AssertionError(told)


def test_a_kill_in_the_middle_of_a_film_loses_no_job(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    short = write_clip(tmp_path / "short.mp4", red_square(5))
    long = write_clip(tmp_path / "long.mp4", red_square(LONG, step_px=0))
    settings = {"SILHOUETTE_JOBS_FOLDER": str(tmp_path / "jobs")}
    with tiny_server(store, **settings) as first:
        jobs = [post(first, film) for film in (short, long, short)]
        wait_for(first, jobs[0], "done")
        wait_for(first, jobs[1], 8)
        family = psutil.Process(first.process.pid).children(recursive=True)
        first.process.kill()
        first.process.wait()
        assert not psutil.wait_procs(family, PATIENCE_S)[1]
    with tiny_server(store, **settings) as second:
        assert second.get(jobs[0]).json()["state"] == "done"
        assert wait_for(second, jobs[1], "done")["notes"]["frames"] == LONG
        wait_for(second, jobs[2], "done")
        for job, frames in zip(jobs, (5, LONG, 5), strict=True):
            (tmp_path / "cut.webm").write_bytes(second.get(f"{job}/result").content)
            assert len(read_alpha(tmp_path / "cut.webm")) == frames
