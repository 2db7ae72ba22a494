"""Who may work on pixels next: one queue for the threads that decode, resize, refine, compose and encode.

Knows no picture and no HTTP. Lives on one event loop, so it needs no locks; only the work itself is on threads.

What it guarantees: of one lane, what is nearly done goes first, and among equals who came first, so that the first of
many photos is done after its own time and not after everyone's; who has many of them lets those of others in between;
interactive work goes before bulk, which never starves; no picture is decoded before there is room for it, and none
overtakes another to get that room, but those of somebody who has more than a fair share of it; nobody waits longer than
until the deadline; what nobody waits for any more never begins, or ends at its next part, and its room stays booked
until the thread has really ended.
"""

import asyncio
import contextlib
import itertools
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

from service.errors import DeadlineExceeded, Draining, QueueFull
from service.pixels.threads import Helpers
from service.queue.claim import Claim
from service.queue.fair_turns import FairTurns
from service.queue.forecast import Forecast
from service.queue.schedule import Lane, LaneTurns, check_wait
from service.telemetry.stopwatch import MS_PER_S

Result = TypeVar("Result")


HOPELESS_SHARE = 0.5
"""Of the expected time: who has less left is given up where others wait. Options make a stage take half as long or
twice as long as its mean, so a larger share would give up some who would have made it."""


