"""Pixels and scores on their way between the service and a worker: in memory that both have mapped, never pickled.

The memory has no name, so whoever is killed, the system frees it with the last of both. It is reserved when it is made:
taken page by page as it is written, too little of it would end the process with SIGBUS in the middle of a batch.
"""

import math
import mmap
import os
import tempfile
from collections.abc import Callable, Sequence
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.configuration_errors import WorkerFailed
from service.models.labels import Scores
from service.models.store import ModelCard

ALIGNMENT_BYTES = 64  # a cache line

HEAD_BYTES = ALIGNMENT_BYTES
"""Of a slot: height and width of the picture in it. Of the first also whether its batch was begun."""

BEGUN_OFFSET = 2 * np.dtype(np.int32).itemsize

BYTES_PER_MB = 1_000_000


class Slots:
    """Places for the images of one batch and for their scores, as large as the largest model needs.

    Pickled only as an argument of a new process, which gets its own handle of the same memory.
    """

    def __init__(self, handle: int, cards: Sequence[ModelCard]) -> None:
        """Takes over the open file `handle`, and closes it in the end."""
        self._handle = handle
        self._cards = cards
        self._memory = mmap.mmap(handle, 0)
        self._pixels_bytes = _aligned(max(map(_pixels_bytes, cards)))
        self._slot_bytes = slot_bytes(cards)

    @classmethod
    def create(cls, cards: Sequence[ModelCard], count: int) -> "Slots":
        """Raises WorkerFailed where there is not so much memory, and OSError."""
        handle = reserve(slot_bytes(cards) * count)
        try:
            return cls(handle, cards)
        except OSError:
            os.close(handle)
            raise

    def __reduce__(self) -> "tuple[Callable[..., Slots], tuple[Any, Sequence[ModelCard]]]":
        return _attach, (DupFd(self._handle), self._cards)

    def pixels(self, card: ModelCard, slot: int) -> NDArray[np.uint8]:
        """(h, w, 3), a view: valid until `close`."""
        offset = slot * self._slot_bytes + HEAD_BYTES
        return np.ndarray((*self._shown(card, slot), 3), np.uint8, self._memory, offset)

    def scores(self, card: ModelCard, slot: int) -> Scores:
        """(C, h, w), a view: valid until `close`."""
        offset = slot * self._slot_bytes + HEAD_BYTES + self._pixels_bytes
        return np.ndarray(card.scores_of(*self._shown(card, slot)), np.float32, self._memory, offset)

    def put(self, card: ModelCard, pictures: "Sequence[NDArray[np.uint8]]") -> None:
        """The images of one batch, each (h, w, 3), in their order. Raises ValueError where one is too large."""
        self._begun[0] = 0
        for slot, pixels in enumerate(pictures):
            if pixels.nbytes > _pixels_bytes(card):
                raise ValueError(f"{card.name} sees no picture of {pixels.shape[1]}x{pixels.shape[0]}")
            self._head(slot)[:] = pixels.shape[:2]
            self.pixels(card, slot)[:] = pixels

    def begin(self) -> None:
        """Said by the worker: from now on what happens to it may be the batch's fault."""
        self._begun[0] = 1

    @property
    def has_begun(self) -> bool:
        """True also where the worker is dead."""
        return bool(self._begun[0])

    @property
    def _begun(self) -> NDArray[np.int32]:
        return np.ndarray(1, np.int32, self._memory, BEGUN_OFFSET)

    def _shown(self, card: ModelCard, slot: int) -> tuple[int, int]:
        """(h, w) of the picture in it: what the card says, or the slot's head where that says many."""
        if card.input.longest is None:
            return card.input.height, card.input.width
        height, width = self._head(slot).tolist()
        return height, width

    def _head(self, slot: int) -> NDArray[np.int32]:
        return np.ndarray(2, np.int32, self._memory, slot * self._slot_bytes)

    def take_scores(self, card: ModelCard, count: int) -> list[Scores]:
        """Copies, (C, h, w) each: the next batch may come."""
        return [self.scores(card, slot).copy() for slot in range(count)]

    def close(self) -> None:
        self._memory.close()
        os.close(self._handle)


def _attach(handle: Any, cards: Sequence[ModelCard]) -> Slots:
    """In the new process."""
    return Slots(handle.detach(), cards)


def reserve(size_bytes: int) -> int:
    """An open file without a name, that long, and all of it there.

    Raises WorkerFailed where there is not so much memory, and OSError where there can be no such file.
    """
    handle = _open_nameless()
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, size_bytes)
        else:  # macOS has no call that reserves
            os.ftruncate(handle, size_bytes)
    except OSError as error:
        os.close(handle)
        needed_mb = -(-size_bytes // BYTES_PER_MB)
        raise WorkerFailed(
            f"each worker needs {needed_mb} MB of memory for the pictures and scores of one batch, and the system does "
            f"not give it ({error.strerror}): allow the service more memory, or lower SILHOUETTE_MAX_BATCH_SIZE or "
            "SILHOUETTE_WORKERS"
        ) from error
    return handle


def _open_nameless() -> int:
    """In memory where the system has such files: those are not bounded by the size of /dev/shm, 64 MB with Docker."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("silhouette-slots")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def slot_bytes(cards: Sequence[ModelCard]) -> int:
    """What one image and its scores take, at most."""
    return HEAD_BYTES + _aligned(max(map(_pixels_bytes, cards))) + _aligned(max(map(_scores_bytes, cards)))


def _pixels_bytes(card: ModelCard) -> int:
    width, height = card.input.most
    return height * width * 3


def _scores_bytes(card: ModelCard) -> int:
    across, down = card.input.most
    lying, standing = card.scores_of(down, across), card.scores_of(across, down)
    channels, height, width = max(lying, standing, key=math.prod)
    return channels * height * width * np.dtype(np.float32).itemsize


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
