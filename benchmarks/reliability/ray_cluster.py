"""A Ray cluster's bad day: large bodies, then its control store is killed, its nodes follow, and another head comes.

What has to hold: 50 megapixel bodies leave the service's own memory where it was; whoever was admitted before or after
the death is answered; `/readyz` says no before the 60 seconds are over after which Ray ends its nodes; when a cluster
answers at the address again, the service joins it by itself. With a Redis, a head that was killed and started again
still has the replica of the other node, which is the same process as before.
"""

import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from PIL import Image
from rich.console import Console

from benchmarks.harness.command import argument_parser, ending_in_one_line
from service.configuration_errors import ConfigurationError
from service.workers.ray.node import NodeNotStarted, free_ports
from tests.fakes import RED, make_store
from tests.pictures import encoded, painted
from tests.ray.cluster import REPLICA, Cluster, running_cluster
from tests.system.loading import Call, tiny_server
from tests.system.serving import Server

MB = 1_000_000

BODIES = 12
GROWTH_MB = 60
"""What the service may keep of them: its allocator's free lists."""

RAY_GIVES_UP_S = 60.0
PATIENCE_S = 400.0

EPILOG = """\
examples:
  python -m benchmarks.reliability.ray_cluster            seven minutes, in one of them the cluster is away for two
  python -m benchmarks.reliability.ray_cluster --redis    two minutes

Needs the extra `ray`. Exits with 1 where one of the promises did not hold.
"""

say = Console().print


def wait(condition: Callable[[], bool], what: str) -> float:
    """How many seconds it took. Raises TimeoutError."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE_S:
            raise TimeoutError(what)
        time.sleep(0.2)
    return time.monotonic() - began


def is_ready(server: Server) -> bool:
    return server.get("/readyz").status_code == 200


def large_body() -> bytes:
    """50 megapixels, of noise in blocks, so that the file is large as well."""
    picture = Image.effect_noise((884, 566), 90).convert("RGB").resize((8840, 5656))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95)
    return file.getvalue()


def check_bodies(server: Server) -> bool:
    body, service = large_body(), psutil.Process(server.process.pid)
    sizes = []
    for _ in range(BODIES):
        code = Call(server, "/segment", body, allow_empty="true").answer().code
        sizes.append(service.memory_info().rss / MB)
        if code != "ok":
            say(f"a body of {len(body) / MB:.0f} MB got {code}")
            return False
    after_each = ", ".join(f"{size:.0f}" for size in sizes)
    say(f"{BODIES} bodies of {len(body) / MB:.0f} MB; the service's own memory after each: {after_each} MB")
    return max(sizes[BODIES // 2 :]) < max(sizes[: BODIES // 2]) + GROWTH_MB


class Askers:
    """One after the other, until told to stop; what the answers were."""

    def __init__(self, server: Server) -> None:
        self.codes: list[str] = []
        self._server = server
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        photo = encoded(painted(RED))
        while not self._enough.wait(0.1):
            self.codes.append(Call(self._server, "/segment", photo).answer().code)

    def __enter__(self) -> "Askers":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def are_right(self) -> bool:
        """Nobody who was admitted failed."""
        say(f"answers: { {code: self.codes.count(code) for code in sorted(set(self.codes))} }")
        return set(self.codes) <= {"ok", "not_ready"}


def check_control_store(server: Server, cluster: Cluster) -> bool:
    with Askers(server) as asking:
        wait(lambda: len(asking.codes) > 5, "answers")
        before = len(asking.codes)
        cluster.kill_control_store()
        refused_s = wait(lambda: not is_ready(server), "/readyz to say no")
        answered = len(asking.codes) - before
        say(f"control store killed: {answered} more were answered, and /readyz said no after {refused_s:.0f} s")
        gone_s = wait(lambda: not cluster.processes("raylet"), "the nodes to end")
        say(f"Ray ended its nodes {gone_s + refused_s:.0f} s after that")
        cluster.restart()
        say(f"ready again {wait(lambda: is_ready(server), 'readiness'):.0f} s after a new cluster was there")
        seen = len(asking.codes)
        wait(lambda: asking.codes[seen:].count("ok") > 5, "answers")
    return asking.are_right() and refused_s < RAY_GIVES_UP_S


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Debian's, in a process of its own: where it listens."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise ConfigurationError("there is no redis-server: apt-get install redis-server")
    (port,) = free_ports(1)
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def check_kept_state(server: Server, cluster: Cluster) -> bool:
    """Of a control store with a Redis: its head is killed and started again, and what it knew is still true."""
    with Askers(server) as asking:
        wait(lambda: len(asking.codes) > 5 and len(cluster.replicas()) == cluster.size, "answers of all replicas")
        (kept,) = (process.pid for process in cluster.processes(REPLICA, 1))
        cluster.kill_control_store()
        say(f"the head had ended {wait(lambda: cluster.nodes[0].has_ended, 'its end'):.0f} s after its control store")
        before = len(asking.codes)
        cluster.restart_head()
        known_s = wait(lambda: len(cluster.replicas()) == cluster.size and is_ready(server), "replicas")
        seen = len(asking.codes)
        wait(lambda: asking.codes[seen:].count("ok") > 5, "answers")
        still_there = kept in cluster.replicas()
    say(f"meanwhile {seen - before} were answered; {known_s:.0f} s after the new head all replicas were there")
    say(f"the other node's replica {'is the same process' if still_there else 'was replaced'}")
    return still_there and asking.are_right()


@contextlib.contextmanager
def joined(cluster: Cluster, folder: Path) -> Iterator[Server]:
    settings = {"POOL": "ray", "RAY_ADDRESS": cluster.address, "THREADS_PER_WORKER": "1"}
    ray = {f"SILHOUETTE_{name}": value for name, value in settings.items()} | cluster.environment
    with tiny_server(make_store(folder), **ray) as server:
        yield server


def run_alone(folder: Path) -> bool:
    with running_cluster() as cluster, joined(cluster, folder) as server:
        return all([check_bodies(server), check_control_store(server, cluster)])


def run_with_redis(folder: Path) -> bool:
    with contextlib.ExitStack() as running:
        address = running.enter_context(redis(folder))
        cluster = running.enter_context(running_cluster(environment={"RAY_REDIS_ADDRESS": address}))
        return check_kept_state(running.enter_context(joined(cluster, folder)), cluster)


def run(only_redis: bool) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        if only_redis:
            return run_with_redis(Path(folder))
        return run_alone(Path(folder)) and run_with_redis(Path(folder))


def main() -> None:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--redis", action="store_true", help="only the control store with a Redis")
    chosen = parser.parse_args()
    with ending_in_one_line("ray_cluster", NodeNotStarted, TimeoutError):
        sys.exit(0 if run(chosen.redis) else 1)


if __name__ == "__main__":
    main()
