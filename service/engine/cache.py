"""Answers that were given before, by what they were made of. Bounded in bytes; the least recently used go first.

Knows no HTTP and no pixels. An answer depends on nothing but its fingerprint: the pictures, every option, the formats
that the caller takes, the model with its version and precision, and the version of the service.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from service import __version__
from service.operations.options import Options
from service.telemetry.metrics import Metrics

Answer = TypeVar("Answer")

ENTRY_OVERHEAD_BYTES = 1024
"""What an answer takes beside its body: its fingerprint, its facts, its place."""


def fingerprint(
    image: bytes, pictures: Mapping[str, bytes], options: Options, accepted: Sequence[str], model: str
) -> str:
    """32 hexadecimal digits. A picture of 12 MB takes 15 ms, so this is no work for an event loop."""
    total = hashlib.blake2b(digest_size=16)
    facts = (__version__, type(options).__name__, options.model_dump_json(), ",".join(accepted), model, *pictures)
    for fact in facts:
        total.update(_digest(fact.encode()))
    for picture in (image, *pictures.values()):
        total.update(_digest(picture))
    return total.hexdigest()


def _digest(part: bytes) -> bytes:
    """Of one part alone, so that no two lists of parts run together into the same bytes."""
    return hashlib.blake2b(part, digest_size=16).digest()


class AnswerCache(Generic[Answer]):
    """Used from one event loop, so it needs no lock. With 0 bytes it keeps nothing."""

    def __init__(self, max_bytes: int, metrics: Metrics) -> None:
        self._max_bytes = max_bytes
        self._metrics = metrics
        self._entries: OrderedDict[str, tuple[Answer, int]] = OrderedDict()
        self._bytes_in_use = 0

    @property
    def is_on(self) -> bool:
        return self._max_bytes > 0

    def get(self, key: str) -> Answer | None:
        """None where it is not there, or not any more."""
        if not self.is_on:
            return None
        found = self._entries.get(key)
        self._metrics.cache.labels("hit" if found else "miss").inc()
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: str, answer: Answer, body_bytes: int) -> None:
        """Nothing where it would not fit even alone."""
        size_bytes = body_bytes + ENTRY_OVERHEAD_BYTES
        if size_bytes > self._max_bytes:
            return
        self._forget(key)
        self._entries[key] = (answer, size_bytes)
        self._bytes_in_use += size_bytes
        while self._bytes_in_use > self._max_bytes:
            self._forget(next(iter(self._entries)))
        self._metrics.cache_bytes.set(self._bytes_in_use)

    def _forget(self, key: str) -> None:
        if key in self._entries:
            _, size_bytes = self._entries.pop(key)
            self._bytes_in_use -= size_bytes
