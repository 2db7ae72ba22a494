"""What crosses between the service and a worker: pixels and scores in shared memory, short messages in a pipe.

Nothing of a request is ever pickled. The shared block loses its name as soon as both sides have it, so whoever is
killed, the system frees it with the last of them.
"""

import json
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.models.labels import Scores
from service.models.store import ModelCard

ALIGNMENT_BYTES = 64  # a cache line


class Slots:
    """Places for the images of one batch and for their scores, as large as the largest model needs."""

    def __init__(self, memory: SharedMemory, cards: Sequence[ModelCard]) -> None:
        self._memory = memory
        self._pixels_bytes = _aligned(max(_pixels_bytes(card) for card in cards))
        self._slot_bytes = self._pixels_bytes + _aligned(max(_scores_bytes(card) for card in cards))

    @classmethod
    def create(cls, cards: Sequence[ModelCard], count: int) -> "Slots":
        slot_bytes = _aligned(max(map(_pixels_bytes, cards))) + _aligned(max(map(_scores_bytes, cards)))
        return cls(SharedMemory(create=True, size=slot_bytes * count), cards)

    @classmethod
    def attach(cls, name: str, cards: Sequence[ModelCard]) -> "Slots":
        return cls(SharedMemory(name), cards)

    @property
    def name(self) -> str:
        return self._memory.name

    def pixels(self, card: ModelCard, slot: int) -> NDArray[np.uint8]:
        """(h, w, 3), a view: valid until `close`."""
        shape = (card.input.height, card.input.width, 3)
        return np.ndarray(shape, np.uint8, self._memory.buf, slot * self._slot_bytes)

    def scores(self, card: ModelCard, slot: int) -> Scores:
        """(C, h, w), a view: valid until `close`."""
        offset = slot * self._slot_bytes + self._pixels_bytes
        return np.ndarray(card.score_shape, np.float32, self._memory.buf, offset)

    def forget_name(self) -> None:
        """Both sides have the block; from here on it lives only as long as they do."""
        self._memory.unlink()

    def close(self) -> None:
        self._memory.close()


def _pixels_bytes(card: ModelCard) -> int:
    return card.input.height * card.input.width * 3


def _scores_bytes(card: ModelCard) -> int:
    channels, height, width = card.score_shape
    return channels * height * width * np.dtype(np.float32).itemsize


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


Message = dict[str, Any]


def send(connection: "Connection[Any, Any]", **message: Any) -> None:
    connection.send_bytes(json.dumps(message).encode())


def receive(connection: "Connection[Any, Any]") -> Message:
    """Blocks. Raises EOFError when the other side is gone."""
    message: Message = json.loads(connection.recv_bytes())
    return message
