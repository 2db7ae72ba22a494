"""Two fronts on one port, before one pool of workers."""

import contextlib
import http
import http.client
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from starlette.testclient import TestClient

from tests.clips import HEIGHT, WIDTH, read_alpha, red_square, write_clip
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
from tests.system.serving import REQUEST_TIMEOUT_S, STOP_TIMEOUT_S, Server
from tests.system.streaming import session

PHOTO = encoded(painted())

IN_FLIGHT = 16
CONNECTIONS = 32
"""That all of them meet the same front happens once in 2,000,000,000 times."""

KILLS, JOBS_A_KILL = 2, 8

FRAMES_A_PX, RUN_PX = 4, 50
"""The film's square moves to the right, and then begins again at the left."""
FILMS_FRAMES = (200, 800, 3200)


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
    replaced = metric(fronts, "silhouette_front_restarts_total")
    victim = listening(fronts)[0]
    with stopped(ready_workers(fronts)):
        calls = [Call(fronts, "/segment", PHOTO) for _ in range(IN_FLIGHT)]
        wait_for_metric(fronts, IN_FLIGHT, "silhouette_permits_in_use")
        wait_for_metric(fronts, IN_FLIGHT - 1, "silhouette_queue_depth")
        lost = [call for call in calls if has(victim, call)]
        kept = [call for call in calls if call not in lost]
        victim.kill()
        assert not psutil.wait_procs([victim], STOP_TIMEOUT_S)[1]  # until then its socket may take in others
        until(lambda: metric(fronts, "silhouette_queue_depth") <= len(kept), "the end of its tickets")
    assert [call.answer().code for call in kept] == ["ok"] * len(kept)
    for call in lost:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            call.answer()
    until(lambda: len(listening(fronts)) == 2, "its successor")
    wait_for_metric(fronts, 2, "silhouette_fronts")
    assert metric(fronts, "silhouette_front_restarts_total") >= replaced + 1
    assert [Call(fronts, "/segment", PHOTO).answer().code for _ in range(IN_FLIGHT)] == ["ok"] * IN_FLIGHT
    assert metric(fronts, "silhouette_requests_total", **asked) >= before + len(kept)


def test_every_front_has_the_models_that_one_of_them_was_told_to_have(fronts: Server) -> None:
    def told(method: str, path: str) -> httpx2.Response:
        return httpx2.request(method, f"{fronts.url}/models/{path}", timeout=REQUEST_TIMEOUT_S)

    def named() -> set[tuple[str, ...]]:
        """What they serve, the default model first, as connections to all of them hear it."""
        answers = [fronts.get("/models").json() for _ in range(CONNECTIONS)]
        return {tuple(model["name"] for model in models) for models in answers}

    assert told("POST", "tiny-classes").status_code == 200
    assert named() == {("tiny-subject", "tiny-classes", "best")}
    assert told("PUT", "tiny-classes/default").json()["default"]
    answers = [Call(fronts, "/remove-background", PHOTO).answer() for _ in range(IN_FLIGHT)]
    assert {answer.headers["X-Model"] for answer in answers} == {"tiny-classes@1"}
    assert told("DELETE", "tiny-classes").status_code == 204
    assert named() == {("tiny-subject",)}
    assert told("DELETE", "tiny-subject").json()["code"] == "models_unchanged"
    assert Call(fronts, "/segment", PHOTO).answer().code == "ok"


def test_a_camera_is_answered_by_the_front_that_it_meets(fronts: Server) -> None:
    picture = painted()
    with session(fronts, picture.size, effect="blur-background", output="matte") as (camera, _):
        camera.film(1, picture)
        assert camera.see().matte.max() == 255


def test_jobs_of_both_are_each_done_once_though_the_front_that_does_them_is_killed(fronts: Server) -> None:
    jobs: dict[str, str] = {}
    """The path of each, by its color."""
    fronts.wait_for("in charge of jobs")
    starts = sum(each["event"] == "ready" for each in list(fronts.log))
    for kill in range(KILLS + 1):
        new = [f"#{number:02x}8000" for number in range(JOBS_A_KILL * kill, JOBS_A_KILL * (kill + 1))]
        jobs |= {color: told_until_heard(fronts, color) for color in new}
        if kill < KILLS:
            until(lambda: done_of(fronts, jobs) > JOBS_A_KILL * kill, "one of them")  # noqa: B023
            turns = in_charge(fronts)
            with contextlib.suppress(ProcessLookupError):  # it ended in a former test, and the log is late
                os.kill(turns[-1], signal.SIGKILL)
            fronts.wait_for("in charge of jobs", len(turns) + 1)
    for count in range(1, len(jobs) + 1):
        until(lambda: done_of(fronts, jobs) >= count, "the end of all")  # noqa: B023
    fronts.wait_for("ready", starts + KILLS)
    until(lambda: len(listening(fronts)) == 2, "the successor of the last one")
    assert {color: told_until_heard(fronts, color) for color in jobs} == jobs
    ends = [each for each in list(fronts.log) if each["event"] == "job" and each["outcome"] == "done"]
    assert max(Counter(each["job"] for each in ends).values()) == 1
    results = {color: fronts.get(f"{path}/result").content for color, path in jobs.items()}
    assert len(set(results.values())) == len(results)
    assert results["#058000"] == fronts.post("/replace-background", PHOTO, color="#058000").content


