"""A real Ray cluster of two nodes on this machine, in processes of its own. Nothing here imports ray."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

OPTIONS = (
    "--block",
    "--object-store-memory=100000000",
    "--node-ip-address=127.0.0.1",
    "--min-worker-port=0",  # any that is free, for two nodes share this machine
    "--max-worker-port=0",
    "--dashboard-agent-listen-port=0",
    "--disable-usage-stats",
)

TRIES = 3

REPLICA = "ray::ServeReplica:"
"""How Ray calls the process of one."""


class NodeNotStarted(Exception):
    """Ray gives a node 30 seconds to start, which a crowded machine may not have. Says what it said."""


class Node:
    """One `ray start`, and all that it has started."""

    def __init__(self, environment: Mapping[str, str], log: Path, *arguments: str) -> None:
        """Returns when it has started. Raises NodeNotStarted."""
        command = [
            sys.executable,
            "-m",
            "ray.scripts.scripts",
            "start",
            *OPTIONS,
            *arguments,
        ]
        with log.open("wb") as file:
            self._process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
        while "Ray runtime started" not in log.read_text():
            if self._process.poll() is not None:
                raise NodeNotStarted(log.read_text()[-500:])
            time.sleep(0.1)

    def processes(self, name: str) -> list[psutil.Process]:
        """Of those below it, whose command begins with this, or has it as its program's name."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [each for each in psutil.Process(self._process.pid).children(recursive=True) if _is(each, name)]
        return []

    def kill(self) -> None:
        """The node's agent, as when its machine goes: what it has started ends with it."""
        for raylet in self.processes("raylet"):
            raylet.kill()

    def end(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.kill()
        self._process.wait()


def _is(process: psutil.Process, name: str) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        command = process.cmdline()
        return bool(command) and (command[0].startswith(name) or Path(command[0]).name == name)
    return False


class Cluster:
    """The head, and another node; each has room for so many replicas."""

    def __init__(self, folder: Path, room: int) -> None:
        """`folder` has a short name, or Ray's sockets would have too long ones."""
        self._folder = folder
        self._room = room
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        """For those who join it."""
        self.address = f"127.0.0.1:{_free_port()}"
        self.nodes: list[Node] = []

    def start(self) -> None:
        """Raises NodeNotStarted."""
        port = self.address.partition(":")[2]
        self._add("head.log", "--head", f"--port={port}", f"--temp-dir={self._folder}", "--include-dashboard=false")
        self._add("other.log", f"--address={self.address}")

    def _add(self, log: str, *arguments: str) -> None:
        environment = {**os.environ, **self.environment}
        for tries_left in reversed(range(TRIES)):
            try:
                self.nodes.append(Node(environment, self._folder / log, f"--num-cpus={self._room}", *arguments))
                return
            except NodeNotStarted:
                if not tries_left:
                    raise

    def end(self) -> None:
        """With everything that it has started."""
        while self.nodes:
            self.nodes.pop().end()

    def replicas(self) -> list[int]:
        """The ids of their processes."""
        return [process.pid for node in self.nodes for process in node.processes(REPLICA)]


@contextlib.contextmanager
def running_cluster(room: int = 1) -> Iterator[Cluster]:
    """Ended at the end. Raises NodeNotStarted."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    cluster = Cluster(folder, room)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
