"""A service that is killed again and again while it works jobs off: each is done once, as its caller sees it."""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from tests.fakes import make_store
from tests.pictures import encoded, red_and_blue
from tests.system.loading import tiny_server
from tests.system.serving import REQUEST_TIMEOUT_S, Server

LIVES, JOBS_A_LIFE = 2, 6
"""A life costs the start of a service, of some seconds: test_fronts.py kills more often, and more cheaply."""

DONE_BEFORE_A_KILL = 3
"""Of a life's jobs: some are at work then, and others wait."""

PATIENCE_S = 300.0
PHOTO = encoded(red_and_blue().resize((600, 600)))


def send(server: Server, number: int) -> str:
    """Its path. Each has a background of its own; it is the same job however often it is sent."""
    headers = {"Prefer": "respond-async", "Idempotency-Key": f"job-{number}", "Content-Type": "image/png"}
    url = f"{server.url}/replace-background?color=%23{number:02x}8000"
    answer = httpx2.post(url, content=PHOTO, headers=headers, timeout=REQUEST_TIMEOUT_S)
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def done(server: Server) -> Mapping[str, dict[str, Any]]:
    """By id."""
    return {job["id"]: job for job in server.get("/jobs?state=done").json()}


def wait_until_done(server: Server, count: int) -> Mapping[str, dict[str, Any]]:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if len(found := done(server)) >= count:
            return found
        time.sleep(0.02)  # polls
    raise AssertionError(server.get("/jobs").json())


def test_each_job_is_done_once_however_often_the_service_is_killed(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    settings = {"SILHOUETTE_JOBS_FOLDER": str(tmp_path / "jobs")}
    jobs: dict[int, str] = {}
    """The path of each, by its number."""
    seen: dict[str, dict[str, Any]] = {}
    logs = Counter[str]()
    for life in range(1, LIVES + 1):
        with tiny_server(store, **settings) as server:
            for number in range(max(0, JOBS_A_LIFE * (life - 2)), JOBS_A_LIFE * life):  # was the former life heard?
                assert jobs.setdefault(number, path := send(server, number)) == path
            assert all(done(server)[id_] == job for id_, job in seen.items())
            is_last = life == LIVES
            seen |= wait_until_done(server, JOBS_A_LIFE * life if is_last else DONE_BEFORE_A_KILL)
            if is_last:
                assert len(server.get("/jobs").json()) == len(jobs) == JOBS_A_LIFE * LIVES
                results = {number: server.get(f"{path}/result").content for number, path in jobs.items()}
                assert len(set(results.values())) == len(results)
                assert results[5] == server.post("/replace-background", PHOTO, color="#058000").content
            server.process.kill()
            server.process.wait()
        logs.update(entry["job"] for entry in server.log if entry["event"] == "job" and entry["outcome"] == "done")
    assert max(logs.values()) == 1
