"""How long a place that lost its process, or could not get one, waits before the next start."""

import asyncio
import contextlib

FIRST_DELAY_S = 0.1
MAX_DELAY_S = 30.0

LEAST_FAILED_STARTS = 3
"""In a row: until then it may have been bad luck."""


class Backoff:
    """Of one place."""

    def __init__(self, max_delay_s: float = MAX_DELAY_S) -> None:
        self._max_delay_s = max_delay_s
        self.delay_s = FIRST_DELAY_S
        """Before the next start, where the last one came to nothing."""
        self._failed_starts = 0
        """In a row."""

    @property
    def is_trouble(self) -> bool:
        """Whether those who wait for a worker should hear that there is none."""
        return self._failed_starts >= LEAST_FAILED_STARTS

    def count_failure(self) -> None:
        self._failed_starts += 1

    def forget_failures(self) -> None:
        """A process has started. It may still die before it answers anything: the delay stays until it has."""
        self._failed_starts = 0

    def forget_delay(self) -> None:
        self.delay_s = FIRST_DELAY_S

    async def pause(self, closing: asyncio.Event) -> None:
        """Each time twice as long; shorter where all of it closes meanwhile."""
        delay_s, self.delay_s = self.delay_s, min(2 * self.delay_s, self._max_delay_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), delay_s)
