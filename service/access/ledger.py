"""Where the quotas of keys are counted by which several processes go. Knows no process and no network."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

WINDOW_S = 60

LEAST = 1e-9
"""Of megapixels: as long as anything is left, a picture of any size may overdraw it."""


@dataclass
class Bucket:
    """Tokens that come back steadily. Times are those of `clock`, in seconds."""

    per_minute: float
    clock: Callable[[], float] = time.monotonic
    _tokens: float = field(init=False)
    _filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.set(self.per_minute)

    def left(self) -> float:
        """Below 0 where it is overdrawn."""
        now = self.clock()
        self._tokens = min(self.per_minute, self._tokens + (now - self._filled_at) * self.per_minute / WINDOW_S)
        self._filled_at = now
        return self._tokens

    def set(self, tokens: float) -> None:
        """So many are left at this moment."""
        self._tokens, self._filled_at = tokens, self.clock()

    def take(self, tokens: float) -> None:
        self._tokens = self.left() - tokens

    def wait_s(self, tokens: float) -> float:
        """Until it holds that many, or is full where it never will."""
        missing = min(tokens, self.per_minute) - self.left()
        return max(0.0, missing * WINDOW_S / self.per_minute)


@dataclass(frozen=True)
class Draw:
    """What is to be taken out of the buckets of one key."""

    key: str
    """Its name."""
    per_minute: Mapping[str, float]
    """By unit, of those that are limited."""
    tokens: Mapping[str, float]
    """By unit; those that are not named have nothing taken out."""
    is_owed: bool = False
    """Taken in any case: it may be overdrawn. Else nothing is, where a bucket is empty."""

    def needed(self, unit: str) -> float:
        """What must be left for a draw that is not owed."""
        return min(1.0 if unit == "requests" else LEAST, self.per_minute[unit])


@dataclass(frozen=True)
class Drawn:
    """What came of it."""

    is_granted: bool
    left: Mapping[str, float]
    """By unit, after that."""


class LedgerAway(Exception):
    """It cannot be asked at the moment: each process counts for itself."""


class Ledger(Protocol):
    """Counts for several processes."""

    async def draw(self, draw: Draw) -> Drawn:
        """All of it, or nothing. Raises LedgerAway."""


class LocalLedger:
    """In the memory of one process."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, float], Bucket] = {}

    def draw(self, draw: Draw) -> Drawn:
        buckets = {unit: self._bucket(draw, unit) for unit in draw.per_minute}
        granted = draw.is_owed or all(bucket.left() >= draw.needed(unit) for unit, bucket in buckets.items())
        for unit, bucket in buckets.items():
            bucket.take(draw.tokens.get(unit, 0.0) if granted else 0.0)
        return Drawn(granted, {unit: bucket.left() for unit, bucket in buckets.items()})

    def _bucket(self, draw: Draw, unit: str) -> Bucket:
        """Another limit is another bucket: a key that has changed begins anew."""
        limit = draw.per_minute[unit]
        return self._buckets.setdefault((draw.key, unit, limit), Bucket(limit))
