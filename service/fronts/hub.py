"""The supervisor's side of its fronts: their tickets in one queue, and their figures added up.

What it guarantees: of a front that has ended nothing waits any more, and the others notice nothing; what was counted
once and told to somebody is never counted back.
"""

import asyncio
import contextlib
import itertools
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Protocol

import psutil

from service.access.ledger import Draw, LocalLedger
from service.errors import Failure, ModelFailed
from service.fronts.state import State
from service.fronts.tickets import packed_outcome, predicted
from service.fronts.wire import BUFFER_BYTES, Message, facts_of, facts_of_cards, packed, receive
from service.models.store import ModelCard
from service.queue.asking import TicketQueue
from service.telemetry.figures import Figures, added, from_json, gauge, lasting, rendered
from service.telemetry.metrics import Metrics
from service.workers.pool import Pool

logger = logging.getLogger(__name__)

STATE_INTERVAL_S = 0.1
"""So old is what a front knows of the queue at most. What it lets in wrongly the queue itself refuses."""

LOOK_TIMEOUT_S = 2.0
"""For a front's figures: then those stand that it told last. And for the word that it has other models."""


class Changes(Protocol):
    """`ModelChanges`."""

    async def load(self, name: str) -> ModelCard: ...

    async def unload(self, name: str) -> None: ...

    async def make_default(self, name: str) -> ModelCard: ...


class Hub:
    """One for the whole machine."""

    def __init__(self, queue: TicketQueue, pool: Pool, metrics: Metrics, changes: Changes) -> None:
        self.has_started = False
        """Set where every worker was ready once."""
        self.queue = queue
        self.ledger = LocalLedger()
        self._pool = pool
        self._metrics = metrics
        self._changes = changes
        self._cards: Sequence[ModelCard] | None = None
        """That fronts serve, where these are not those that they start with any more."""
        self._seats: set[Seat] = set()
        self._ended: Figures = {}
        """Counted by fronts that are not there any more."""

    def state(self) -> State:
        return State.of(self.queue, self._pool, has_started=self.has_started)

    async def attend(self, connection: socket.socket, on_first_word: Callable[[], None] = lambda: None) -> None:
        """One front, until it ends. `on_first_word` is called when it says the first one."""
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=BUFFER_BYTES)
        seat = Seat(self, writer, on_first_word)
        self._seats.add(seat)
        if self._cards is not None:
            seat.say("models", cards=facts_of_cards(self._cards))
        seat.say("state", **self.state().facts())
        try:
            await seat.listen(reader)
        finally:
            self._seats.discard(seat)
            self._ended = added([self._ended, lasting(seat.figures)])
            await seat.close()

    async def tell(self) -> None:
        """Forever: how things are, where that has changed."""
        known: State | None = None
        while True:
            await asyncio.sleep(STATE_INTERVAL_S)
            state = self.state()
            if state != known:
                known = state
                for seat in self._seats:
                    seat.say_if_it_reads("state", **state.facts())

    # --- other models -----------------------------------------------------------------------------------------------

    async def change(self, change: str, name: str) -> None:
        """Returns when every front serves what it has come to. Raises what `ModelChanges` raises."""
        works = {"load": self._changes.load, "unload": self._changes.unload, "default": self._changes.make_default}
        await works[change](name)
        with contextlib.suppress(TimeoutError):  # one that hangs, and answers nobody
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                await self.until_unused()

    def tell_models(self, cards: Sequence[ModelCard]) -> None:
        """What fronts serve from now on, the default model first."""
        self._cards = cards
        for seat in self._seats:
            seat.say("models", cards=facts_of_cards(cards))

    async def until_unused(self, *cards: ModelCard) -> None:
        """Until no front works with these, nor will: each has heard of all that was said before."""
        await asyncio.gather(*(seat.ask("unused", cards=facts_of_cards(cards)) for seat in self._seats))

    # --- figures ----------------------------------------------------------------------------------------------------

    async def scrape(self) -> bytes:
        """What `/metrics` says of all fronts together."""
        seats = list(self._seats)
        await asyncio.gather(*(seat.look() for seat in seats))
        rss = gauge("silhouette_rss_bytes", {"process": "supervisor"}, psutil.Process().memory_info().rss)
        return rendered(added([*(seat.figures for seat in seats), self._metrics.figures(), rss, self._ended]))


class Seat:
    """One front, as the supervisor sees it."""

    def __init__(self, hub: Hub, writer: asyncio.StreamWriter, on_first_word: Callable[[], None]) -> None:
        self.figures: Figures = {}
        """As it told them last."""
        self._hub = hub
        self._writer = writer
        self._on_first_word = on_first_word
        self._at_work: dict[int, asyncio.Task[None]] = {}
        """By the numbers of its questions."""
        self._asked: dict[int, asyncio.Future[Message | None]] = {}
        self._numbers = itertools.count(1)

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Until it closes its end."""
        with contextlib.suppress(EOFError):
            self._take(await receive(reader))
            self._on_first_word()
            while True:
                self._take(await receive(reader))

    def _take(self, message: Message) -> None:
        match message.kind:
            case "predict" | "scrape" | "change":
                task = asyncio.create_task(self._answer(message))
                self._at_work[message.number] = task
                task.add_done_callback(lambda _: self._at_work.pop(message.number, None))
            case "draw":
                drawn = self._hub.ledger.draw(Draw(**message.facts))
                self.say("answer", message.number, **asdict(drawn))
            case "leave":
                if unwanted := self._at_work.get(message.number):
                    unwanted.cancel()
            case "done":
                self._done(message.number, message)

    async def _answer(self, message: Message) -> None:
        try:
            match message.kind:
                case "scrape":
                    self.say("answer", message.number, await self._hub.scrape())
                case "change":
                    await self._hub.change(**message.facts)
                    self.say("answer", message.number)
                case _:
                    self._write(packed_outcome(message.number, await predicted(self._hub.queue, message)))
        except Failure as failure:
            self.say("failure", message.number, **facts_of(failure))
        except Exception:  # ours: whoever asked must not wait for ever
            logger.exception("a front's question failed")
            self.say("failure", message.number, **facts_of(ModelFailed()))

    async def look(self) -> None:
        """At its figures; those that it told before stay where it does not answer in time."""
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                told = await self.ask("look")
        except TimeoutError:
            logger.warning("a front did not tell its figures")
            return
        if told is not None:
            self.figures = from_json(told.facts["families"])

    async def ask(self, kind: str, **facts: Any) -> Message | None:
        """What it says when that is done; None where it ends before."""
        number = next(self._numbers)
        done: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()
        self._asked[number] = done
        self.say(kind, number, **facts)
        try:
            return await done
        finally:
            self._asked.pop(number, None)

    def _done(self, number: int, message: Message | None) -> None:
        asked = self._asked.pop(number, None)
        if asked is not None and not asked.done():
            asked.set_result(message)

    def say(self, kind: str, number: int = 0, content: bytes = b"", **facts: Any) -> None:
        self._write(packed(kind, number, content, **facts))

    def _write(self, message: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(message)

    def say_if_it_reads(self, kind: str, **facts: Any) -> None:
        """News that are old by the time they are read are better left out."""
        if not self._writer.transport.get_write_buffer_size():
            self.say(kind, **facts)

    async def close(self) -> None:
        """Its tickets vanish."""
        tasks = list(self._at_work.values())
        for task in tasks:
            task.cancel()
        for number in list(self._asked):
            self._done(number, None)
        await asyncio.gather(*tasks, return_exceptions=True)
        self._writer.close()
