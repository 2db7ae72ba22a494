"""Jobs of a service that is killed every few seconds: what their caller sees of them.

A caller sends jobs (`Prefer: respond-async`) one after the other, each once more under its `Idempotency-Key` where it
was not heard, and fetches each result. Meanwhile the front that does the jobs is killed with SIGKILL every few seconds;
with one front that is the service as a whole, which is started again. With jobs in Redis all fronts do them, each as a
machine of its own would, and the one that has done so for longest is killed. What has to hold: each job is there once,
is done once, and its result never changes.
"""

import contextlib
import hashlib
import io
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2
from PIL import Image, ImageDraw

from benchmarks.harness.builds import HERE
from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.load import HOST
from benchmarks.harness.servers import Server, silhouette
from service.cli.console import say
from service.configuration_errors import ConfigurationError
from tests.redis_server import redis_program, running_redis

EPILOG = """\
examples:
  python -m benchmarks.reliability.killed_jobs                  200 jobs, two fronts, a kill every 3 seconds
  python -m benchmarks.reliability.killed_jobs --jobs 30 --fronts 1
  python -m benchmarks.reliability.killed_jobs --store redis    needs a redis-server on this machine

Exits with 1 where one of the promises did not hold.
"""

PHOTO_SIZE = (640, 360)

TIMEOUT_S = 30.0
UNHEARD_PAUSE_S = 0.1
LOOK_INTERVAL_S = 0.1


def photo() -> bytes:
    """Something to look at; what is seen in it does not matter here."""
    picture = Image.effect_noise(PHOTO_SIZE, 40).convert("RGB")
    ImageDraw.Draw(picture).ellipse((220, 60, 420, 350), fill=(200, 150, 120))
    content = io.BytesIO()
    picture.save(content, "JPEG")
    return content.getvalue()


@dataclass
class Caller:
    """Knows what it asked for, and what it saw."""

    count: int
    photo: bytes = field(default_factory=photo)
    paths: list[str] = field(default_factory=list)
    """Of the jobs that were accepted."""
    results: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of each result, by the job's path, as it was first seen."""
    unheard: int = 0
    """Requests that met a dying service."""
    wrong: list[str] = field(default_factory=list)

    def is_over(self) -> bool:
        return bool(self.wrong) or len(self.results) == self.count

    def ask(self, client: httpx2.Client) -> None:
        """One thing after the other; what is not heard is asked again later."""
        try:
            if len(self.paths) < self.count:
                self._send(client, len(self.paths))
            self._fetch(client)
        except httpx2.TransportError:
            self.unheard += 1
            time.sleep(UNHEARD_PAUSE_S)

    def check(self, client: httpx2.Client) -> None:
        """All of it once more, of a service that lives."""
        listed = [job["id"] for job in client.get("/jobs").json()]
        if len(listed) != self.count or len(set(self.paths)) != self.count:
            self.wrong.append(f"{self.count} were asked for, {len(set(self.paths))} accepted, {len(listed)} are there")
        changed = [path for path, seen in self.results.items() if _result(client, path) != seen]
        self.wrong += [f"{path}: another result than before" for path in changed]

    def _send(self, client: httpx2.Client, number: int) -> None:
        headers = {"Prefer": "respond-async", "Idempotency-Key": f"job-{number}", "Content-Type": "image/jpeg"}
        query = {"color": f"#{number:06x}", "allow_empty": "true"}
        answer = client.post("/replace-background", params=query, content=self.photo, headers=headers)
        if answer.status_code == httpx2.codes.ACCEPTED:
            self.paths.append(answer.headers["Location"])
        elif answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
            self.wrong.append(f"job {number}: {answer.text}")

    def _fetch(self, client: httpx2.Client) -> None:
        """What is new."""
        answer = client.get("/jobs")
        if answer.status_code != httpx2.codes.OK:  # a front that has just begun, or ends
            return
        for job in answer.json():
            path = f"/jobs/{job['id']}"
            if job["state"] == "failed":
                self.wrong.append(f"{path}: {job['failure']['detail']}")
            elif job["state"] == "done" and path not in self.results:
                self.results[path] = _result(client, path)


def _result(client: httpx2.Client, path: str) -> str:
    return hashlib.sha256(client.get(f"{path}/result").raise_for_status().content).hexdigest()


