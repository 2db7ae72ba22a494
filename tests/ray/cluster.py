"""A real Ray cluster of two nodes on this machine, in processes of its own. Nothing here imports ray."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import psutil

from service.workers.process_tree import below, kill
from service.workers.ray.node import Node, free_ports, start_head, start_node

OBJECT_STORE_BYTES = 100_000_000

REPLICA = "ray::ServeReplica:"
"""How Ray calls the process of one."""


class Cluster:
    """The head, and another node; each has room for so many replicas."""

    def __init__(self, room: int, environment: dict[str, str] | None = None) -> None:
        """`environment`: more for its nodes, such as a Redis."""
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        """For those who join it."""
        self.nodes: list[Node] = []
        """The head is the first."""
        self._size = (f"--num-cpus={room}", f"--object-store-memory={OBJECT_STORE_BYTES}")
        self._node_environment = {**os.environ, **(environment or {}), **self.environment}
        (self._port,) = free_ports(1)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Raises NodeNotStarted."""
        self.nodes.append(self._head())
        self.nodes.append(start_node(self._node_environment, f"--address={self.address}", *self._size))

    def _head(self) -> Node:
        return start_head(self._node_environment, self._port, *self._size)

    def restart_head(self) -> None:
        """At the same port, with the same Redis where there is one. Raises NodeNotStarted."""
        self.nodes[0].end()
        self.nodes[0] = self._head()

    @property
    def clients_address(self) -> str:
        """Where the head takes Ray's own remote clients, which it does whether one wants it or not."""
        (server,) = self.processes("ray.util.client.server", 0)
        (port,) = (word.partition("=")[2] for word in server.cmdline() if word.startswith("--port="))
        return f"127.0.0.1:{port}"

    @property
    def size(self) -> int:
        """Nodes that it has."""
        return len(self.nodes)

    def end(self) -> None:
        """With everything that it has started."""
        while self.nodes:
            self.nodes.pop().end()

    def processes(self, name: str, node: int | None = None) -> list[psutil.Process]:
        """Of one node or all, whose command begins with this, or has it as its program's or its module's name."""
        nodes = self.nodes if node is None else [self.nodes[node]]
        return [process for each in nodes for process in below(each.pid) if _is(process, name)]

    def replicas(self) -> list[int]:
        """The ids of their processes."""
        return [process.pid for process in self.processes(REPLICA)]

    def kill_control_store(self) -> None:
        """Ray's GCS. Its nodes live on for a minute."""
        kill(self.processes("gcs_server"))

    def restart(self) -> None:
        """All of its nodes, at the same address. Raises NodeNotStarted."""
        self.end()
        self.start()

    def kill_agent(self, node: int) -> None:
        """As when its machine goes: what it has started ends with it."""
        kill(self.processes("raylet", node))


def _is(process: psutil.Process, name: str) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        command = process.cmdline()
        return bool(command) and (command[0].startswith(name) or name in (Path(command[0]).name, *command[1:3]))
    return False


@contextlib.contextmanager
def running_cluster(room: int = 1, environment: dict[str, str] | None = None) -> Iterator[Cluster]:
    """Ended at the end. Raises NodeNotStarted."""
    cluster = Cluster(room, environment)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()
