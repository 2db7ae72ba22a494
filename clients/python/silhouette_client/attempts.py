"""When a call is tried again, and until when."""

import random
import time

from silhouette_client.errors import Busy, ConnectionFailed, SilhouetteError

CONNECTION_TRIES = 3
"""Then the address is wrong, or the service is away for longer."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 8.0
"""Between two tries where nobody says when to come back: twice as long each time, and half of it by chance."""


class Attempts:
    """Of one call."""

    def __init__(self, timeout_s: float) -> None:
        self._ends_s = time.monotonic() + timeout_s
        self._connections_left = CONNECTION_TRIES
        self._pause_s = FIRST_PAUSE_S

    @property
    def left_s(self) -> float:
        """At least a millisecond, for there is always a first try."""
        return max(0.001, self._ends_s - time.monotonic())

    def pause_s(self, error: SilhouetteError) -> float:
        """Before the next try. Raises `error` where there is none: it would not help, or not in time."""
        self._connections_left -= isinstance(error, ConnectionFailed)
        if not isinstance(error, Busy | ConnectionFailed) or not self._connections_left:
            raise error
        told_s = error.retry_after_s
        chance_s = self._pause_s * random.uniform(0.5, 1.0)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        # Those who were told the same moment do not all come back at it.
        wait_s = chance_s if told_s is None else told_s + min(chance_s, 1.0)
        if wait_s >= self.left_s:
            raise error
        return wait_s
