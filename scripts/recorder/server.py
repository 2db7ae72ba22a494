"""Starts `silhouette serve` of any checkout, with settings under which its answers are the same every time."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

from scripts.recorder.questions import Server

START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 30.0
POLL_S = 0.05

STEADY = {
    "SILHOUETTE_PRECISION": "fp32",
    "SILHOUETTE_DEVICE": "cpu",
    "SILHOUETTE_WORKERS": "1",
    "SILHOUETTE_THREADS_PER_WORKER": "1",
    "SILHOUETTE_PIXEL_THREADS": "1",
    "SILHOUETTE_REQUEST_TIMEOUT_S": "600",
    "SILHOUETTE_BATCH_TIMEOUT_S": "600",
    "SILHOUETTE_HEARTBEAT_TIMEOUT_S": "60",
}
"""More threads add numbers up in another order; int8 is not there on every machine; and a busy machine is no news."""

SETTINGS: Mapping[Server, Mapping[str, str]] = {
    "usual": {
        "SILHOUETTE_MODELS": "u2net,selfie,deeplab-voc",
        "SILHOUETTE_MAX_MEGAPIXELS": "3",
        "SILHOUETTE_MAX_UPLOAD_BYTES": "4000000",
    },
    "strict": {
        "SILHOUETTE_MODELS": "selfie",
        "SILHOUETTE_QUEUE_CAPACITY": "1",
        "SILHOUETTE_MAX_SESSIONS": "1",
        "SILHOUETTE_UPLOAD_TIMEOUT_S": "10",
        "SILHOUETTE_HELLO_TIMEOUT_S": "5",
        "SILHOUETTE_SESSION_IDLE_TIMEOUT_S": "8",
        "SILHOUETTE_CACHE_MAX_BYTES": "10000000",
        "SILHOUETTE_STUDIO": "off",
    },
}


@dataclass(frozen=True)
class Running:
    """A service that listens; whether it is ready is another question."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self) -> None:
        self._wait_for(200)

    def begin_to_stop(self) -> None:
        """Until it says so; it goes on as long as somebody waits for an answer."""
        self.process.send_signal(signal.SIGTERM)
        self._wait_for(503)

    def wait_until_open(self) -> None:
        """Until the port takes connections."""
        for _ in self._tries():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return

    def _wait_for(self, status: int) -> None:
        for _ in self._tries():
            if httpx2.get(f"{self.url}/readyz").status_code == status:
                return

    def _tries(self) -> Iterator[None]:
        """Raises RuntimeError with the end of the log when the time is over or the process is."""
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end and self.process.poll() is None:
            yield
            time.sleep(POLL_S)
        raise RuntimeError(f"the service did not get there; the end of {self.log}:\n{self.log.read_text()[-2000:]}")


def environment(source: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """`service` is that of the checkout `source`, and no setting comes from outside. Nothing is written into it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SILHOUETTE_")}
    return {**kept, **STEADY, **settings, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}


def silhouette(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "service.cli", *arguments]


@contextlib.contextmanager
def running(source: Path, server: Server, folder: Path) -> Iterator[Running]:
    """A service whose port is open. It works in `folder`: in a checkout, Python would import that one's `service`."""
    port = _free_port()
    log = folder / f"{server}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            silhouette("serve", "--port", str(port)),
            cwd=folder,
            env=environment(source, SETTINGS[server]),
            stderr=output,
        )
    try:
        running = Running(process, port, log)
        running.wait_until_open()
        yield running
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
