"""A node of Ray on this machine: one `ray start`, with everything below it, which ends with whoever started it.

Run as a module, it is the node's process. Its standard input is a pipe that nothing is ever written to: it closes when
the other side says so, and when that dies, however it dies. Nothing of the node outlives that.
"""

import contextlib
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from service.workers.process_tree import below, kill

OPTIONS = (
    "--block",
    "--node-ip-address=127.0.0.1",
    "--min-worker-port=0",  # any that is free: two nodes may share this machine
    "--max-worker-port=0",
    "--include-log-monitor=false",  # nobody reads along
    "--disable-usage-stats",
)

HEAD_OPTIONS = ("--include-dashboard=false", "--no-monitor")

LISTEN_PORT = "dashboard-agent-listen-port"

PORTS = (LISTEN_PORT, "dashboard-agent-grpc-port", "metrics-export-port", "runtime-env-agent-port")
"""Given by us. For one that Ray chooses itself, its raylet waits 15 seconds, and aborts when the process that opens it
takes longer to be imported: from a cold disk, or on a busy machine.
"""

ENVIRONMENT = {
    "RAY_agent_register_timeout_ms": "300000",  # 30 seconds, else, and the raylet ends
    "RAY_prestart_worker_first_driver": "0",  # else a Python process for each core, which no replica needs
    "RAY_worker_niceness": "0",  # 15, else: whatever runs beside replicas, such as decoding, would go before them
}
"""What the operator has set stays."""

FOLDERS = "/tmp"
"""As Ray's own: the name of a socket in there has to be shorter than 104 characters."""

TRIES = 3
AGENT = re.compile(r"--node-id=(?P<node>\w+) .*--session-dir=(?P<session>\S+)")

POLL_S = 0.1
GONE_TIMEOUT_S = 5.0
END_TIMEOUT_S = 30.0


class NodeNotStarted(Exception):
    """Says what Ray said. It gives a node so little time that a crowded machine may not have it."""


class Node:
    """One `ray start`, and all that it has started."""

    def __init__(self, environment: Mapping[str, str], *arguments: str) -> None:
        """Returns when it has started. Raises NodeNotStarted, and OSError."""
        self.folder = Path(tempfile.mkdtemp(prefix="ray-", dir=FOLDERS))
        """Of the node's own: its process removes it."""
        ports = [f"--{name}={port}" for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)]
        command = [sys.executable, "-m", __name__, str(self.folder), "start", *ports, *OPTIONS, *arguments]
        log = self.folder / "start.log"
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                env={**ENVIRONMENT, **environment},
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        while "Ray runtime started" not in (said := log.read_text(errors="replace")):
            if self._process.poll() is not None:
                self.end()
                raise NodeNotStarted(" ".join(said[-500:].split()))
            time.sleep(POLL_S)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """By itself: it does when one of its processes dies."""
        return self._process.poll() is not None

    def end(self) -> None:
        """With everything that it has started."""
        family = below(self.pid)
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _end_all(family)
        shutil.rmtree(self.folder, ignore_errors=True)


def start_node(environment: Mapping[str, str], *arguments: str) -> Node:
    """Tried again where Ray had too little time. Raises NodeNotStarted."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(NodeNotStarted):
            return Node(environment, *arguments)
    return Node(environment, *arguments)


def start_head(environment: Mapping[str, str], port: int, *arguments: str) -> Node:
    """The first node of a cluster, at this port. Raises NodeNotStarted."""
    (unused,) = free_ports(1)  # Ray's own clients have a port of their own: 10001, unless told
    named = (f"--port={port}", f"--ray-client-server-port={unused}")
    return start_node(environment, "--head", *named, *HEAD_OPTIONS, *arguments)


def free_ports(count: int) -> list[int]:
    """Different ones, which nobody listens at as we ask."""
    with contextlib.ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]


def _end_all(processes: list[psutil.Process]) -> None:
    kill(processes)
    psutil.wait_procs(processes, GONE_TIMEOUT_S)


# --- in the node's process --------------------------------------------------------------------------------------------


def main() -> int:
    """`FOLDER start ...`: what follows the folder is for `ray`. Ends with it, or when the other side is gone."""
    folder, arguments = sys.argv[1], sys.argv[2:]
    command = [sys.executable, "-m", "ray.scripts.scripts", *arguments, f"--temp-dir={folder}"]
    ray = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    is_told = is_over = False
    try:
        while ray.poll() is None and not is_over:
            is_told = is_told or _tell_raylet(arguments)
            is_over = bool(select.select([sys.stdin], [], [], POLL_S)[0])
    finally:
        _end_all(below(os.getpid()))
    if is_over:  # else it stays, for what it says
        shutil.rmtree(folder, ignore_errors=True)
    return ray.wait()


def _tell_raylet(arguments: Sequence[str]) -> bool:
    """For this port it waits although it was given: until its agent has written it into a file. Whether it is there."""
    for process in below(os.getpid()):
        with contextlib.suppress(psutil.Error):
            found = AGENT.search(" ".join(process.cmdline())) if process.name() == "raylet" else None
            if found:
                _write_port(Path(found["session"]), found["node"], arguments)
                return True
    return False


def _write_port(session: Path, node: str, arguments: Sequence[str]) -> None:
    (port,) = (word.partition("=")[2] for word in arguments if word.startswith(f"--{LISTEN_PORT}="))
    file = session / f"{LISTEN_PORT.replace('-', '_')}_{node}"
    draft = file.with_suffix(".draft")
    draft.write_text(port)
    draft.replace(file)


if __name__ == "__main__":
    sys.exit(main())
