"""What stands between a request and its answer: all that waits for the networks, and for the pixel threads."""

from service.queue.asking import TicketQueue
from service.queue.pixel_scheduler import PixelScheduler
from service.queue.schedule import Lane


class Backlog:
    """Networks and pixel threads work side by side, so a request waits for the slower of the two."""

    def __init__(self, batcher: TicketQueue, pixels: PixelScheduler) -> None:
        self._batcher = batcher
        self._pixels = pixels

    @property
    def waiting(self) -> int:
        """Tickets that no worker has taken yet, and stages that no thread has begun."""
        return self._batcher.waiting + sum(map(self._pixels.depth, Lane))

    def expected_wait_s(self, lane: Lane = Lane.BULK) -> float:
        """How long a request that came now would wait, judging by what images and pixels took so far."""
        return max(self._batcher.expected_wait_s(lane), self._pixels.expected_wait_s(lane))

    def check_deadline(self, deadline: float, lane: Lane, peer: str) -> None:
        """Raises DeadlineUnreachable where waiting alone would take a request of `peer` until after `deadline`."""
        self._batcher.check_deadline(deadline, lane)
        self._pixels.check_deadline(deadline, lane, peer)