@dataclass(eq=False)
class Piece:
    """One stage of one request, waiting for a thread or on one."""

    claim: Claim
    stage: str
    work: Callable[[], Any]
    pixels_to_book: int
    answer: "asyncio.Future[Any]"
    queued_at: float

    @property
    def turn(self) -> tuple[int, int, int]:
        """The smallest goes first."""
        return len(self.claim.stages_left), self.claim.turn, self.claim.number

    def fail(self, failure: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(failure)

    def succeed(self, result: Any) -> None:
        if not self.answer.done():
            self.answer.set_result(result)


class PixelScheduler:
    """One for the whole process."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.forecast = Forecast()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="pixels")
        self._helpers = Helpers(threads - 1, spare=lambda: threads - len(self._running))
        self._numbers = itertools.count()
        self._waiting: list[Piece] = []
        self._running: set[Piece] = set()
        self._turns = LaneTurns()
        self._fair_turns = FairTurns()
        self._is_closed = False

    @contextlib.contextmanager
    def claiming(self, claim: Claim) -> Iterator[Claim]:
        """As long as the request lasts: all that it still has to do counts as work that others wait for."""
        claim.number = next(self._numbers)
        claim.turn = self._fair_turns.take(claim.peer)
        self.forecast.claims.add(claim)
        try:
            yield claim
        finally:
            claim.abandon()
            self._forget(claim)

    async def run(self, claim: Claim, stage: str, work: Callable[[], Result], pixels_to_book: int = 0) -> Result:
        """What `work` returns or raises, on a pixel thread, once there is one and the pixels are booked.

        Raises DeadlineUnreachable at once, DeadlineExceeded at the deadline or as soon as it cannot be kept, QueueFull
        for pixels that cannot be booked, Draining after `close`. Cancelling this call abandons the claim.
        """
        claim.begin(stage)
        self._check(claim)
        loop = asyncio.get_running_loop()
        piece = Piece(claim, stage, work, pixels_to_book, loop.create_future(), loop.time())
        self._waiting.append(piece)
        self.start_what_fits()
        try:
            async with asyncio.timeout_at(claim.deadline) as patience:
                result: Result = await piece.answer
                return result
        except TimeoutError:
            if patience.expired():
                raise DeadlineExceeded from None
            raise
        finally:
            self._let_go(piece)

    def start_what_fits(self) -> None:
        """Called when a thread or room in memory may have become free."""
        while self._waiting and len(self._running) < self.threads and (piece := self._next()) is not None:
            self._start(piece)

    def depth(self, lane: Lane) -> int:
        """Stages of requests that wait for a thread, or for room in memory."""
        return sum(piece.claim.lane is lane for piece in self._waiting)

    @property
    def busy_threads(self) -> int:
        return len(self._running)

    def expected_wait_s(self, lane: Lane = Lane.BULK, peer: str | None = None) -> float:
        """How long the pixels of a request that came now would wait; 0 while a thread is free.

        Of `peer`, or of somebody who has as many here as anybody.
        """
        return self._wait_s(lane, math.inf if peer is None else self._fair_turns.next(peer))

    def check_deadline(self, deadline: float, lane: Lane, peer: str) -> None:
        """Raises DeadlineUnreachable where waiting alone would take a request of `peer` until after `deadline`."""
        check_wait(deadline, self.expected_wait_s(lane, peer), _now())

    def _wait_s(self, lane: Lane, turn: float, newest: Claim | None = None) -> float:
        if not self._waiting and len(self._running) < self.threads:
            return 0.0
        return self.forecast.ahead_s(lane, _now(), turn, newest) / self.threads

    def close(self) -> None:
        """Returns when the threads have ended; what waits for one gets Draining."""
        self._is_closed = True
        for piece in self._waiting:
            piece.fail(Draining())
        self._waiting.clear()
        self._executor.shutdown()
        self._helpers.close()

    def _check(self, claim: Claim) -> None:
        if self._is_closed:
            raise Draining
        if _now() >= claim.deadline:
            raise DeadlineExceeded
        if not claim.stages_done:
            check_wait(claim.deadline, self._wait_s(claim.lane, claim.turn, claim), _now())

    def _let_go(self, piece: Piece) -> None:
        """Whoever asked for it has the answer, or is not there any more."""
        if not piece.answer.done() or piece.answer.cancelled():
            piece.claim.abandon()
        if piece in self._waiting:
            self._waiting.remove(piece)
            self.start_what_fits()  # it may have held others back

    def _forget(self, claim: Claim) -> None:
        """When the request is over and no thread works for it any more."""
        if claim.is_abandoned and claim.started_at is None:
            self.forecast.claims.discard(claim)
            if all(other.peer != claim.peer for other in self.forecast.claims):
                self._fair_turns.forget(claim.peer)

    def _next(self) -> Piece | None:
        """None where nothing waits, or only what there is no room for."""
        no_more_rooms = False
        for piece in self._in_order():
            if self._is_hopeless(piece):
                self._give_up(piece, DeadlineExceeded("what is left to do takes longer than the request can wait"))
            elif not piece.pixels_to_book:
                return piece
            elif not no_more_rooms and not _lets_others_go_first(piece):
                if (booked := self._book(piece)) is True:
                    return piece
                no_more_rooms = booked is False
        return None

    def _in_order(self) -> list[Piece]:
        waiting = sorted(self._waiting, key=attrgetter("turn"))
        bulk = [piece for piece in waiting if piece.claim.lane is Lane.BULK]
        others = [piece for piece in waiting if piece.claim.lane is not Lane.BULK]
        chosen = self._turns.choose([piece.claim for piece in others], [piece.claim for piece in bulk])
        return bulk + others if chosen is Lane.BULK else others + bulk

    def _is_hopeless(self, piece: Piece) -> bool:
        """And others could make use of the time."""
        if len(self._waiting) == 1:
            return False
        now = _now()
        return now + HOPELESS_SHARE * self.forecast.left_s(piece.claim, now) > piece.claim.deadline

    def _book(self, piece: Piece) -> bool | None:
        """None where it cannot be done however long one waits."""
        booking = piece.claim.booking
        try:
            return booking is None or booking.book_pixels(piece.pixels_to_book)
        except QueueFull as failure:
            self._give_up(piece, failure)
            return None

    def _give_up(self, piece: Piece, failure: Exception) -> None:
        self._waiting.remove(piece)
        piece.fail(failure)

    def _start(self, piece: Piece) -> None:
        claim, loop = piece.claim, asyncio.get_running_loop()
        self._waiting.remove(piece)
        self._running.add(piece)
        self._turns.took(claim.lane, [each.claim for each in self._waiting if each.claim.lane is not Lane.BULK])
        claim.started_at = started_at = loop.time()
        self._fair_turns.begin(claim.turn)
        claim.watch.add("wait", (started_at - piece.queued_at) * MS_PER_S)
        if claim.booking is not None:
            claim.booking.hold()
        running = loop.run_in_executor(self._executor, self._helpers.run, piece.work)
        running.add_done_callback(lambda done: self._end(piece, started_at, done))

    def _end(self, piece: Piece, started_at: float, done: "asyncio.Future[Any]") -> None:
        claim = piece.claim
        self._running.discard(piece)
        if claim.booking is not None:
            claim.booking.release()
        if (failure := done.exception()) is not None:
            piece.fail(failure)
        else:
            self.forecast.learn(claim, piece.stage, _now() - started_at)
            piece.succeed(done.result())
        claim.end_stage()
        self._forget(claim)
        self.start_what_fits()


def _lets_others_go_first(piece: Piece) -> bool:
    booking = piece.claim.booking
    return booking is not None and booking.lets_others_go_first(piece.pixels_to_book)


def _now() -> float:
    return asyncio.get_running_loop().time()
