"""A node of Ray on this machine: one `ray start`, with everything below it, which ends with whoever started it.

Run as a module, it is the node's process. Its standard input is a pipe that nothing is ever written to: it closes when
the other side says so, and when that dies, however it dies. Nothing of the node outlives that.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

OPTIONS = (
    "--block",
    "--node-ip-address=127.0.0.1",
    "--min-worker-port=0",  # any that is free: two nodes may share this machine
    "--max-worker-port=0",
    "--dashboard-agent-listen-port=0",
    "--include-log-monitor=false",  # nobody reads along
    "--disable-usage-stats",
)

HEAD_OPTIONS = ("--include-dashboard=false", "--no-monitor")

ENVIRONMENT = {
    "RAY_agent_register_timeout_ms": "300000",  # 30 seconds, else, and the raylet ends
    "RAY_prestart_worker_first_driver": "0",  # else a Python process for each core, which no replica needs
}
"""What the operator has set stays."""

FOLDERS = "/tmp"
"""As Ray's own: the name of a socket in there has to be shorter than 104 characters."""

TRIES = 3
"""A raylet aborts when a Python process of its node takes more than 15 seconds until it has opened a port: from a cold
disk, or on a busy machine. Next time its modules are in memory.
"""

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
        command = [sys.executable, "-m", __name__, str(self.folder), "start", *OPTIONS, *arguments]
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
        below = _below(self.pid)
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _end_all(below)
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


def _below(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


def _end_all(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, GONE_TIMEOUT_S)


# --- in the node's process --------------------------------------------------------------------------------------------


def _end_with_the_other_side(folder: str) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    _end_all(_below(os.getpid()))
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def main() -> None:
    """`FOLDER start ...`: what follows the folder is for `ray`."""
    folder = sys.argv.pop(1)
    threading.Thread(target=_end_with_the_other_side, args=(folder,), daemon=True).start()
    from ray.scripts.scripts import main as ray

    sys.argv.append(f"--temp-dir={folder}")
    ray()


if __name__ == "__main__":
    main()