def in_charge(fronts: Server) -> list[int]:
    """The ids of the processes that were in charge of jobs, the one that is now last."""
    return [each["pid"] for each in list(fronts.log) if each["event"] == "in charge of jobs"]


def told_until_heard(fronts: Server, color: str) -> str:
    """The path of the job: it is the same one however often it is asked for."""
    headers = {"Prefer": "respond-async", "Idempotency-Key": color, "Content-Type": "image/png"}
    heard: list[httpx2.Response] = []

    def ask() -> bool:
        with contextlib.suppress(httpx2.TransportError):  # it met the one that was killed
            url = f"{fronts.url}/replace-background"
            heard.append(
                httpx2.post(url, params={"color": color}, content=PHOTO, headers=headers, timeout=REQUEST_TIMEOUT_S)
            )
        return bool(heard) and heard[-1].status_code != http.HTTPStatus.SERVICE_UNAVAILABLE  # or it was just starting

    until(ask, "an answer")
    assert heard[-1].status_code == http.HTTPStatus.ACCEPTED, heard[-1].text
    return heard[-1].headers["Location"]


def done_of(fronts: Server, jobs: dict[str, str]) -> int:
    """How many of them are; none where the front that was met was killed, or is just starting."""
    done: list[dict[str, Any]] = []
    with contextlib.suppress(httpx2.TransportError):
        answer = fronts.get("/jobs?state=done")
        done = answer.json() if answer.status_code == http.HTTPStatus.OK else []
    return len({f"/jobs/{job['id']}" for job in done} & set(jobs.values()))


def test_a_film_is_a_job_of_all_fronts(fronts: Server, tmp_path: Path) -> None:
    path = film_told(fronts, tmp_path, 5)
    until(lambda: progress_of(fronts, path)["state"] == "done", "its end")
    assert progress_of(fronts, path)["notes"]["frames"] == 5


def test_a_film_whose_front_is_killed_in_its_middle_is_whole_all_the_same(fronts: Server, tmp_path: Path) -> None:
    with film_in_its_middle(fronts, tmp_path) as (path, frames):
        until(lambda: in_charge(fronts)[-1] in [each.pid for each in listening(fronts)], "the log")
        turns = in_charge(fronts)
        victim = psutil.Process(turns[-1])
        family = victim.children(recursive=True)
        victim.kill()
        fronts.wait_for("in charge of jobs", len(turns) + 1)
    until(lambda: progress_of(fronts, path)["state"] == "done", "its end")
    until(lambda: len(listening(fronts)) == 2, "the successor")
    assert family
    assert not psutil.wait_procs(family, STOP_TIMEOUT_S)[1]
    assert progress_of(fronts, path)["notes"]["frames"] == frames
    (tmp_path / "cut.webm").write_bytes(fronts.get(f"{path}/result").content)
    alphas = read_alpha(tmp_path / "cut.webm")
    assert len(alphas) == frames
    seen = range(20, frames, 40)
    lefts = [int((alphas[number][HEIGHT // 2] > 127).argmax()) for number in seen]
    assert lefts == pytest.approx([WIDTH // 8 + number // FRAMES_A_PX % RUN_PX for number in seen], abs=6)


@contextlib.contextmanager
def film_in_its_middle(fronts: Server, folder: Path) -> Iterator[tuple[str, int]]:
    """The path of its job, and of how many frames it is. Within, it does not go on; a film that had come to its end
    before that could be seen to says nothing, and a longer one is told.
    """
    for frames in FILMS_FRAMES:
        before = metric(fronts, "silhouette_inferred_images_total")
        path = film_told(fronts, folder, frames)
        until(lambda: metric(fronts, "silhouette_inferred_images_total") > before, "its first frames")  # noqa: B023
        with stopped(ready_workers(fronts)):
            if progress_of(fronts, path)["state"] == "running":
                yield path, frames
                return
    raise AssertionError("each of them was done before it was looked at")


def film_told(fronts: Server, folder: Path, frames: int) -> str:
    """The path of its job."""
    run = red_square(RUN_PX, step_px=1)
    pictures = [run[number // FRAMES_A_PX % RUN_PX] for number in range(frames)]
    film = write_clip(folder / "film.mp4", pictures).read_bytes()
    headers, url = {"Content-Type": "video/mp4"}, f"{fronts.url}/videos?speed=fastest"
    accepted = httpx2.post(url, content=film, headers=headers, timeout=REQUEST_TIMEOUT_S)
    assert accepted.status_code == http.HTTPStatus.ACCEPTED, accepted.text
    return accepted.headers["Location"]


def progress_of(fronts: Server, path: str) -> dict[str, Any]:
    """The job, as the first front tells it that is not being killed or just starting."""
    told: list[dict[str, Any]] = []

    def ask() -> bool:
        with contextlib.suppress(httpx2.TransportError):
            answer = fronts.get(path)
            if answer.status_code == http.HTTPStatus.OK:
                told.append(answer.json())
        return bool(told)

    until(ask, "an answer")
    return told[-1]
