"""Starts the servers that a benchmark measures, each with its own log, and watches the memory of their processes."""

import contextlib
import json
import math
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil

from benchmarks.load import HOST
from service.cli.console import download_progress, say
from service.errors import ConfigurationError
from service.settings import read_settings
from service.store import ModelStore
from service.store.store import sha256_of

REPOSITORY = Path(__file__).resolve().parent.parent
LOGS = REPOSITORY / ".cache" / "benchmarks"

REMBG = "rembg[cli,cpu]==2.0.86"
PEERS = REPOSITORY / ".cache" / "peers"
PEER_SERVERS = Path(__file__).resolve().parent / "peer_servers"
HANDLER_REQUIREMENTS = ("fastapi", "uvicorn", "python-multipart", "onnxruntime", "pillow", "numpy")
LITSERVE_REQUIREMENTS = ("litserve", "python-multipart", "onnxruntime", "pillow", "numpy")
ORIGINALS = REPOSITORY / ".cache" / "originals"

START_TIMEOUT_S = 180
STOP_TIMEOUT_S = 40
POLL_S = 0.2
SAMPLE_INTERVAL_S = 1.0
MEGABYTE = 1_000_000
SERVICE = "service"

MIN_AVAILABLE_BYTES = 1_000 * MEGABYTE
"""A server that leaves less than this of the machine's memory is killed, before the kernel chooses whom to kill."""


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

    def stop(self) -> None:
        """Politely, then not."""
        tree = _tree(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            _kill(tree)
            self.process.wait(STOP_TIMEOUT_S)
        _kill(tree)


@contextlib.contextmanager
def silhouette(models: str, **settings: str) -> Iterator[Server]:
    """This repository's own service, once every worker is ready. Settings come from the environment as always, and
    from `settings`: precision="int8" is SILHOUETTE_PRECISION=int8."""
    chosen = {f"SILHOUETTE_{name.upper()}": value for name, value in settings.items()}
    settings = {"SILHOUETTE_LOG_FORMAT": "json"} | chosen
    command = [sys.executable, "-m", "service.cli", "serve", "--host", HOST, "--port", "0", "--models", models]
    with _started("silhouette", command, environment(settings)) as server:
        _wait(server, lambda: any(event["event"] == "ready" for event in server.events()))
        listening = next(event["event"] for event in server.events() if event["event"].startswith("listening on "))
        server.port = int(listening.rpartition(":")[2])
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
def peer_server(script: str, python: Path, weights: Path) -> Iterator[Server]:
    """One of `peer_servers/`, once it answers. `weights` is the folder of u2net.onnx."""
    port = _free_port()
    settings = {"U2NET_ONNX": str(weights / "u2net.onnx"), "PORT": str(port)}
    with _started(script, [str(python), str(PEER_SERVERS / f"{script}.py")], environment(settings), LOGS) as server:
        server.port = port
        _wait(server, lambda: _answers(server, "/docs"))
        yield server


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's own environment, with `settings` on top."""
    return {**os.environ, **settings}


def install_rembg() -> Path:
    """The `rembg` program."""
    return install_peer("rembg", REMBG) / "rembg"


def install_peer(name: str, *requirements: str) -> Path:
    """The folder of programs of a virtual environment of its own. Raises StartFailed where pip cannot bring it."""
    folder = PEERS / name
    python, done = folder / "bin" / "python", folder / ".installed"
    wanted = "\n".join(requirements)
    if not done.exists() or done.read_text() != wanted:
        say(f"installing {', '.join(requirements)} into {folder}: once, about a minute")
        venv.create(folder, with_pip=True, symlinks=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        if subprocess.run(command, stdout=sys.stderr).returncode:
            raise StartFailed(f"pip could not install {', '.join(requirements)}")
        done.write_text(wanted)
    return python.parent


def fetch_original(model: str, folder: Path = ORIGINALS) -> Path:
    """The folder with the published file of `model`, which our own weights were converted from."""
    settings = read_settings()
    store = ModelStore(settings.model_store, settings.mirror)
    card = store.card(model)
    file = folder / card.download.file
    if not file.is_file() or sha256_of(file) != card.download.sha256:
        with download_progress() as progress:
            task = progress.add_task(card.download.file, total=None)
            store.fetch_original(card, folder, lambda done, total: progress.update(task, completed=done, total=total))
    return folder


@contextlib.contextmanager
def _started(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path = REPOSITORY
) -> Iterator[Server]:
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{name}-{os.getpid()}.log"
    with path.open("wb") as log:
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


def _tree(pid: int) -> list[psutil.Process]:
    """The process and all below it; empty where it has ended."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


@dataclass
class Memory:
    """Resident memory of each process of a tree, over time. Pages that processes share are counted for each."""

    samples: dict[int, list[tuple[float, int]]] = field(default_factory=dict)
    """By process id: (seconds since the start, bytes)."""
    peak_bytes: int = 0
    """Of the whole tree at one moment."""
    peak_pss_bytes: float = math.nan
    """The same with shared pages counted once; NaN where the kernel does not tell."""
    ran_out: bool = False
    """The server was killed because it left too little of the machine's memory."""

    def add(self, at_s: float, rss_bytes: Mapping[int, int]) -> None:
        for pid, count in rss_bytes.items():
            self.samples.setdefault(pid, []).append((at_s, count))
        self.peak_bytes = max(self.peak_bytes, sum(rss_bytes.values()))


@contextlib.contextmanager
def watched(server: Server, interval_s: float = SAMPLE_INTERVAL_S) -> Iterator[Memory]:
    """Samples the memory of the server's processes until the block ends."""
    memory, done = Memory(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(server, memory, done, interval_s), daemon=True)
    watcher.start()
    try:
        yield memory
    finally:
        done.set()
        watcher.join()


def _watch(server: Server, memory: Memory, done: threading.Event, interval_s: float) -> None:
    started = time.monotonic()
    while not done.wait(interval_s):
        tree = _tree(server.process.pid)
        memory.add(time.monotonic() - started, _rss_bytes(tree))
        memory.peak_pss_bytes = max(pss_bytes(tree), memory.peak_pss_bytes)
        if psutil.virtual_memory().available < MIN_AVAILABLE_BYTES:
            memory.ran_out = True
            _kill(tree)
            return


def pss_bytes(tree: Sequence[psutil.Process]) -> float:
    """Proportional set size of all: a page that n processes share counts 1/n in each. NaN where Linux is not there."""
    total = math.nan
    for process in tree:
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            kilobytes = int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
            total = kilobytes * 1024 + (0.0 if math.isnan(total) else total)
    return total


def rss_bytes(server: Server) -> dict[int, int]:
    """Of each process of the server now, by its id."""
    return _rss_bytes(_tree(server.process.pid))


def _rss_bytes(tree: Sequence[psutil.Process]) -> dict[int, int]:
    found = {}
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            found[process.pid] = process.memory_info().rss
    return {pid: count for pid, count in found.items() if count}  # 0: a zombie


@dataclass(frozen=True)
class Slope:
    """How fast a process grows, by least squares."""

    mb_per_minute: float
    error: float
    """Standard error of that figure: requests of different sizes make memory go up and down anyway."""


def slope(samples: Sequence[tuple[float, int]], after_s: float) -> Slope | None:
    """Of the samples (seconds, bytes) from `after_s` on; None where there are fewer than three."""
    late = [(at_s / 60, count / MEGABYTE) for at_s, count in samples if at_s >= after_s]
    if len(late) < 3:
        return None
    minutes, megabytes = zip(*late, strict=True)
    line = statistics.linear_regression(minutes, megabytes)
    residual = sum((y - line.intercept - line.slope * x) ** 2 for x, y in late) / (len(late) - 2)
    spread = sum((x - statistics.fmean(minutes)) ** 2 for x in minutes)
    return Slope(line.slope, (residual / spread) ** 0.5)
