"""What a front and the supervisor say to each other: a head in JSON, and bytes. Nothing is ever unpickled.

Each numbers what it asks, and a reply has the number of its question.
"""

import asyncio
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import (
    BadOption,
    DeadlineExceeded,
    DeadlineUnreachable,
    Draining,
    Failure,
    ModelCrashed,
    ModelFailed,
    ModelsUnchanged,
    NotReady,
    OutOfDeviceMemory,
    Unavailable,
    UnknownModel,
)
from service.models.store import ModelCard

LENGTHS = struct.Struct("<II")
"""Of the head and of the bytes, before both."""

BUFFER_BYTES = 4 * 1024 * 1024
"""Of a reader, before its sender has to wait: some prepared photos, of 300 kB each with U2-Net."""

FAILURES: Mapping[str, type[Failure]] = {
    failure.code: failure
    for failure in (
        BadOption,
        DeadlineExceeded,
        DeadlineUnreachable,
        Draining,
        ModelCrashed,
        ModelFailed,
        ModelsUnchanged,
        NotReady,
        OutOfDeviceMemory,
        UnknownModel,
    )
}
"""What a ticket can come to, or a change of the models."""


@dataclass(frozen=True)
class Message:
    """One message, either way."""

    kind: str
    number: int
    """Of the question; 0 where nobody asked and nobody is asked."""
    facts: Mapping[str, Any]
    content: bytes = b""


def packed(kind: str, number: int = 0, content: bytes = b"", **facts: Any) -> bytes:
    head = json.dumps([kind, number, facts]).encode()
    return b"".join((LENGTHS.pack(len(head), len(content)), head, content))


async def receive(reader: asyncio.StreamReader) -> Message:
    """The next message. Raises EOFError where the other side has closed or died, be it in the middle of one."""
    try:
        head_bytes, content_bytes = LENGTHS.unpack(await reader.readexactly(LENGTHS.size))
        kind, number, facts = json.loads(await reader.readexactly(head_bytes))
        return Message(kind, number, facts, await reader.readexactly(content_bytes))
    except ConnectionError as error:
        raise EOFError from error


def facts_of(failure: Failure) -> dict[str, Any]:
    """What `failure_of` makes the same failure of, on the other side."""
    told: dict[str, Any] = {"code": failure.code, "detail": failure.detail}
    if isinstance(failure, Unavailable):
        told |= {"retry_after_s": failure.retry_after_s, "queue_depth": failure.queue_depth}
    return told


def failure_of(facts: Mapping[str, Any]) -> Failure:
    """A code that is none of these is a fault of ours."""
    kind = FAILURES.get(facts["code"], ModelFailed)
    if issubclass(kind, Unavailable):
        return kind(facts["detail"], facts["retry_after_s"], facts["queue_depth"])
    return kind(facts["detail"])


def facts_of_cards(cards: Iterable[ModelCard]) -> list[tuple[str, int]]:
    """What `cards_of` makes the same cards of, on the other side."""
    return [(card.model_dump_json(), card.revision) for card in cards]


def cards_of(facts: Iterable[tuple[str, int]]) -> list[ModelCard]:
    """With their revisions, which cards on file never have."""
    return [ModelCard.model_validate_json(card).model_copy(update={"revision": revision}) for card, revision in facts]
