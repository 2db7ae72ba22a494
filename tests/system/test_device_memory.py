"""Device memory that runs out: smaller batches, and an answer for everybody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import HUGE_COLOR, HUNGRY_BATCH, HUNGRY_COLOR, RED, make_store
from tests.pictures import encoded, plain
from tests.system.loading import Call, metric, tiny_server, told_of
from tests.system.serving import Server

BATCH = 8


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One worker that takes 8 pictures at once, and waits until it has them."""
    settings = {"SILHOUETTE_MAX_BATCH_SIZE": str(BATCH), "SILHOUETTE_MAX_QUEUE_DELAY_MS": "10000"}
    with tiny_server(make_store(tmp_path), **settings) as started:
        yield started


def ask(server: Server, *colors: tuple[int, int, int]) -> list[Call]:
    """All of them at once, so that they share a batch."""
    return [Call(server, "/remove-background", encoded(plain(color)), output="matte") for color in colors]


def batch_sizes_that_failed(server: Server) -> list[int]:
    return [entry["batch_size"] for entry in server.log if entry["event"] == "out of device memory"]


def test_a_batch_that_does_not_fit_is_halved_until_it_does_and_the_limit_stays(server: Server) -> None:
    calls = ask(server, *[HUNGRY_COLOR] * BATCH)
    answers = [call.answer() for call in calls]
    assert [answer.code for answer in answers] == ["ok"] * BATCH
    assert all((answer.picture == 255).all() for answer in answers)
    assert {entry["batch_size"] for entry in told_of(server, calls)} == {HUNGRY_BATCH}
    assert batch_sizes_that_failed(server) == [8, 4]
    assert metric(server, "silhouette_requeued_total", cause="memory") == 8 + 4
    again = ask(server, *[HUNGRY_COLOR] * BATCH)
    assert [call.answer().code for call in again] == ["ok"] * BATCH
    assert told_of(server, again), "what was said of them before is in the log as well"
    assert batch_sizes_that_failed(server) == [8, 4]
    assert len(server.worker_pids()) == 1


def test_a_picture_that_does_not_fit_even_alone_is_503_and_its_neighbours_are_answered(server: Server) -> None:
    calls = ask(server, HUGE_COLOR, *[RED] * (BATCH - 1))
    huge, *neighbours = [call.answer() for call in calls]
    assert (huge.status, huge.code) == (503, "out_of_memory")
    assert huge.headers["Retry-After"].isdecimal()
    assert [answer.code for answer in neighbours] == ["ok"] * (BATCH - 1)
    assert told_of(server, calls)
    assert batch_sizes_that_failed(server) == [8, 4, 2, 1]
    assert len(server.worker_pids()) == 1
