"""How much of its quotas each key has used: token buckets that are full after a minute.

A bucket may be overdrawn by one request, as nobody knows how many pixels a picture has before it is here; the next
request waits until the debt is paid. Source: RFC 2697 has the idea of such a bucket; the header fields are those of
draft-ietf-httpapi-ratelimit-headers.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from service.access.keyring import Key
from service.errors import QuotaExceeded

WINDOW_S = 60


@dataclass
class Bucket:
    """Tokens that come back steadily. Times are those of `clock`, in seconds."""

    per_minute: float
    clock: Callable[[], float] = time.monotonic
    _tokens: float = field(init=False)
    _filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = self.per_minute
        self._filled_at = self.clock()

    def left(self) -> float:
        """Below 0 where it is overdrawn."""
        now = self.clock()
        self._tokens = min(self.per_minute, self._tokens + (now - self._filled_at) * self.per_minute / WINDOW_S)
        self._filled_at = now
        return self._tokens

    def take(self, tokens: float) -> None:
        self._tokens = self.left() - tokens

    def wait_s(self, tokens: float) -> float:
        """Until it holds that many, or is full where it never will."""
        missing = min(tokens, self.per_minute) - self.left()
        return max(0.0, missing * WINDOW_S / self.per_minute)


@dataclass(frozen=True)
class Allowance:
    """What one key may still use."""

    key: Key
    buckets: Mapping[str, Bucket]
    """By unit: `requests`, `megapixels`; those that are limited."""

    def take_request(self) -> None:
        """Raises QuotaExceeded where nothing is left of either quota."""
        for unit, bucket in self.buckets.items():
            if wait_s := bucket.wait_s(1 if unit == "requests" else min(1e-9, bucket.per_minute)):
                detail = f"the key {self.key.name!r} has {bucket.per_minute:g} {unit} a minute, and none is left"
                raise QuotaExceeded(detail, max(1, math.ceil(wait_s)))
        self._take("requests", 1)

    def take_further_requests(self, count: int) -> None:
        """Of one that asks for many things at once: they may overdraw what is left."""
        self._take("requests", count)

    def wait_for_pixels_s(self) -> float:
        """Until the pixels that were taken so far are paid for."""
        bucket = self.buckets.get("megapixels")
        return 0.0 if bucket is None else bucket.wait_s(min(1e-9, bucket.per_minute))

    def take_pixels(self, count: int) -> None:
        """Those of a picture that is about to be decoded: it may overdraw what is left."""
        self._take("megapixels", count / 1e6)

    def _take(self, unit: str, tokens: float) -> None:
        if unit in self.buckets:
            self.buckets[unit].take(tokens)

    def headers(self) -> Mapping[str, str]:
        """What an answer says of it."""
        if not self.buckets:
            return {}
        policies = [f'"{unit}";q={bucket.per_minute:g};w={WINDOW_S}' for unit, bucket in self.buckets.items()]
        left = [
            f'"{unit}";r={max(0, math.floor(bucket.left()))};t={math.ceil(bucket.wait_s(bucket.per_minute))}'
            for unit, bucket in self.buckets.items()
        ]
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}


class Quotas:
    """The allowances of all keys, by name. In this process: restarted workers change nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._allowances: dict[str, Allowance] = {}

    def of(self, key: Key) -> Allowance:
        """A key whose line in the file has changed begins anew."""
        known = self._allowances.get(key.name)
        if known is None or known.key != key:
            limits = {"requests": key.requests_per_minute, "megapixels": key.megapixels_per_minute}
            buckets = {unit: Bucket(limit, self._clock) for unit, limit in limits.items() if limit is not None}
            known = self._allowances[key.name] = Allowance(key, buckets)
        return known
