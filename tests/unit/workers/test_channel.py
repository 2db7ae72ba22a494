"""What a worker and the service say to each other: whose reply is whose."""

from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import pytest

from service.workers.channel import GREETING, Caller, WorkerConfused, WorkerSilent, receive, send

SOON_S = 60.0


@pytest.fixture
def ends() -> "Iterator[tuple[Caller, Connection[Any, Any]]]":
    """The service's and the worker's."""
    near, far = Pipe()
    with near, far:
        yield Caller(near), far


Ends = tuple[Caller, "Connection[Any, Any]"]


def test_the_greeting_needs_no_question(ends: Ends) -> None:
    caller, worker = ends
    send(worker, GREETING, device="cpu")
    assert caller.reply(SOON_S) == {"device": "cpu"}


def test_a_reply_is_that_to_the_last_question(ends: Ends) -> None:
    caller, worker = ends
    caller.ask(model="u2net")
    number, question = receive(worker)
    send(worker, number, infer_s=0.1)
    assert question == {"model": "u2net"}
    assert caller.reply(SOON_S) == {"infer_s": 0.1}


def test_a_reply_that_comes_after_the_asker_has_given_up_is_nobody_elses(ends: Ends) -> None:
    caller, worker = ends
    caller.ask(count=1)
    with pytest.raises(WorkerSilent):
        caller.reply(0.0)
    caller.ask(count=2)
    for _ in range(2):
        number, question = receive(worker)
        send(worker, number, count=question["count"])
    assert caller.reply(SOON_S) == {"count": 2}


def test_a_late_reply_alone_is_no_reply(ends: Ends) -> None:
    caller, worker = ends
    caller.ask(count=1)
    caller.ask(count=2)
    send(worker, 1, count=1)
    with pytest.raises(WorkerSilent):
        caller.reply(0.01)


def test_a_reply_to_what_nobody_asked_ends_the_conversation(ends: Ends) -> None:
    caller, worker = ends
    send(worker, 7)
    with pytest.raises(WorkerConfused):
        caller.reply(SOON_S)


@pytest.mark.parametrize("garbage", [b"", b"{", b"7", b'["one", {}]', b"[1, 2]"])
def test_what_is_no_message_ends_the_conversation(ends: Ends, garbage: bytes) -> None:
    caller, worker = ends
    worker.send_bytes(garbage)
    with pytest.raises(WorkerConfused):
        caller.reply(SOON_S)


def test_a_worker_that_is_gone_is_heard_of(ends: Ends) -> None:
    caller, worker = ends
    worker.close()
    with pytest.raises((EOFError, OSError)):
        caller.reply(SOON_S)


def test_the_time_for_a_reply_begins_when_a_question_of_somebody_else_is_answered(ends: Ends) -> None:
    """The process does one thing after the other, and may have had the other's first."""
    caller, worker = ends
    near, _ = pipe = Pipe()
    other = Caller(near)
    other.beside, caller.beside = [caller], [other]
    assert other.gives_up_at(10.0, 60.0) == 70.0
    caller.ask()
    send(worker, 1)
    caller.reply(SOON_S)
    assert other.gives_up_at(10.0, 60.0) == caller.heard_at + 60.0
    assert caller.gives_up_at(10.0, 60.0) == 70.0
    for end in pipe:
        end.close()
