"""The service with its networks in a Ray cluster of two nodes, of which something dies or is full.

Nothing here is a matter of seconds: whatever must happen is waited for, and the answers are compared byte by byte.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from PIL import Image

from service.workers.ray.node import NodeNotStarted
from tests.collector import Collector, Span, collecting
from tests.fakes import BLUE, make_store
from tests.pictures import encoded, painted, ring
from tests.ray.cluster import Cluster, running_cluster
from tests.system.loading import PATIENT, Answer, Call, Growth, metric, stopped, tiny_server
from tests.system.serving import Server

if importlib.util.find_spec("ray") is None:
    pytest.skip("the extra `ray` is not installed", allow_module_level=True)

pytestmark = pytest.mark.alone

PATIENCE_S = 240.0
"""A replica was there again after 10 seconds on an idle machine, and after 25 beside a load of 20."""

PHOTOS = [encoded(painted()), encoded(painted(BLUE)), encoded(ring())]
CLIENTS = 4

LARGE = (8840, 5656)
MB = 1_000_000
BODIES, GROWTH_MB = 8, 60
"""What the service may keep of the later ones: its allocator's free lists."""


def until(condition: Callable[[], bool], what: str) -> None:
    gives_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < gives_up_at, f"never came: {what}"
        time.sleep(0.1)


def ask(server: Server, number: int) -> Answer:
    return Call(server, "/segment", PHOTOS[number % len(PHOTOS)], allow_empty="true").answer()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("replicas"))


@pytest.fixture(scope="module")
def expected(store: Path) -> list[bytes]:
    """What a worker on this machine makes of each photo."""
    with tiny_server(store) as local:
        answers = [ask(local, number) for number in range(len(PHOTOS))]
    assert [answer.code for answer in answers] == ["ok"] * len(PHOTOS)
    return [answer.body for answer in answers]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    try:
        with running_cluster() as running:
            yield running
    except NodeNotStarted as failure:
        pytest.skip(f"Ray could not start its nodes in time: {failure}")


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@contextmanager
def joined(store: Path, cluster: Cluster, **settings: str) -> Iterator[Server]:
    """The service, its networks in the cluster; they go when it stops."""
    common = {
        "SILHOUETTE_POOL": "ray",
        "SILHOUETTE_RAY_ADDRESS": cluster.address,
        "SILHOUETTE_RAY_KEEP_REPLICAS": "false",
        "SILHOUETTE_THREADS_PER_WORKER": "1",
        "SILHOUETTE_REQUEST_TIMEOUT_S": str(PATIENCE_S),
    }
    with tiny_server(store, **common, **cluster.environment, **PATIENT, **settings) as server:
        yield server


class Load:
    """Clients who ask again and again until the block ends; every answer has to be the right one."""

    def __init__(self, server: Server) -> None:
        self.answers: list[tuple[int, Answer]] = []
        self._server = server
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def _ask(self, number: int) -> None:
        while not self._enough.is_set():
            self.answers.append((number, ask(self._server, number)))
            number += 1

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, count: int) -> None:
        wanted = len(self.answers) + count
        until(lambda: len(self.answers) >= wanted, f"{count} more answers")

    def check(self, expected: list[bytes], refused: str | None = None) -> None:
        """`refused`: what some may hear instead."""
        served = [(number, answer) for number, answer in self.answers if answer.code != refused]
        assert [answer.code for _, answer in served] == ["ok"] * len(served)
        assert all(answer.body == expected[number % len(PHOTOS)] for number, answer in served)


CLIENT = """
import sys
import grpc
from ray.core.generated import ray_client_pb2, ray_client_pb2_grpc

address, *tokens = sys.argv[1:]
ping = ray_client_pb2.ClusterInfoRequest(type=ray_client_pb2.ClusterInfoType.PING)
with grpc.insecure_channel(address) as channel:
    for token in (None, *tokens):
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        try:
            ray_client_pb2_grpc.RayletDriverStub(channel).ClusterInfo(ping, metadata=metadata)
            print("OK")
        except grpc.RpcError as refusal:
            print(refusal.code().name)
"""


def test_a_client_of_ray_is_refused_without_the_token_of_the_cluster(cluster: Cluster) -> None:
    tokens = ("another", cluster.environment["RAY_AUTH_TOKEN"])
    command = [sys.executable, "-c", CLIENT, cluster.clients_address, *tokens]
    told = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert told.stdout.split() == ["UNAUTHENTICATED", "UNAUTHENTICATED", "OK"]


def running_replicas(server: Server) -> float:
    states = ("idle", "busy")
    return sum(metric(server, "silhouette_worker_state", state=state) for state in states)


def test_a_second_replica_starts_when_batches_wait_and_ends_when_they_do_not(
    store: Path, cluster: Cluster, expected: list[bytes]
) -> None:
    sizes = {"MIN_REPLICAS": "1", "MAX_REPLICAS": "2", "DOWNSCALE_DELAY_S": "1", "APPLICATION": "scaling"}
    with joined(store, cluster, **{f"SILHOUETTE_RAY_{name}": value for name, value in sizes.items()}) as server:
        assert running_replicas(server) == 1
        with Load(server) as load:
            with stopped(cluster.replicas()):
                until(lambda: running_replicas(server) == 2, "a second replica")
            load.wait_for_more(CLIENTS)
        until(lambda: running_replicas(server) == 1, "one replica")
        with Load(server) as after:
            after.wait_for_more(CLIENTS)
        load.check(expected)
        after.check(expected)


