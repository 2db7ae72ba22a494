"""Answers of other services: found in what they share, behind the cache that each has itself."""

import asyncio
import json
import struct

from service.engine.request import Answer
from service.shared import SharedStore
from service.telemetry.metrics import Metrics

HEAD_LENGTH = struct.Struct("<I")

MOST_WRITES = 16
"""At once. What comes when there are more is not kept: nobody waits for it, and each has an answer in memory."""


class SharedAnswers:
    """Without a store it finds nothing and keeps nothing."""

    def __init__(self, store: SharedStore | None, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics
        self._writing: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> Answer | None:
        """None where it is not there, or cannot be asked."""
        if self._store is None:
            return None
        kept = await self._store.answer(key)
        self._metrics.cache.labels("shared_miss" if kept is None else "shared_hit").inc()
        return None if kept is None else unpacked(kept)

    def put(self, key: str, answer: Answer) -> None:
        """By and by."""
        if self._store is None or len(self._writing) >= MOST_WRITES:
            return
        writing = asyncio.create_task(self._store.keep_answer(key, packed(answer)))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    async def written(self) -> None:
        """Until what was put is there, or cannot be."""
        await asyncio.gather(*self._writing)


def packed(answer: Answer) -> bytes:
    head = json.dumps(answer.facts()).encode()
    return b"".join((HEAD_LENGTH.pack(len(head)), head, answer.body))


def unpacked(kept: bytes) -> Answer:
    (length,) = HEAD_LENGTH.unpack_from(kept)
    begin = HEAD_LENGTH.size + length
    return Answer.of(kept[begin:], json.loads(kept[HEAD_LENGTH.size : begin]))
