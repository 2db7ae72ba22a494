"""The right of one request to be here, or of one live session to be open, and what it takes up. Knows no HTTP."""

import threading
from typing import TYPE_CHECKING

from service.errors import QueueFull

if TYPE_CHECKING:
    from service.queue.admission import Admission


class Permit:
    """Given back when the request is over and no thread works for it any more, whichever comes last."""

    def __init__(self, owner: "Admission", peer: str, *, is_session: bool) -> None:
        self.peer = peer
        self._owner = owner
        self._is_session = is_session
        self._is_live = False
        self._has_place = False
        self._bytes = 0
        self._pixels = 0
        self._holds = 0
        self._is_over = False
        self._lock = threading.Lock()

    def take_place(self) -> bool:
        """False where it would have to wait."""
        self._has_place = self._owner.take_place()
        return self._has_place

    async def wait_for_place(self) -> None:
        await self._owner.wait_for_place()
        self._has_place = True

    def begin_session(self) -> None:
        """From now on it counts as a live one. Raises TooManySessions."""
        self._owner.begin_session(self.peer)
        self._is_live = True

    def finish_work(self, answer_bytes: int) -> None:
        """No picture is needed any more; the answer counts until `free_bytes`, whether it fits or not: it is there."""
        self._leave_place()
        self.free_pixels()
        with self._lock:
            self._owner.take_bytes(answer_bytes, self.peer, even_if_full=True)
            self._bytes += answer_bytes

    def take_bytes(self, count: int) -> None:
        """Raises QueueFull where they do not fit."""
        with self._lock:
            self._owner.take_bytes(count, self.peer)
            self._bytes += count

    def free_bytes(self, count: int | None = None) -> None:
        """So many, or all."""
        with self._lock:
            count = self._bytes if count is None else count
            self._owner.free_bytes(count, self.peer)
            self._bytes -= count

    def take_pixels(self, count: int) -> None:
        """Raises QueueFull where they do not fit; where the request is over none are taken, so that none leak."""
        with self._lock:
            self._check_not_over()
            self._owner.take_pixels(count, self.peer, by_session=self._is_session)
            self._pixels += count

    def book_pixels(self, count: int) -> bool:
        """False where they do not fit now. Raises QueueFull where they cannot, however long one waits."""
        with self._lock:
            self._check_not_over()
            if booked := self._owner.book_pixels(count, self.peer):
                self._pixels += count
            return booked

    def lets_others_go_first(self, count: int) -> bool:
        """Whether it is for its own share that so many pixels do not fit now."""
        return self._owner.lets_others_go_first(count, self.peer)

    def free_pixels(self) -> None:
        """Those of one picture, before the next one of the same request; where a thread is at work, they stay."""
        if not self._holds:
            self._free_pixels()

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
        self._leave_place()
        self.free_bytes()
        self._free_pixels()
        self._owner.end(self.peer, was_live=self._is_live)

    def _leave_place(self) -> None:
        if self._has_place:
            self._has_place = False
            self._owner.leave_place()

    def _free_pixels(self) -> None:
        with self._lock:
            count, self._pixels = self._pixels, 0
        self._owner.free_pixels(count, self.peer, by_session=self._is_session)
