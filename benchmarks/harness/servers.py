"""Starts the servers that a benchmark measures, each with a log of its own, and stops them."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil

from benchmarks.harness.builds import HERE, REPOSITORY, Build
from benchmarks.harness.load import HOST
from service.configuration_errors import ConfigurationError
from service.workers.process_tree import kill, tree

LOGS = REPOSITORY / ".cache" / "benchmarks"

HANDLERS = REPOSITORY / "benchmarks" / "peers" / "handlers"

START_TIMEOUT_S = 300
STOP_TIMEOUT_S = 40
POLL_S = 0.2
SERVICE = "service"


class StartFailed(ConfigurationError):
    """A server ended, or said nothing, before it was ready."""


@dataclass
class Server:
    """A server in a session of its own, so that Ctrl-C reaches the benchmark alone."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    port: int = 0

    def get(self, path: str) -> str:
        """Raises httpx2.HTTPError where it does not answer, or not with 2xx."""
        return httpx2.get(f"http://{HOST}:{self.port}{path}", timeout=10).raise_for_status().text

    def events(self) -> list[dict[str, Any]]:
        """What our own service has logged."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def roles(self) -> dict[int, str]:
        """What each process of our own service is, by its id; `worker 0 (2)` is the second one in that place."""
        roles, places = {self.process.pid: SERVICE}, dict[int, int]()
        for event in self.events():
            if event["event"] == "worker ready":
                place = event["worker"]
                places[place] = places.get(place, 0) + 1
                roles[event["pid"]] = f"worker {place}" + (f" ({places[place]})" if places[place] > 1 else "")
        return roles

    def processes(self) -> list[psutil.Process]:
        """The one that was started, and then all below it; empty where it has ended."""
        return tree(self.process.pid)

    def age_s(self) -> float:
        """Since its process was started."""
        return time.time() - psutil.Process(self.process.pid).create_time()

    def stop(self) -> None:
        """Politely, then not; at once where somebody presses Ctrl-C meanwhile."""
        processes = self.processes()
        self.process.send_signal(signal.SIGTERM)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_TIMEOUT_S)
        finally:
            kill(processes)
            self.process.wait(STOP_TIMEOUT_S)


@contextlib.contextmanager
def python_server(module: str, *arguments: str) -> Iterator[Server]:
    """A module of this checkout that logs as our own service does, once it is ready."""
    with _started(module, [sys.executable, "-m", module, *arguments], environment({})) as server:
        _listening(server)
        yield server


@contextlib.contextmanager
def silhouette(models: str, build: Build = HERE, **settings: str) -> Iterator[Server]:
    """Our own service, of this checkout or of another build, once every worker is ready. Settings come from the
    environment as always, and from `settings`: precision="int8" is SILHOUETTE_PRECISION=int8."""
    chosen = {f"SILHOUETTE_{name.upper()}": value for name, value in settings.items()}
    settings = {"SILHOUETTE_LOG_FORMAT": "json"} | chosen
    command = [str(build.python), "-m", "service.cli", "serve", "--host", HOST, "--port", "0", "--models", models]
    with _started(f"silhouette-{build.name}", command, environment(settings), build.folder) as server:
        _listening(server)
        yield server


@contextlib.contextmanager
def rembg(program: Path, weights: Path) -> Iterator[Server]:
    """The peer, once it answers; its model is loaded by the first request. `weights` is the folder of u2net.onnx."""
    port = _free_port()
    settings = {"U2NET_HOME": str(weights), "BROWSER": "true"}  # it opens a browser otherwise
    command = [str(program), "s", "--no-ui", "--host", HOST, "--port", str(port)]
    with _started("rembg", command, environment(settings)) as server:
        server.port = port
        _wait(server, lambda: _answers(server, "/openapi.json"))
        yield server


@contextlib.contextmanager
def peer_server(script: str, python: Path, network: Path) -> Iterator[Server]:
    """One of `benchmarks/peers/handlers/`, once it answers. `network` is the file that it loads."""
    port = _free_port()
    settings = {"U2NET": str(network), "PORT": str(port)}
    with _started(script, [str(python), str(HANDLERS / f"{script}.py")], environment(settings), LOGS) as server:
        server.port = port
        _wait(server, lambda: _answers(server, "/docs"))
        yield server


def _listening(server: Server) -> None:
    """Waits until it is ready, and learns its port from what it logs."""
    _wait(server, lambda: any(event["event"] == "ready" for event in server.events()))
    listening = next(event["event"] for event in server.events() if event["event"].startswith("listening on "))
    server.port = int(listening.rpartition(":")[2])


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's own environment, with `settings` on top."""
    return {**os.environ, **settings}


@contextlib.contextmanager
def _started(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path = REPOSITORY
) -> Iterator[Server]:
    LOGS.mkdir(parents=True, exist_ok=True)
    descriptor, log_file = tempfile.mkstemp(".log", f"{name}-", LOGS)  # of its own: a benchmark may run two of a name
    path = Path(log_file)
    with os.fdopen(descriptor, "wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    server = Server(name, process, path)
    try:
        yield server
        path.unlink()  # after a failure it stays, for whoever wants to know why
    finally:
        server.stop()


def _wait(server: Server, is_ready: Callable[[], bool]) -> None:
    """Raises StartFailed with the last thing that the server said."""
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while not is_ready():
        if server.process.poll() is not None or time.monotonic() > give_up_at:
            said = server.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise StartFailed(f"{server.name} did not start: {said[-1] if said else 'it said nothing'} ({server.log})")
        time.sleep(POLL_S)


def _answers(server: Server, path: str) -> bool:
    try:
        server.get(path)
    except httpx2.HTTPError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
