"""An answer leaves in pieces, so that a client that does not read it holds up little of it."""

import asyncio

from starlette.types import Message

from service.api.reply import LARGEST_PIECE_BYTES, PIECE_BYTES, Reply
from tests.api.test_body import House, Visitor

BODY = bytes(range(256)) * 16_384
"""4 MB."""


def pieces_of(body: bytes) -> list[memoryview]:
    """What is given to the server, in order."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def answer() -> None:
        house = House()
        visitor = Visitor(house, "a")
        visitor.give(1, more=False)
        await visitor.read()
        reply = Reply(visitor.exchange, visitor.body, send, house.settings)
        await reply.send({"type": "http.response.start", "status": 200, "headers": []})
        await reply.send({"type": "http.response.body", "body": body})

    asyncio.run(answer())
    assert [message["more_body"] for message in sent[1:-1]] == [True] * (len(sent) - 2)
    assert sent[-1] == {"type": "http.response.body", "body": b""}
    return [message["body"] for message in sent[1:-1]]


def test_no_piece_is_larger_than_what_the_client_has_taken_before() -> None:
    taken = 0
    for piece in pieces_of(BODY):
        assert len(piece) <= max(PIECE_BYTES, min(taken, LARGEST_PIECE_BYTES))
        taken += len(piece)
    assert taken == len(BODY)


def test_a_large_answer_leaves_in_few_pieces_and_whole() -> None:
    pieces = pieces_of(BODY)
    assert b"".join(pieces) == BODY
    assert len(pieces) < 10


def test_no_byte_of_an_answer_is_copied_on_its_way_to_the_server() -> None:
    assert all(piece.obj is BODY for piece in pieces_of(BODY))


def test_an_empty_answer_has_no_piece() -> None:
    assert pieces_of(b"") == []
