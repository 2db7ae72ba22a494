"""How a body is read: its pace, the bytes it books, and who makes room for whom."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
from starlette.types import Message

from service.api.body import RequestBody
from service.api.exchange import Exchange
from service.errors import Failure, QueueFull, SlowUpload
from service.queue.admission import Admission, Limits
from service.queue.budget import Budget
from service.queue.senders import SETTLING_S, Senders
from service.settings import Settings

MAX_BYTES = 1000


class Queue:
    """Nobody waits for a worker."""

    waiting = 0

    def expected_wait_s(self) -> float:
        return 0.0


class House:
    """What all bodies share."""

    def __init__(self, **settings: float) -> None:
        limits = {"max_upload_bytes": MAX_BYTES, "max_bytes_in_flight": MAX_BYTES, "upload_timeout_s": 20.0}
        self.settings = Settings(**limits | settings)  # type: ignore[arg-type]
        self.bytes = Budget(MAX_BYTES, MAX_BYTES // 5, share=0.5)
        self.admission = Admission(Limits(10, Budget(1, 1, 1), self.bytes, Budget(1, 1, 1)), Queue())
        self.senders = Senders(4, self.settings.min_bytes_per_s, share=1)


class Visitor:
    """One who sends a body; it comes when the test says so."""

    def __init__(self, house: House, peer: str, age_s: float = 0.0, **headers: str) -> None:
        self._parts: asyncio.Queue[Message] = asyncio.Queue()
        names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.exchange = exchange = Exchange.of(
            {"type": "http", "method": "POST", "path": "/segment", "headers": names, "client": (peer, 1)}
        )
        exchange.read_deadline(house.settings.request_timeout_s)
        exchange.arrived_s -= age_s
        self.body = RequestBody(exchange, self._parts.get, house.settings, house.admission, house.senders)
        self.body.begin(house.admission.open(exchange.peer))

    def give(self, size: int, more: bool = True) -> None:
        self._parts.put_nowait({"type": "http.request", "body": bytes(size), "more_body": more})

    async def read(self) -> int:
        """The size of its body."""
        size = 0
        while not self.body.is_complete:
            size += len((await self.body.receive())["body"])
        return size


def run(story: Callable[[], Coroutine[None, None, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await story()

    asyncio.run(bounded())


def test_a_body_that_keeps_the_pace_may_take_longer_than_the_timeout() -> None:
    async def story() -> None:
        visitor = Visitor(House(upload_timeout_s=20.0, min_bytes_per_s=10), "a")
        visitor.give(400)
        await visitor.body.receive()
        visitor.exchange.arrived_s -= 30.0
        reading = asyncio.create_task(visitor.read())
        await asyncio.sleep(0.1)  # the line; without those 400 bytes it would be given up by now
        visitor.give(400, more=False)
        assert await reading == 400

    run(story)


def test_a_body_that_falls_behind_the_pace_is_refused() -> None:
    async def story() -> None:
        visitor = Visitor(House(upload_timeout_s=0.1, min_bytes_per_s=500), "a")
        visitor.give(50)
        with pytest.raises(SlowUpload, match="50 bytes came"):
            await visitor.read()

    run(story)


def test_a_refused_body_frees_its_bytes_at_once() -> None:
    async def story() -> None:
        house = House(upload_timeout_s=0.05)
        visitor = Visitor(house, "a", content_length="400")
        assert house.bytes.used == 400
        with pytest.raises(SlowUpload):
            await visitor.read()
        assert (house.bytes.used, len(house.senders)) == (0, 0)

    run(story)


def test_bytes_that_were_only_announced_keep_nobody_out() -> None:
    """Whoever says it will send so much, and does not, makes room for those who do."""

    async def story() -> None:
        house = House()
        silent = [Visitor(house, peer, content_length="300") for peer in ("a", "b", "c")]
        readings = [asyncio.create_task(visitor.read()) for visitor in silent]
        with pytest.raises(QueueFull):
            Visitor(house, "d", content_length="300")
        await asyncio.sleep(SETTLING_S + 0.1)
        Visitor(house, "d", content_length="300")
        failed, _ = await asyncio.wait(readings, return_when=asyncio.FIRST_COMPLETED)
        assert [type(reading.exception()) for reading in failed] == [SlowUpload]
        for reading in readings:
            reading.cancel()

    run(story)


def test_where_one_address_has_more_than_its_share_it_makes_room_for_another() -> None:
    async def story() -> None:
        house = House(min_bytes_per_s=1)
        greedy = [Visitor(house, "greedy", content_length=size) for size in ("500", "300")]
        readings = [asyncio.create_task(visitor.read()) for visitor in greedy]
        for visitor in greedy:
            visitor.give(100)
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            Visitor(house, "greedy", content_length="300")
        Visitor(house, "other", content_length="300")
        failed, _ = await asyncio.wait(readings, return_when=asyncio.FIRST_COMPLETED)
        assert all(isinstance(reading.exception(), Failure) for reading in failed)
        for reading in readings:
            reading.cancel()

    run(story)
