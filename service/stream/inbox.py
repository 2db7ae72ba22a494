"""What a session has received and not worked on yet: one request to change something, and the newest frame."""

import asyncio
import contextlib

from service.errors import Failure
from service.stream.protocol import Background, Frame, Update

Change = Update | Background


class Inbox:
    """The newest frame wins: a frame that still waits when the next one comes is dropped."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._change: Change | None = None
        self._failure: Failure | None = None
        self._changed = asyncio.Event()
        self._handled = asyncio.Event()

    def offer(self, frame: Frame) -> bool:
        """False where it took the place of one that nobody will see."""
        is_first = self._frame is None
        self._frame = frame
        self._changed.set()
        return is_first

    async def hand_over(self, change: Change) -> None:
        """Returns when it was taken, so that a client that sends many has to wait."""
        self._change = change
        self._handled.clear()
        self._changed.set()
        await self._handled.wait()

    def end(self, failure: Failure) -> None:
        """From now on `take` raises it: whatever is being worked on can be finished."""
        self._failure = failure
        self._changed.set()

    async def take(self, frames_from_s: float) -> Frame | Change:
        """A change as soon as there is one, or the newest frame, but that not before `frames_from_s`.

        The time is on the event loop's clock. Raises what `end` was called with.
        """
        loop = asyncio.get_running_loop()
        while True:
            if self._failure is not None:
                raise self._failure
            if self._change is not None:
                change, self._change = self._change, None
                self._handled.set()
                return change
            if self._frame is not None and loop.time() >= frames_from_s:
                frame, self._frame = self._frame, None
                return frame
            await self._wait(None if self._frame is None else frames_from_s)

    async def _wait(self, until_s: float | None) -> None:
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                await self._changed.wait()


class FrameRate:
    """When the next frame may be taken, for so many a second on average. Times in seconds, on one clock."""

    def __init__(self, max_fps: float) -> None:
        self._interval_s = 1 / max_fps
        self.next_s = 0.0

    def took(self, now_s: float) -> None:
        """A camera's frames come a little early and a little late: one interval may be made up for, no more."""
        self.next_s = max(self.next_s, now_s - self._interval_s) + self._interval_s