@pytest.fixture(scope="module")
def server(store: Path, cluster: Cluster, collector: Collector) -> Iterator[Server]:
    """With a replica on each node, room for no more than four requests, and somebody who wants to know of them."""
    settings = {"SILHOUETTE_QUEUE_CAPACITY": str(CLIENTS), "SILHOUETTE_TRACES_URL": collector.url}
    with joined(store, cluster, **settings) as running:
        yield running


def test_a_replica_tells_itself_of_the_part_that_it_had_in_a_request(
    server: Server, cluster: Cluster, collector: Collector
) -> None:
    trace_id, caller_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    traceparent = f"00-{trace_id}-{caller_id}-01"
    assert server.post("/segment", PHOTOS[0], headers={"traceparent": traceparent}).status_code == 200

    def told() -> dict[str, Span]:
        return {span.name: span for span in list(collector.spans) if span.trace_id == trace_id}

    until(lambda: {"POST /segment", "infer"} <= told().keys(), "the spans of both processes")
    request, run = told()["POST /segment"], told()["infer"]
    assert (request.parent_id, run.parent_id) == (caller_id, request.span_id)
    assert request.process["process.pid"] == server.process.pid
    assert run.process["process.pid"] in cluster.replicas()
    assert run.process["silhouette.node"]
    assert run.process["silhouette.replica"]


def test_replicas_have_the_niceness_of_whoever_started_their_node(server: Server, cluster: Cluster) -> None:
    until(lambda: running_replicas(server) == 2, "two replicas")
    assert {psutil.Process(pid).nice() for pid in cluster.replicas()} == {psutil.Process().nice()}


def test_a_full_queue_says_when_to_come_again_and_one_that_left_is_never_run(server: Server, cluster: Cluster) -> None:
    until(lambda: running_replicas(server) == 2, "two replicas")
    grown = Growth(server, "silhouette_inferred_images_total")
    with stopped(cluster.replicas()):
        on_board = [Call(server, "/segment", PHOTOS[0]) for _ in range(2)]
        until(lambda: metric(server, "silhouette_worker_state", state="busy") == 2, "two batches on board")
        waiting = [Call(server, "/segment", PHOTOS[0]) for _ in range(2)]
        until(lambda: metric(server, "silhouette_queue_depth") == 2, "two that wait")
        refused = ask(server, 0)
        waiting[0].leave()
        until(lambda: metric(server, "silhouette_abandoned_total") == 1, "one that left")
    assert (refused.status, refused.code) == (503, "queue_full")
    assert int(refused.headers["Retry-After"]) >= 1
    assert [call.answer().code for call in (*on_board, waiting[1])] == ["ok"] * 3
    assert grown.of("silhouette_inferred_images_total") == 3


def test_every_request_is_answered_as_ever_while_a_replica_is_killed(
    server: Server, cluster: Cluster, expected: list[bytes]
) -> None:
    before = cluster.replicas()
    with Load(server) as load:
        load.wait_for_more(CLIENTS)
        os.kill(before[0], signal.SIGKILL)
        until(lambda: len(cluster.replicas()) == 2 and before[0] not in cluster.replicas(), "another replica")
        until(lambda: running_replicas(server) == 2, "two replicas")
        load.wait_for_more(CLIENTS)
    load.check(expected)


def test_bodies_of_50_megapixels_leave_the_memory_of_the_service_where_it_was(server: Server) -> None:
    """They are decoded, cut out and encoded here: no part of them goes through Ray, or stays."""
    body = encoded(Image.effect_noise((884, 566), 90).convert("RGB").resize(LARGE), "JPEG")
    service = psutil.Process(server.process.pid)
    sizes_mb = []
    for _ in range(BODIES):
        assert Call(server, "/segment", body, allow_empty="true").answer().code == "ok"
        sizes_mb.append(service.memory_info().rss / MB)
    half = BODIES // 2
    assert max(sizes_mb[half:]) < max(sizes_mb[:half]) + GROWTH_MB, sizes_mb


def test_a_control_store_that_is_gone_is_said_and_when_a_cluster_is_back_it_is_joined(
    server: Server, cluster: Cluster, expected: list[bytes]
) -> None:
    """Before Ray ends the nodes, which it does a minute later; the head's `ray start --block` ends all of it at once.
    Until then the replicas that are left answer whom was let in.
    """
    until(lambda: running_replicas(server) == 2, "two replicas")
    with Load(server) as load:
        cluster.kill_control_store()
        load.wait_for_more(CLIENTS)
        until(lambda: server.get("/readyz").status_code == 503, "a word of it")
        assert cluster.processes("raylet", 1)
    load.check(expected, refused="not_ready")
    cluster.restart()
    until(lambda: server.get("/readyz").status_code == 200 and running_replicas(server) == 2, "two new replicas")
    with Load(server) as after:
        after.wait_for_more(CLIENTS)
    after.check(expected)


def test_every_request_is_answered_as_ever_while_a_node_is_killed(
    server: Server, cluster: Cluster, expected: list[bytes]
) -> None:
    """The last test of this cluster, which has no room for a second replica then."""
    until(lambda: running_replicas(server) == 2, "two replicas")
    assert len(set(cluster.replicas())) == 2
    with Load(server) as load:
        load.wait_for_more(CLIENTS)
        cluster.kill_agent(1)
        until(lambda: running_replicas(server) == 1, "one replica")
        load.wait_for_more(CLIENTS)
    load.check(expected)
    assert server.get("/readyz").status_code == 200
