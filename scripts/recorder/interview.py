"""Asks one build everything, in the order that the moments of its servers allow."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import get_args

from scripts.recorder.answers import Answer
from scripts.recorder.asking import ask, unfinished_upload
from scripts.recorder.commanding import command
from scripts.recorder.questions import Ask, Command, Moment, Question, Server, Session
from scripts.recorder.server import Running, running
from scripts.recorder.talking import held_session, talk

Answered = tuple[Question, Answer]


def answers(source: Path, questions: Sequence[Question], pictures: Path) -> Iterator[Answered]:
    """Each question with the answer of the checkout `source`, as soon as it is there."""
    live = [question for question in questions if not isinstance(question, Command)]
    for server in get_args(Server):
        if asked := [question for question in live if question.server == server]:
            yield from _from_server(source, server, asked, pictures)
    for question in questions:
        if isinstance(question, Command):
            yield question, command(source, question, pictures)


def _from_server(
    source: Path, server: Server, questions: Sequence[Ask | Session], pictures: Path
) -> Iterator[Answered]:
    with tempfile.TemporaryDirectory() as folder, running(source, server, Path(folder)) as service:
        for moment, prepare in MOMENTS.items():
            if asked := [question for question in questions if question.moment == moment]:
                with prepare(service):
                    yield from ((question, _answer(service, question, pictures)) for question in asked)


def _answer(service: Running, question: Ask | Session, pictures: Path) -> Answer:
    return ask(service, question, pictures) if isinstance(question, Ask) else talk(service, question, pictures)


@contextlib.contextmanager
def _ready(service: Running) -> Iterator[None]:
    service.wait_until_ready()
    yield


@contextlib.contextmanager
def _crowded(service: Running) -> Iterator[None]:
    """Every place is taken, for as long as the service is patient with who says nothing: 8 seconds."""
    with unfinished_upload(service), held_session(service):
        yield


@contextlib.contextmanager
def _draining(service: Running) -> Iterator[None]:
    """A service that stops goes on for as long as it owes somebody an answer."""
    with unfinished_upload(service):
        service.begin_to_stop()
        yield


MOMENTS: dict[Moment, Callable[[Running], contextlib.AbstractContextManager[None]]] = {
    "starting": lambda _: contextlib.nullcontext(),
    "ready": _ready,
    "crowded": _crowded,
    "draining": _draining,
}
"""In the order in which a service lives through them."""
