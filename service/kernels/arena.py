"""One piece of memory from which arrays are taken, one after the other."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

ALIGNMENT = 64
"""Bytes: a cache line."""


class Arena:
    """Its arrays lie one behind the other, each from a cache line on. What is never written to takes no memory."""

    def __init__(self, memory: Bytes, is_filled: bool = False) -> None:
        """`memory` begins at a cache line. It may be for reading alone where it `is_filled`."""
        self._memory = memory
        self.is_filled = is_filled
        """What its arrays are to hold is there already."""
        self.used_bytes = 0
        """Whoever sets it back gives the arrays behind it up."""

    @classmethod
    def of_zeros(cls, most_bytes: int) -> "Arena":
        return cls(aligned(most_bytes))

    def take(self, shape: tuple[int, ...], dtype: type[np.generic] = np.uint8) -> NDArray[Any]:
        """Raises ValueError where there is not so much memory."""
        start, count = self.used_bytes, math.prod(shape) * np.dtype(dtype).itemsize
        array = self._memory[start : start + count].view(dtype).reshape(shape)
        self.used_bytes += -(-count // ALIGNMENT) * ALIGNMENT
        return array


def aligned(count: int) -> Bytes:
    """`count` zeros that begin at a cache line, on pages that are taken when they are written to."""
    room = np.zeros(count + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + count]
