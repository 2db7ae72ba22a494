"""Starts a real `silhouette serve` in a process of its own and reads its log."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.weights import REPOSITORY

START_TIMEOUT_S = 300
"""On two cores with twenty other processes, several fronts took 100 s to start."""
STOP_TIMEOUT_S = 180
REQUEST_TIMEOUT_S = 180


@dataclass
class Server:
    """A running service. `log` grows as it speaks: one parsed JSON object a line."""

    process: "subprocess.Popen[str]"
    log: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    _grown: threading.Condition = field(default_factory=threading.Condition)

    def post(
        self, path: str, photo: bytes, headers: Mapping[str, str] | None = None, **options: str
    ) -> httpx2.Response:
        files, timeout = {"image": photo}, REQUEST_TIMEOUT_S
        return httpx2.post(f"{self.url}{path}", files=files, data=options, headers=headers, timeout=timeout)

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(f"{self.url}{path}", timeout=REQUEST_TIMEOUT_S)

    def wait_for(self, event: str, count: int = 1) -> None:
        """Until the log has said `event` so many times."""
        with self._grown:
            assert self._grown.wait_for(lambda: self._count(event) >= count, START_TIMEOUT_S), self.log

    def _count(self, event: str) -> int:
        return sum(entry["event"] == event for entry in self.log)

    def worker_pids(self) -> list[int]:
        return [entry["pid"] for entry in self.log if entry["event"] == "worker ready"]

    def follow(self) -> None:
        """Reads the log to its end."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            entry = _parse(line)
            if entry["event"].startswith("listening on "):
                self.url = entry["event"].removeprefix("listening on ")
            with self._grown:
                self.log.append(entry)
                self._grown.notify_all()


def _parse(line: str) -> dict[str, Any]:
    """What is no JSON stands under `raw`: a test that looks for it fails, and nobody blocks on a full pipe."""
    try:
        entry: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return {"event": "raw", "raw": line}
    return entry


def serve_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "service.cli", "serve", "--port", "0", *arguments]


@contextlib.contextmanager
def running_server(models: str, **settings: str) -> Iterator[Server]:
    """A service that is ready; killed at the end if it is still there."""
    environment = os.environ | {"SILHOUETTE_LOG_FORMAT": "json", "SILHOUETTE_MODELS": models} | settings
    with running(serve_command(), environment) as server:
        yield server


@contextlib.contextmanager
def running(command: list[str], environment: Mapping[str, str]) -> Iterator[Server]:
    """The server that `command` starts, from the repository's folder."""
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True)
    server = Server(process)
    follower = threading.Thread(target=server.follow)
    follower.start()
    try:
        server.wait_for("ready")
        yield server
    finally:
        process.kill()
        process.wait(STOP_TIMEOUT_S)
        follower.join(STOP_TIMEOUT_S)
        assert process.stderr is not None
        process.stderr.close()
