"""Who may be here: a bounded number of requests in flight and of live sessions, of bytes and of pixels. Knows no HTTP.

A request that is not admitted costs nothing; one that is admitted gets an answer.
"""

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from service.errors import QueueFull, TooManySessions
from service.queue.budget import Budget
from service.queue.permit import Permit

MIN_RETRY_AFTER_S = 1
SESSION_RETRY_AFTER_S = 5
"""Nobody knows when a session will end."""


class Queue(Protocol):
    """What stands between admission and an answer."""

    @property
    def waiting(self) -> int:
        """Tickets that no worker has taken yet."""

    def expected_wait_s(self) -> float:
        """How long one that came now would wait."""


@dataclass(frozen=True)
class Limits:
    """How much there is of everything, for all together."""

    places: int
    """Requests whose bodies are here, and that are being worked on."""
    sessions: Budget
    bytes: Budget
    pixels: Budget


class Admission:
    """Gives out permits. Pixel threads use theirs too, hence the lock; places are for the event loop alone."""

    def __init__(self, limits: Limits, queue: Queue) -> None:
        self.capacity = limits.places
        self.in_flight = 0
        self._bytes = limits.bytes
        self._pixels = limits.pixels
        self._session_pixels = 0
        self._sessions = limits.sessions
        self._permits = 0
        self.opened = 0
        """Permits that were ever given out."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._queue = queue
        self._lock = threading.Lock()
        self.idle = asyncio.Event()
        """Set while nobody has a permit."""
        self.idle.set()
        self.on_room: Callable[[], None] = lambda: None
        """Called when somebody's pictures are gone: there may be room for pixels again."""

    @property
    def bytes_in_flight(self) -> int:
        return self._bytes.used

    @property
    def pixels_in_flight(self) -> int:
        return self._pixels.used

    @property
    def sessions(self) -> int:
        """Live ones, whose clients have said hello."""
        return self._sessions.used

    # --- permits ----------------------------------------------------------------------------------------------------

    def open(self, peer: str = "") -> Permit:
        """For a request whose body is still on its way: it has no place yet."""
        return self._permit(peer, is_session=False)

    def admit(self, peer: str = "") -> Permit:
        """With a place at once. Raises QueueFull."""
        self.check_room()
        permit = self.open(peer)
        permit.take_place()
        return permit

    def check_room(self) -> None:
        """Raises QueueFull where every place is taken."""
        if self.in_flight >= self.capacity:
            raise self._full(f"{self.in_flight} requests are in flight, which is the most this service takes")

    def open_session(self, peer: str = "") -> Permit:
        """For a live session whose client has not said hello yet: it does not count. Raises TooManySessions."""
        self._check_sessions(peer)
        return self._permit(peer, is_session=True)

    def begin_session(self, peer: str) -> None:
        """Raises TooManySessions."""
        self._check_sessions(peer)
        self._sessions.take(1, peer)

    def _check_sessions(self, peer: str) -> None:
        if not self._sessions.fits(1, peer):
            most = "the most this service takes" if self.sessions >= self._sessions.total else "enough for your address"
            raise TooManySessions(f"{self.sessions} sessions are live, which is {most}", SESSION_RETRY_AFTER_S)

    def _permit(self, peer: str, *, is_session: bool) -> Permit:
        self._permits += 1
        self.opened += 1
        self.idle.clear()
        return Permit(self, peer, is_session=is_session)

    def end(self, peer: str, *, was_live: bool) -> None:
        """Of a permit that has given everything back."""
        if was_live:
            self._sessions.give_back(1, peer)
        self._permits -= 1
        if not self._permits:
            self.idle.set()

    # --- places -----------------------------------------------------------------------------------------------------

    def take_place(self) -> bool:
        """False where there is none, or somebody waits for one already."""
        if self.in_flight >= self.capacity or self._waiting:
            return False
        self.in_flight += 1
        return True

    async def wait_for_place(self) -> None:
        """First come, first served."""
        if self.take_place():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came at the same moment
                self.leave_place()
            raise

    def leave_place(self) -> None:
        """The next in line gets it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.in_flight -= 1

    # --- bytes and pixels -------------------------------------------------------------------------------------------

    def take_bytes(self, count: int, peer: str, *, even_if_full: bool = False) -> None:
        """Raises QueueFull where the bodies and answers in flight would become too large together."""
        with self._lock:
            if not even_if_full and not self._bytes.fits(count, peer):
                raise self._full(f"{self._bytes.used} bytes are in flight, and {count} more do not fit")
            self._bytes.take(count, peer)

    def free_bytes(self, count: int, peer: str) -> None:
        with self._lock:
            self._bytes.give_back(count, peer)

    def has_more_bytes_than_its_share(self, peer: str) -> bool:
        return self._bytes.exceeds_share(0, peer)

    def take_pixels(self, count: int, peer: str, *, by_session: bool = False) -> None:
        """Raises QueueFull where the pictures in flight would become too large together."""
        with self._lock:
            if not self._pixels.fits(count, peer):
                raise self._full(f"{self._pixels.used / 1e6:.1f} megapixels are in flight, which is enough")
            self._take_pixels(count, peer, by_session)

    def book_pixels(self, count: int, peer: str) -> bool:
        """False where the pictures in flight would become too large together: one may wait until some are gone.

        Raises QueueFull where that would be in vain, as live sessions do not go.
        """
        with self._lock:
            if self._session_pixels and self._session_pixels + count > self._pixels.total:
                raise self._full(f"{self._session_pixels / 1e6:.1f} megapixels are taken by live sessions")
            if fits := self._pixels.fits(count, peer):
                self._take_pixels(count, peer, by_session=False)
            return fits

    def lets_others_go_first(self, count: int, peer: str) -> bool:
        """Whether it is for its own share that so many more pixels do not fit now."""
        return self._pixels.exceeds_share(count, peer) and not self._pixels.fits(count, peer)

    def _take_pixels(self, count: int, peer: str, by_session: bool) -> None:
        self._pixels.take(count, peer)
        self._session_pixels += count * by_session

    def free_pixels(self, count: int, peer: str, *, by_session: bool) -> None:
        with self._lock:
            self._pixels.give_back(count, peer)
            self._session_pixels -= count * by_session
        self.on_room()

    def retry_after_s(self) -> int:
        """When a place is likely to be free: what waits now will have been served."""
        return max(MIN_RETRY_AFTER_S, math.ceil(self._queue.expected_wait_s()))

    def _full(self, detail: str) -> QueueFull:
        return QueueFull(detail, self.retry_after_s(), self._queue.waiting)