class Killer:
    """Kills whichever process does the jobs, again and again during a block."""

    def __init__(self, server: Server, fronts: int, kill_s: float) -> None:
        self.killed: list[int] = []
        self._server = server
        self._fronts = fronts
        self._kill_s = kill_s
        self._may_end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._may_end.set()
        self._thread.join()

    def _run(self) -> None:
        """A process that does jobs is killed so many seconds after it has begun to."""
        while not self._may_end.wait(LOOK_INTERVAL_S):
            new = [pid for pid in self._begun() if pid not in self.killed]
            if new and not self._may_end.wait(self._kill_s):
                with contextlib.suppress(ProcessLookupError):  # it has ended otherwise
                    os.kill(new[0], signal.SIGKILL)
                self.killed.append(new[0])

    def _begun(self) -> list[int]:
        """The ids of the processes that began to do jobs, in that order."""
        if self._fronts == 1:
            return [self._server.process.pid]
        return [event["pid"] for event in self._server.events() if event["event"] == "in charge of jobs"]


@contextlib.contextmanager
def settings_of(store: str, lease_s: float) -> Iterator[dict[str, str]]:
    """Of jobs that outlive the service. Raises ConfigurationError where there is no Redis."""
    if store == "redis" and redis_program() is None:
        raise ConfigurationError("there is no redis-server: apt-get install redis-server")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if store == "disk":
            yield {"jobs_folder": str(folder)}
        else:
            redis = stack.enter_context(running_redis(folder, is_lasting=True))
            yield {"jobs": "redis", "shared_url": redis.url, "job_lease_s": str(lease_s)}


def run(jobs: int, kill_s: float, model: str, fronts: int, settings: Mapping[str, str]) -> dict[str, Any]:
    """What was seen."""
    caller, kills, done = Caller(jobs), 0, Counter[str]()
    began_s, is_checked = time.monotonic(), False
    while not is_checked:
        with silhouette(model, HERE, fronts=str(fronts), **settings) as server, _client(server) as client:
            with Killer(server, fronts, kill_s) as killer:
                while server.process.poll() is None and not caller.is_over():
                    caller.ask(client)
            kills += len(killer.killed)
            if is_checked := server.process.poll() is None:
                caller.check(client)
            done.update(_done(server))
        say(f"{len(caller.paths)} accepted, {len(caller.results)} fetched, {kills} kills")
    twice = [job for job, times in done.items() if times > 1]
    return {
        "jobs": jobs,
        "store": settings.get("jobs", "disk"),
        "fronts": fronts,
        "kills": kills,
        "fetched": len(caller.results),
        "requests not heard": caller.unheard,
        "seconds": round(time.monotonic() - began_s, 1),
        "wrong": [*caller.wrong, *(f"{job} was done twice" for job in twice)],
    }


def _client(server: Server) -> httpx2.Client:
    """Each request on a connection of its own, so that it meets any front."""
    limits = httpx2.Limits(max_keepalive_connections=0)
    return httpx2.Client(base_url=f"http://{HOST}:{server.port}", timeout=TIMEOUT_S, limits=limits)


def _done(server: Server) -> list[str]:
    """Jobs, as often as they were done."""
    return [event["job"] for event in server.events() if event["event"] == "job" and event["outcome"] == "done"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where a promise did not hold, with 2 where the service does not start."""
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--jobs", type=int, default=200, metavar="N", help="default: 200")
    parser.add_argument(
        "--kill-s",
        type=float,
        default=3.0,
        metavar="N",
        help="from when a process begins to do jobs to its end; default: 3",
    )
    parser.add_argument("--fronts", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument("--model", default="selfie", help="default: selfie")
    parser.add_argument("--store", choices=("disk", "redis"), default="disk", help="default: disk")
    parser.add_argument(
        "--lease-s", type=float, default=3.0, metavar="N", help="SILHOUETTE_JOB_LEASE_S of jobs in Redis; default: 3"
    )
    chosen = parser.parse_args(arguments)
    with ending_in_one_line("killed_jobs"), settings_of(chosen.store, chosen.lease_s) as settings:
        seen = run(chosen.jobs, chosen.kill_s, chosen.model, chosen.fronts, settings)
    print(json.dumps(seen, indent=2))
    sys.exit(1 if seen["wrong"] else 0)


if __name__ == "__main__":
    main()
