"""Workers that are killed, that hang, or that a picture kills: every request is answered all the same."""

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.fakes import FATAL_COLOR, HANGING_COLOR, make_store
from tests.pictures import encoded, painted, plain
from tests.system.loading import (
    PATIENT,
    Answer,
    Call,
    at_once,
    leaving_nothing_behind,
    metric,
    people,
    ready_workers,
    stopped,
    tiny_server,
    until,
    wait_for_metric,
)
from tests.system.serving import Server, running_server
from tests.weights import pulled_weights

REQUESTS, CONCURRENCY = 300, 16

MIN_KILLS = 3
"""A fast machine has answered all requests sooner: then further ones are asked."""

QUICK_TO_NOTICE = {
    "SILHOUETTE_BATCH_TIMEOUT_S": "6",
    "SILHOUETTE_HEARTBEAT_INTERVAL_S": "0.5",
    "SILHOUETTE_HEARTBEAT_TIMEOUT_S": "6",
}
"""Not so quick that a worker which a busy machine holds up counts as one that hangs."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("killed"))


class Killer:
    """Kills a random worker every second, where there is one, and none twice, until it is told to stop."""

    def __init__(self, server: Server) -> None:
        self.killed: set[int] = set()
        self._server = server
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._kill_again_and_again)

    def __enter__(self) -> "Killer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _kill_again_and_again(self) -> None:
        choice = random.Random(3)
        while not self._enough.wait(1.0):
            if alive := [pid for pid in ready_workers(self._server) if pid not in self.killed]:
                self.killed.add(victim := choice.choice(alive))
                os.kill(victim, signal.SIGKILL)


def test_300_requests_are_answered_correctly_while_a_worker_is_killed_every_second(astronaut: bytes) -> None:
    pulled_weights("selfie")
    photos = people(astronaut, 8)
    with (
        leaving_nothing_behind() as watch,
        running_server("selfie", SILHOUETTE_WORKERS="2", SILHOUETTE_THREADS_PER_WORKER="1") as server,
    ):

        def ask(number: int) -> Answer:
            return Call(server, "/segment", photos[number % len(photos)], output="mask").answer()

        expected = [ask(number).picture for number in range(len(photos))]
        with Killer(server) as killer:
            answers = at_once(ask, REQUESTS, CONCURRENCY)
            while len(killer.killed) < MIN_KILLS:
                answers += at_once(ask, len(photos), CONCURRENCY)
        assert {answer.code for answer in answers} == {"ok"}
        assert all(
            np.array_equal(answer.picture, expected[number % len(photos)]) for number, answer in enumerate(answers)
        )
        kills = len(killer.killed)
        until(lambda: metric(server, "silhouette_worker_restarts_total", cause="crash") == kills, "the count")
        until(lambda: len(ready_workers(server)) == 2, "two workers")
        watch(server)


def test_the_only_worker_is_replaced_before_anyone_asks_and_who_comes_meanwhile_is_answered(astronaut: bytes) -> None:
    """A start that has not failed is no reason to send anybody away."""
    pulled_weights("selfie")
    with running_server("selfie", SILHOUETTE_WORKERS="1") as server:
        os.kill(server.worker_pids()[0], signal.SIGKILL)
        server.wait_for("worker ready", count=2)
        assert server.post("/remove-background", astronaut).status_code == 200
        assert len(set(server.worker_pids())) == 2
        os.kill(server.worker_pids()[1], signal.SIGKILL)
        server.wait_for("worker replaced", count=2)
        answers = at_once(lambda _: Call(server, "/segment", astronaut).answer(), 4, 4)
        assert [answer.code for answer in answers] == ["ok"] * 4


@pytest.fixture(scope="module")
def watchful(store: Path) -> Iterator[Server]:
    with tiny_server(store, **QUICK_TO_NOTICE) as server:
        yield server


def test_requests_on_a_worker_that_hangs_are_answered_by_its_successor(watchful: Server) -> None:
    hangs = metric(watchful, "silhouette_worker_restarts_total", cause="hang")
    (hanging,) = ready_workers(watchful)
    with stopped([hanging]):
        calls = [Call(watchful, "/segment", encoded(painted())) for _ in range(4)]
        assert [call.answer().code for call in calls] == ["ok"] * 4
        assert not psutil.pid_exists(hanging)
    assert metric(watchful, "silhouette_worker_restarts_total", cause="hang") == hangs + 1


def test_an_idle_worker_that_hangs_is_replaced_before_anyone_asks(watchful: Server) -> None:
    until(lambda: len(ready_workers(watchful)) == 1, "a worker")
    starts = len(watchful.worker_pids())
    (hanging,) = ready_workers(watchful)
    with stopped([hanging]):
        watchful.wait_for("worker ready", starts + 1)
        assert hanging not in ready_workers(watchful)
        assert Call(watchful, "/segment", encoded(painted())).answer().code == "ok"


def test_a_worker_that_hangs_does_not_hold_up_those_of_the_other(store: Path) -> None:
    with tiny_server(store, **PATIENT | {"SILHOUETTE_WORKERS": "2"}) as server:
        with stopped(ready_workers(server)[:1]):
            on_board = Call(server, "/segment", encoded(painted()))
            others = [Call(server, "/segment", encoded(painted())) for _ in range(7)]
            wait_for_metric(server, 7, "silhouette_inferred_images_total")
        assert [call.answer().code for call in (on_board, *others)] == ["ok"] * 8


def test_poison_pictures_fail_alone_and_their_15_neighbours_are_answered(store: Path, watchful: Server) -> None:
    """One kills its worker, one makes it hang, and all have been in one batch."""
    batches_of_17 = {"SILHOUETTE_MAX_BATCH_SIZE": "17", "SILHOUETTE_MAX_QUEUE_DELAY_MS": "60000"}
    photo, fatal, hanging = encoded(painted()), encoded(plain(FATAL_COLOR)), encoded(plain(HANGING_COLOR))
    expected = Call(watchful, "/segment", photo, output="mask").answer().picture
    with leaving_nothing_behind() as watch, tiny_server(store, **QUICK_TO_NOTICE | batches_of_17) as server:
        photos = [*[photo] * 7, fatal, *[photo] * 5, hanging, *[photo] * 3]
        calls = [Call(server, "/segment", each, output="mask") for each in photos]
        answers = [call.answer() for call in calls]
        poisoned = [answers.pop(13), answers.pop(7)]
        assert [(answer.status, answer.code) for answer in poisoned] == [(500, "model_crashed")] * 2
        assert [answer.code for answer in answers] == ["ok"] * 15
        assert all(np.array_equal(answer.picture, expected) for answer in answers)
        # Twice the whole batch, then each of the two alone.
        assert metric(server, "silhouette_worker_restarts_total", cause="crash") == 3
        assert metric(server, "silhouette_worker_restarts_total", cause="hang") == 1
        until(lambda: len(ready_workers(server)) == 1, "a worker for the next")
        watch(server)
