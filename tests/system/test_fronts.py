"""Two fronts on one port, before one pool of workers."""

import contextlib
import http.client
import signal
from collections.abc import Iterator

import httpx2
import psutil
import pytest
from starlette.testclient import TestClient

from tests.fakes import make_store
from tests.pictures import encoded, painted
from tests.system.loading import (
    PATIENT,
    Call,
    leaving_nothing_behind,
    metric,
    ready_workers,
    stopped,
    tiny_server,
    told_of,
    until,
    wait_for_metric,
)
from tests.system.serving import STOP_TIMEOUT_S, Server
from tests.system.streaming import session

PHOTO = encoded(painted())

IN_FLIGHT = 16
CONNECTIONS = 32
"""That all of them meet the same front happens once in 2,000,000,000 times."""


@pytest.fixture(scope="module")
def fronts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Each test finds two of them, and leaves two behind. In the end they are stopped by Ctrl-C under load: whom either
    has let in is answered, and nothing is left.
    """
    store = make_store(tmp_path_factory.mktemp("fronts"))
    with leaving_nothing_behind() as watch, tiny_server(store, SILHOUETTE_FRONTS="2", **PATIENT) as server:
        server.wait_for("ready", 2)
        yield server
        watch(server)
        with stopped(ready_workers(server)):
            calls = [Call(server, "/segment", PHOTO) for _ in range(IN_FLIGHT)]
            wait_for_metric(server, IN_FLIGHT, "silhouette_permits_in_use")
            server.process.send_signal(signal.SIGINT)
            server.wait_for("draining", 2)
        assert [call.answer().code for call in calls] == ["ok"] * IN_FLIGHT
        assert server.process.wait(STOP_TIMEOUT_S) == 0
        assert "exception" not in str(server.log)


def listening(server: Server) -> list[psutil.Process]:
    """The fronts that are there at this moment."""
    port, children = httpx2.URL(server.url).port, psutil.Process(server.process.pid).children()
    return [child for child in children if port in _ports(child, psutil.CONN_LISTEN, "laddr")]


def has(front: psutil.Process, call: Call) -> bool:
    """Whether the connection of the call is one to this front."""
    return call.port in _ports(front, psutil.CONN_ESTABLISHED, "raddr")


def _ports(process: psutil.Process, status: str, end: str) -> set[int]:
    """None of a process that has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return {getattr(each, end).port for each in process.net_connections() if each.status == status}
    return set()


def test_both_answer_on_one_port_with_the_bytes_of_a_service_that_has_one(fronts: Server, client: TestClient) -> None:
    calls = [Call(fronts, "/remove-background", PHOTO) for _ in range(CONNECTIONS)]
    answers = [call.answer() for call in calls]
    alone = client.post("/remove-background", content=PHOTO, headers={"Content-Type": "image/*"})
    assert {answer.body for answer in answers} == {alone.content}
    assert {answer.headers["ETag"] for answer in answers} == {alone.headers["ETag"]}
    assert {line["front"] for line in told_of(fronts, calls)} == {0, 1}


def test_metrics_are_those_of_both_whichever_is_asked(fronts: Server) -> None:
    asked = {"route": "/segment", "status": "200"}
    before = metric(fronts, "silhouette_requests_total", **asked)
    for call in [Call(fronts, "/segment", PHOTO) for _ in range(CONNECTIONS)]:
        assert call.answer().code == "ok"
    until(lambda: metric(fronts, "silhouette_requests_total", **asked) == before + CONNECTIONS, "the count of both")
    assert metric(fronts, "silhouette_permits") == 64
    assert metric(fronts, "silhouette_worker_state") == 1
    assert metric(fronts, "silhouette_ready") == 1


def test_a_front_that_is_killed_under_load_loses_its_own_connections_and_no_others(fronts: Server) -> None:
    asked = {"route": "/segment", "status": "200"}
    before = metric(fronts, "silhouette_requests_total", **asked)
    victim = listening(fronts)[0]
    with stopped(ready_workers(fronts)):
        calls = [Call(fronts, "/segment", PHOTO) for _ in range(IN_FLIGHT)]
        wait_for_metric(fronts, IN_FLIGHT, "silhouette_permits_in_use")
        wait_for_metric(fronts, IN_FLIGHT - 1, "silhouette_queue_depth")
        lost = [call for call in calls if has(victim, call)]
        kept = [call for call in calls if call not in lost]
        victim.kill()
        until(lambda: victim not in listening(fronts), "its end")
        until(lambda: metric(fronts, "silhouette_queue_depth") <= len(kept), "the end of its tickets")
    assert [call.answer().code for call in kept] == ["ok"] * len(kept)
    for call in lost:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            call.answer()
    until(lambda: len(listening(fronts)) == 2, "its successor")
    assert [Call(fronts, "/segment", PHOTO).answer().code for _ in range(IN_FLIGHT)] == ["ok"] * IN_FLIGHT
    assert metric(fronts, "silhouette_requests_total", **asked) >= before + len(kept)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/videos", 501, "not_offered"),
        ("GET", "/jobs/1", 501, "not_offered"),
        ("POST", "/models/tiny-classes", 409, "models_unchanged"),
        ("DELETE", "/models/tiny-subject", 409, "models_unchanged"),
    ],
)
def test_what_fronts_would_have_to_agree_on_is_refused_in_words(
    fronts: Server, method: str, path: str, status: int, code: str
) -> None:
    answer = httpx2.request(method, fronts.url + path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "SILHOUETTE_FRONTS" in answer.json()["detail"]


def test_a_camera_is_answered_by_the_front_that_it_meets(fronts: Server) -> None:
    picture = painted()
    with session(fronts, picture.size, effect="blur-background", output="matte") as (camera, _):
        camera.film(1, picture)
        assert camera.see().matte.max() == 255
