"""Two whole services on one Redis: each takes jobs in, and what one had at work when it was killed the other does."""

import contextlib
import http
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.fakes import make_store
from tests.pictures import encoded, red_and_blue
from tests.redis_server import RedisServer, running_redis
from tests.system.loading import PATIENT, metric, ready_workers, stopped, tiny_server, until, wait_for_metric
from tests.system.serving import REQUEST_TIMEOUT_S, Server

JOBS, BEFORE, AT_ONCE = 24, 8, 3

LEASE_S = 5
"""On a busy machine one may miss it: then a job is done twice, and kept once."""

PHOTO = encoded(red_and_blue().resize((600, 600)))


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as running:
        yield running


@contextlib.contextmanager
def machines(store: Path, **settings: str) -> Iterator[list[Server]]:
    """Two, started at once."""
    with contextlib.ExitStack() as running, ThreadPoolExecutor(2) as pool:
        yield list(pool.map(lambda _: running.enter_context(tiny_server(store, **settings)), range(2)))


def send(server: Server, number: int) -> str:
    """Its path. Each has a background of its own; it is the same job however often, and wherever, it is sent."""
    headers = {"Prefer": "respond-async", "Idempotency-Key": f"job-{number}", "Content-Type": "image/png"}
    url = f"{server.url}/replace-background?color=%23{number:02x}8000"
    answer = httpx2.post(url, content=PHOTO, headers=headers, timeout=REQUEST_TIMEOUT_S)
    assert answer.status_code == http.HTTPStatus.ACCEPTED, answer.text
    return answer.headers["Location"]


def kept_by(server: Server) -> list[str]:
    """The jobs whose result is this machine's, as it says."""
    return [each["job"] for each in list(server.log) if each["event"] == "job" and each["outcome"] == "done"]


def states(server: Server) -> Counter[str]:
    return Counter(job["state"] for job in server.get("/jobs").json())


def test_all_jobs_are_done_once_though_a_machine_is_killed_in_the_middle(tmp_path: Path, redis: RedisServer) -> None:
    """Each has as many at work as it takes when one of them dies."""
    store = make_store(tmp_path / "store")
    settings = {
        "SILHOUETTE_JOBS": "redis",
        "SILHOUETTE_SHARED_URL": redis.url,
        "SILHOUETTE_JOB_LEASE_S": str(LEASE_S),
        "SILHOUETTE_JOBS_AT_ONCE": str(AT_ONCE),
        **PATIENT,
    }
    with machines(store, **settings) as (victim, other):
        paths = [send(victim if number % 2 else other, number) for number in range(BEFORE)]
        until(lambda: states(other) == {"done": BEFORE}, "the end of the first ones")
        with stopped([*ready_workers(victim), *ready_workers(other)]):
            paths += [send(victim if number % 2 else other, number) for number in range(BEFORE, JOBS)]
            until(lambda: states(other)["running"] == 2 * AT_ONCE, "work on both")
            victim.process.kill()
            victim.process.wait()
        assert [send(other, number) for number in range(JOBS)] == paths
        until(lambda: states(other) == {"done": JOBS}, "the end of all")
        results = {path: other.get(f"{path}/result").content for path in paths}
        assert len(set(results.values())) == JOBS
        assert results[paths[5]] == other.post("/replace-background", PHOTO, color="#058000").content
        assert metric(other, "silhouette_job_deaths_total") >= AT_ONCE
        wait_for_metric(other, 0, "silhouette_jobs")
        until(lambda: len(kept_by(victim) + kept_by(other)) >= JOBS, "a line in a log for each")
    assert Counter(kept_by(victim) + kept_by(other)) == Counter(path.removeprefix("/jobs/") for path in paths)
