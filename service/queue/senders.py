"""Those who have begun to send something and are not done. Knows no HTTP.

Their number is bounded, and a slow one never keeps others out: it makes room for whoever comes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from service.errors import TooManyUploads, Unavailable

SETTLING_S = 1.0
"""Nobody is called slow before: a connection takes a moment to get going."""


@dataclass(eq=False)
class Sender:
    """Somebody who is sending."""

    peer: str
    drop: Callable[[], None]
    """Called where it has to make room; what it was sending is refused then."""
    began_s: float = field(default_factory=time.monotonic)
    received_bytes: int = 0

    def bytes_per_s(self) -> float:
        """On average since it began."""
        return self.received_bytes / max(time.monotonic() - self.began_s, SETTLING_S)


class Senders:
    """As many as there are places; one peer has no more than its share of them."""

    def __init__(
        self,
        places: int,
        min_bytes_per_s: float,
        share: float,
        *,
        noun: str = "uploads on their way",
        refusal: type[Unavailable] = TooManyUploads,
    ) -> None:
        self._noun = noun
        self._refusal = refusal
        self._places = places
        self._places_per_peer = max(1, int(share * places))
        self._min_bytes_per_s = min_bytes_per_s
        self._here: set[Sender] = set()

    def __len__(self) -> int:
        return len(self._here)

    def begin(self, sender: Sender) -> None:
        """Raises the refusal where every place is taken and nobody is slow."""
        own = {other for other in self._here if other.peer == sender.peer}
        if len(own) >= self._places_per_peer and not self._drop_slowest_of(own):
            raise self._refusal(f"there are {len(own)} {self._noun} from your address, which is the most it may have")
        if len(self._here) >= self._places and not self._drop_slowest_of(self._here):
            raise self._refusal(f"there are {len(self._here)} {self._noun}, which is the most this service takes")
        self._here.add(sender)

    def end(self, sender: Sender) -> None:
        self._here.discard(sender)

    def drop_slowest(self, newcomer: Sender, has_too_much: Callable[[str], bool]) -> bool:
        """Make room for the newcomer. False where nobody is slow, and nobody's peer has more than its share."""
        others = self._here - {newcomer}
        if self._drop_slowest_of(others):
            return True
        if has_too_much(newcomer.peer):
            return False
        return self._drop({other for other in others if has_too_much(other.peer)})

    def _drop_slowest_of(self, senders: set[Sender]) -> bool:
        latest_s = time.monotonic() - SETTLING_S
        return self._drop(
            {one for one in senders if one.began_s <= latest_s and one.bytes_per_s() < self._min_bytes_per_s}
        )

    def _drop(self, candidates: set[Sender]) -> bool:
        if not candidates:
            return False
        slowest = min(candidates, key=Sender.bytes_per_s)
        self.end(slowest)
        slowest.drop()
        return True
