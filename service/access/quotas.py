"""How much of its quotas each key has used: token buckets that are full after a minute.

A bucket may be overdrawn by one request, as nobody knows how many pixels a picture has before it is here; the next
request waits until the debt is paid. Source: RFC 2697 has the idea of such a bucket; the header fields are those of
draft-ietf-httpapi-ratelimit-headers.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from service.access.keyring import Key
from service.access.ledger import LEAST, WINDOW_S, Bucket, Draw, Drawn, Ledger, LedgerAway
from service.errors import QuotaExceeded


@dataclass(frozen=True)
class Allowance:
    """What one key may still use."""

    key: Key
    buckets: Mapping[str, Bucket]
    """By unit: `requests`, `megapixels`; those that are limited. What is left as far as this process knows."""
    ledger: Ledger | None = None
    """Where other processes count as well."""
    _paying: set["asyncio.Task[None]"] = field(default_factory=set)

    async def begin_request(self) -> None:
        """Raises QuotaExceeded where nothing is left of either quota, whoever has used it up."""
        with contextlib.suppress(LedgerAway):
            if self.ledger is not None and self.buckets:
                drawn = await self.ledger.draw(self._draw({"requests": 1.0}))
                self._learn(drawn)
                if drawn.is_granted:
                    return
        self.take_request()

    def _draw(self, tokens: Mapping[str, float], *, is_owed: bool = False) -> Draw:
        per_minute = {unit: bucket.per_minute for unit, bucket in self.buckets.items()}
        return Draw(self.key.name, per_minute, tokens, is_owed)

    def _learn(self, drawn: Drawn) -> None:
        for unit, left in drawn.left.items():
            self.buckets[unit].set(left)

    async def _pay(self, tokens: Mapping[str, float]) -> None:
        """What was taken here already, where the others count."""
        assert self.ledger is not None
        with contextlib.suppress(LedgerAway):
            self._learn(await self.ledger.draw(self._draw(tokens, is_owed=True)))

    async def paid(self) -> None:
        """Until the others know what was taken here."""
        await asyncio.gather(*self._paying)

    def take_request(self) -> None:
        """Of this process alone. Raises QuotaExceeded where nothing is left of either quota."""
        for unit, bucket in self.buckets.items():
            if wait_s := bucket.wait_s(1 if unit == "requests" else LEAST):
                detail = f"the key {self.key.name!r} has {bucket.per_minute:g} {unit} a minute, and none is left"
                raise QuotaExceeded(detail, max(1, math.ceil(wait_s)))
        self._take("requests", 1)

    def take_further_requests(self, count: int) -> None:
        """Of one that asks for many things at once: they may overdraw what is left."""
        self._take("requests", count)

    def wait_for_pixels_s(self) -> float:
        """Until the pixels that were taken so far are paid for."""
        bucket = self.buckets.get("megapixels")
        return 0.0 if bucket is None else bucket.wait_s(LEAST)

    def take_pixels(self, count: int) -> None:
        """Those of a picture that is about to be decoded: it may overdraw what is left."""
        self._take("megapixels", count / 1e6)
        if self.ledger is not None and "megapixels" in self.buckets:
            paying = asyncio.get_running_loop().create_task(self._pay({"megapixels": count / 1e6}))
            self._paying.add(paying)
            paying.add_done_callback(self._paying.discard)

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
    """The allowances of all keys, by name. In this process, and in the ledger where there is one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, ledger: Ledger | None = None) -> None:
        self._clock = clock
        self._ledger = ledger
        self._allowances: dict[str, Allowance] = {}

    def of(self, key: Key) -> Allowance:
        """A key whose line in the file has changed begins anew."""
        known = self._allowances.get(key.name)
        if known is None or known.key != key:
            limits = {"requests": key.requests_per_minute, "megapixels": key.megapixels_per_minute}
            buckets = {unit: Bucket(limit, self._clock) for unit, limit in limits.items() if limit is not None}
            known = self._allowances[key.name] = Allowance(key, buckets, self._ledger)
        return known
