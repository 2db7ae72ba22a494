"""The queue as those see it who want something looked at, wherever it is."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from service.queue.schedule import Lane
from service.queue.ticket import Outcome


class TicketQueue(Protocol):
    """`Batcher`, or a connection to one in another process."""

    @property
    def waiting(self) -> int:
        """Tickets that no worker has taken yet, of every lane."""

    def depth(self, lane: Lane) -> int:
        """Tickets that no worker has taken yet."""

    def oldest_wait_s(self) -> float: ...

    def expected_wait_s(self, lane: Lane = Lane.BULK) -> float:
        """How long a ticket that came now would wait."""

    def check_deadline(self, deadline: float, lane: Lane) -> None:
        """Raises DeadlineUnreachable where waiting alone would take until after `deadline`."""

    async def predict(
        self,
        model: str,
        pixels: NDArray[np.uint8],
        deadline: float,
        lane: Lane = Lane.INTERACTIVE,
        traceparent: str = "",
    ) -> Outcome:
        """What `Batcher.predict` gives and raises."""
