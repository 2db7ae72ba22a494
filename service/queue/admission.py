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
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._max_sessions = max_sessions
        self._queue = queue
        self._lock = threading.Lock()
        self.idle = asyncio.Event()
        """Set while nobody is in flight and no session is open."""
        self.idle.set()

    def admit(self) -> "Permit":
        """Raises QueueFull where every permit is taken."""
        with self._lock:
            if self.in_flight >= self.capacity:
                raise self._full(f"{self.in_flight} requests are in flight, which is the most this service takes")
            self.in_flight += 1
            self.idle.clear()
            return Permit(self, self.give_back)

    def admit_session(self) -> "Permit":
        """For as long as a live session lasts. Raises TooManySessions."""
        with self._lock:
            if self.sessions >= self._max_sessions:
                detail = f"{self.sessions} sessions are live, which is the most this service takes"
                raise TooManySessions(detail, SESSION_RETRY_AFTER_S)
            self.sessions += 1
            self.idle.clear()
            return Permit(self, self.end_session)

    def take_bytes(self, count: int) -> None:
        """Raises QueueFull where the bodies in flight would become too large together."""
        with self._lock:
            # A lone request may always go on: its own size was checked already.
            if self.bytes_in_flight and self.bytes_in_flight + count > self._max_bytes:
                raise self._full(f"{self.bytes_in_flight} bytes are in flight, and {count} more do not fit")
            self.bytes_in_flight += count

    def take_pixels(self, count: int) -> None:
        """Raises QueueFull where the pictures in flight would become too large together."""
        with self._lock:
            if self.pixels_in_flight and self.pixels_in_flight + count > self._max_pixels:
                raise self._full(f"{self.pixels_in_flight / 1e6:.1f} megapixels are in flight, which is enough")
            self.pixels_in_flight += count

    def give_back(self, bytes_: int, pixels: int) -> None:
        with self._lock:
            self.in_flight -= 1
            self._free(bytes_, pixels)

    def end_session(self, bytes_: int, pixels: int) -> None:
        with self._lock:
            self.sessions -= 1
            self._free(bytes_, pixels)

    def _free(self, bytes_: int, pixels: int) -> None:
        self.bytes_in_flight -= bytes_
        self.pixels_in_flight -= pixels
        if not self.in_flight and not self.sessions:
            self.idle.set()

    def retry_after_s(self) -> int:
        """When a place is likely to be free: what waits now will have been served."""
        return max(MIN_RETRY_AFTER_S, math.ceil(self._queue.expected_wait_s()))

    def _full(self, detail: str) -> QueueFull:
        return QueueFull(detail, self.retry_after_s(), self._queue.waiting)


class Permit:
    """The right of one request to be in flight, or of one session to be open, and what it takes up."""

    def __init__(self, admission: Admission, leave: Callable[[int, int], None]) -> None:
        self._admission = admission
        self._leave = leave
        self._bytes = 0
        self._pixels = 0
        self._returned = False
        self._lock = threading.Lock()

    def take_bytes(self, count: int) -> None:
        """Raises QueueFull where they do not fit."""
        with self._lock:
            self._admission.take_bytes(count)
            self._bytes += count

    def take_pixels(self, count: int) -> None:
        """Raises QueueFull where they do not fit; a picture whose client has left takes none, so that none leak."""
        with self._lock:
            if self._returned:
                raise QueueFull("the request is over")
            self._admission.take_pixels(count)
            self._pixels += count

    def give_back(self) -> None:
        with self._lock:
            self._returned = True
            self._leave(self._bytes, self._pixels)
