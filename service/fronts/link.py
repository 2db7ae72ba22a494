"""A front's side: a queue and a pool of workers like any other, which are in the supervisor's process."""

import asyncio
import itertools
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.access.ledger import Draw, Drawn, LedgerAway
from service.errors import DeadlineExceeded, Draining
from service.fronts.state import State
from service.fronts.wire import BUFFER_BYTES, Message, cards_of, failure_of, packed, receive
from service.models.store import ModelCard
from service.queue.schedule import Lane, check_wait
from service.queue.ticket import Outcome
from service.telemetry.figures import Figures, to_json
from service.telemetry.metrics import WorkerStatus

logger = logging.getLogger(__name__)

GRACE_S = 1.0
"""The supervisor says itself when a deadline is over; after so much more time nobody waits for that either."""


class Link:
    """The connection to the supervisor. Lives on one event loop, once it is open."""

    def __init__(self, connection: socket.socket, on_lost: Callable[[], None]) -> None:
        """`on_lost` is called where the supervisor is gone: nobody can be answered any more."""
        self.state = State.unknown()
        self.figures: Callable[[], Figures] = dict
        """What this front has counted."""
        self.on_models: Callable[[Sequence[ModelCard]], None] = lambda cards: None
        """Hears of what is served from now on."""
        self.until_unused: Callable[[ModelCard], Awaitable[None]] = _at_once
        """Returns when nobody in this front works with it any more."""
        self._connection = connection
        self._on_lost = on_lost
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._letting_go: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._started = asyncio.Event()
        self._is_closed = False

    @property
    def is_open(self) -> bool:
        return self._writer is not None and not self._is_closed

    async def open(self) -> None:
        reader, self._writer = await asyncio.open_unix_connection(sock=self._connection, limit=BUFFER_BYTES)
        self._write("hello")
        self._reading = asyncio.create_task(self._read(reader))

    async def until_started(self) -> None:
        """Until every worker was ready once."""
        await self._started.wait()

    async def ask(self, kind: str, content: bytes = b"", **facts: Any) -> Message:
        """The supervisor's answer. Cancelling this call tells it that nobody waits any more.

        Raises the failure that it answers with, and Draining from `close` on.
        """
        if not self.is_open:
            raise Draining
        number = next(self._numbers)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self._write(kind, number, content, **facts)
        try:
            return await answer
        except asyncio.CancelledError:
            self._write("leave", number)
            raise
        finally:
            del self._asked[number]

    def tell(self, kind: str, **facts: Any) -> None:
        """What needs no answer."""
        self._write(kind, **facts)

    async def close(self) -> None:
        """Whoever still waits gets Draining."""
        self._is_closed = True
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(Draining())
        for task in self._letting_go:
            task.cancel()
        if self._writer is not None and self._reading is not None:
            self._writer.close()
            self._reading.cancel()
            await asyncio.wait({self._reading})

    def _write(self, kind: str, number: int = 0, content: bytes = b"", **facts: Any) -> None:
        if self._writer is not None and not self._is_closed:
            self._writer.write(packed(kind, number, content, **facts))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                self._take(await receive(reader))
        except EOFError:
            logger.error("the supervisor is gone")
        except Exception:  # ours: a front that hears nothing any more is of no use
            logger.exception("the supervisor said what nobody understands")
        if not self._is_closed:
            self._on_lost()

    def _take(self, message: Message) -> None:
        match message.kind:
            case "state":
                self.state = State.told(message.facts)
                if self.state.has_started:
                    self._started.set()
            case "look":
                self._write("done", message.number, families=to_json(self.figures()))
            case "models":
                self.on_models(cards_of(message.facts["cards"]))
            case "unused":
                task = asyncio.create_task(self._let_go(message))
                self._letting_go.add(task)
                task.add_done_callback(self._letting_go.discard)
            case "answer" | "failure":
                self._take_answer(message)

    def _take_answer(self, message: Message) -> None:
        answer = self._asked.get(message.number)
        if answer is None or answer.done():
            return
        if message.kind == "answer":
            answer.set_result(message)
        else:
            answer.set_exception(failure_of(message.facts))

    async def _let_go(self, message: Message) -> None:
        for card in cards_of(message.facts["cards"]):
            await self.until_unused(card)
        self._write("done", message.number)


async def _at_once(_: ModelCard) -> None:
    """Where nobody works with any."""


class RemoteLedger:
    """Quotas are counted by the supervisor, for all fronts."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def draw(self, draw: Draw) -> Drawn:
        """Raises LedgerAway."""
        try:
            return Drawn(**(await self._link.ask("draw", **asdict(draw))).facts)
        except Draining as failure:
            raise LedgerAway from failure


class RemoteQueue:
    """Tickets go to the supervisor's queue, in the order in which all fronts send them."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def waiting(self) -> int:
        return sum(self._link.state.depth.values())

    def depth(self, lane: Lane) -> int:
        return self._link.state.depth[lane]

    def oldest_wait_s(self) -> float:
        return self._link.state.oldest_wait_s

    def expected_wait_s(self, lane: Lane = Lane.BULK) -> float:
        return self._link.state.expected_wait_s[lane]

    def check_deadline(self, deadline: float, lane: Lane) -> None:
        check_wait(deadline, self.expected_wait_s(lane), time.monotonic())

    async def predict(
        self,
        model: str,
        pixels: NDArray[np.uint8],
        deadline: float,
        lane: Lane = Lane.INTERACTIVE,
        traceparent: str = "",
    ) -> Outcome:
        asked: dict[str, Any] = {"model": model, "shape": pixels.shape, "deadline": deadline, "lane": lane.value}
        asked["traceparent"] = traceparent
        try:
            async with asyncio.timeout_at(deadline + GRACE_S):
                answer = await self._link.ask("predict", pixels.tobytes(), **asked)
        except TimeoutError as error:
            raise DeadlineExceeded from error
        facts = dict(answer.facts)
        scores = np.frombuffer(answer.content, np.float32).reshape(facts.pop("shape")).copy()
        return Outcome(scores, **facts)


class RemotePool:
    """The supervisor's workers."""

    def __init__(self, link: Link, size: int, places: int) -> None:
        self._link = link
        self.size = size
        self.places = places

    @property
    def ready_count(self) -> int:
        return self._link.state.ready_count

    @property
    def trouble(self) -> str | None:
        return self._link.state.trouble

    def status(self) -> list[WorkerStatus]:
        return list(self._link.state.workers)

    async def start(self) -> None:
        """Returns when every worker was ready once. Where one cannot be started, the supervisor ends this front."""
        await self._link.open()
        await self._link.until_started()

    async def stop(self, drain_timeout_s: float) -> None:
        """Whoever waits for a worker gets Draining."""
        await self._link.close()

    def kill(self) -> None:
        """Workers end when the supervisor does."""
