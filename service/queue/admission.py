"""Who may be in flight: a bounded number of requests, of bytes and of pixels. Knows no HTTP.

A request that is not admitted costs nothing; one that is admitted gets an answer.
"""

import asyncio
import math
import threading
from collections.abc import Callable
from typing import Protocol

from service.errors import QueueFull, TooManySessions

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


class Admission:
    """The permits. Pixel threads use theirs too, hence the lock."""

    def __init__(self, capacity: int, max_bytes: int, max_pixels: int, queue: Queue, max_sessions: int = 0) -> None:
        self.capacity = capacity
        self.in_flight = 0
        self.sessions = 0
        self.bytes_in_flight = 0
        self.pixels_in_flight = 0
        self._session_pixels = 0
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._max_sessions = max_sessions
        self._queue = queue
        self._lock = threading.Lock()
        self.idle = asyncio.Event()
        """Set while nobody is in flight and no session is open."""
        self.idle.set()
        self.on_room: Callable[[], None] = lambda: None
        """Called when somebody has left: there may be room for pixels again."""

    def admit(self) -> "Permit":
        """Raises QueueFull where every permit is taken."""
        with self._lock:
            if self.in_flight >= self.capacity:
                raise self._full(f"{self.in_flight} requests are in flight, which is the most this service takes")
            self.in_flight += 1
            self.idle.clear()
            return Permit(self, is_session=False)

    def admit_session(self) -> "Permit":
        """For as long as a live session lasts. Raises TooManySessions."""
        with self._lock:
            if self.sessions >= self._max_sessions:
                detail = f"{self.sessions} sessions are live, which is the most this service takes"
                raise TooManySessions(detail, SESSION_RETRY_AFTER_S)
            self.sessions += 1
            self.idle.clear()
            return Permit(self, is_session=True)

    def take_bytes(self, count: int) -> None:
        """Raises QueueFull where the bodies in flight would become too large together."""
        with self._lock:
            # A lone body always does: its own size was checked already.
            if self.bytes_in_flight and self.bytes_in_flight + count > self._max_bytes:
                raise self._full(f"{self.bytes_in_flight} bytes are in flight, and {count} more do not fit")
            self.bytes_in_flight += count

    def take_pixels(self, count: int, *, by_session: bool = False) -> None:
        """Raises QueueFull where the pictures in flight would become too large together."""
        with self._lock:
            if not self._fits(count):
                raise self._full(f"{self.pixels_in_flight / 1e6:.1f} megapixels are in flight, which is enough")
            self._take(count, by_session)

    def book_pixels(self, count: int) -> bool:
        """False where the pictures in flight would become too large together: one may wait until some are gone.

        Raises QueueFull where that would be in vain, as live sessions do not go.
        """
        with self._lock:
            if self._session_pixels and self._session_pixels + count > self._max_pixels:
                raise self._full(f"{self._session_pixels / 1e6:.1f} megapixels are taken by live sessions")
            if fits := self._fits(count):
                self._take(count, by_session=False)
            return fits

    def _fits(self, count: int) -> bool:
        """A lone picture always does: its own size was checked already."""
        return not self.pixels_in_flight or self.pixels_in_flight + count <= self._max_pixels

    def _take(self, count: int, by_session: bool) -> None:
        self.pixels_in_flight += count
        self._session_pixels += count * by_session

    def leave(self, bytes_: int, pixels: int, *, is_session: bool) -> None:
        """Gives a permit back, and what it took."""
        with self._lock:
            self.in_flight -= not is_session
            self.sessions -= is_session
            self.bytes_in_flight -= bytes_
            self.pixels_in_flight -= pixels
            self._session_pixels -= pixels * is_session
            if not self.in_flight and not self.sessions:
                self.idle.set()
        self.on_room()

    def retry_after_s(self) -> int:
        """When a place is likely to be free: what waits now will have been served."""
        return max(MIN_RETRY_AFTER_S, math.ceil(self._queue.expected_wait_s()))

    def _full(self, detail: str) -> QueueFull:
        return QueueFull(detail, self.retry_after_s(), self._queue.waiting)


class Permit:
    """The right of one request to be in flight, or of one session to be open, and what it takes up.

    Given back when the request is over and no thread works for it any more, whichever comes last.
    """

    def __init__(self, admission: Admission, *, is_session: bool) -> None:
        self._admission = admission
        self._is_session = is_session
        self._bytes = 0
        self._pixels = 0
        self._holds = 0
        self._is_over = False
        self._lock = threading.Lock()

    def take_bytes(self, count: int) -> None:
        """Raises QueueFull where they do not fit."""
        with self._lock:
            self._admission.take_bytes(count)
            self._bytes += count

    def take_pixels(self, count: int) -> None:
        """Raises QueueFull where they do not fit; where the request is over none are taken, so that none leak."""
        with self._lock:
            self._check_not_over()
            self._admission.take_pixels(count, by_session=self._is_session)
            self._pixels += count

    def book_pixels(self, count: int) -> bool:
        """False where they do not fit now. Raises QueueFull where they cannot, however long one waits."""
        with self._lock:
            self._check_not_over()
            if booked := self._admission.book_pixels(count):
                self._pixels += count
            return booked

    def hold(self) -> None:
        """A thread begins to work for the request."""
        with self._lock:
            self._holds += 1

    def release(self) -> None:
        """The thread has ended."""
        with self._lock:
            self._holds -= 1
            is_done = self._is_over and not self._holds
        if is_done:
            self._leave()

    def give_back(self) -> None:
        """The request is over."""
        with self._lock:
            self._is_over = True
            is_done = not self._holds
        if is_done:
            self._leave()

    def _check_not_over(self) -> None:
        if self._is_over:
            raise QueueFull("the request is over")

    def _leave(self) -> None:
        self._admission.leave(self._bytes, self._pixels, is_session=self._is_session)
