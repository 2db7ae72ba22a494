"""Weights as an engine reads them, made by the first process that wants them, for all that were given the same memory.

The memory has no name: the system frees it with the last process that has it. Whoever makes the weights seals it when
they are whole, and nobody can write to it after that. Who dies before leaves it unsealed, and the next one begins anew.
Linux only.
"""

import fcntl
import mmap
import os
import weakref
from collections.abc import Callable
from multiprocessing.reduction import DupFd
from typing import Any, TypeVar

import numpy as np

from service.kernels.arena import Arena

MOST_BYTES = 1 << 30
"""Of addresses."""

Network = TypeVar("Network")


class SharedWeights:
    """Of one model. Pickled only as an argument of a new process, which gets its own handle of the same memory."""

    def __init__(self, handle: int) -> None:
        """Takes over the open file `handle`, and closes it in the end."""
        self._handle = handle
        weakref.finalize(self, os.close, handle)

    @classmethod
    def create(cls) -> "SharedWeights":
        """Raises OSError where there can be no such file."""
        return cls(os.memfd_create("silhouette-weights", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))

    def __reduce__(self) -> "tuple[Callable[[Any], SharedWeights], tuple[Any]]":
        return _attach, (DupFd(self._handle),)

    def lay_out(self, network: Callable[[Arena], Network]) -> Network:
        """What `network` makes of an arena that is filled, and for reading only.

        Before, if nobody has filled it yet, `network` is asked to, and what it returns is forgotten: so it takes the
        same arrays each time, in any process.
        """
        with open(f"/proc/self/fd/{self._handle}", "rb") as alone:  # a lock belongs to those who share one `open`
            fcntl.flock(alone, fcntl.LOCK_EX)
            if not self.is_sealed:
                os.ftruncate(self._handle, MOST_BYTES)
                os.ftruncate(self._handle, self._filled_bytes(network))
                fcntl.fcntl(self._handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK)
        memory = mmap.mmap(self._handle, 0, prot=mmap.PROT_READ)
        return network(Arena(np.frombuffer(memory, np.uint8), is_filled=True))

    @property
    def is_sealed(self) -> bool:
        """Whether the weights are there."""
        return bool(fcntl.fcntl(self._handle, fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE)

    def _filled_bytes(self, network: Callable[[Arena], object]) -> int:
        """When this has returned nothing points to the memory any more, or it could not be sealed."""
        arena = Arena(np.frombuffer(mmap.mmap(self._handle, 0), np.uint8))
        network(arena)
        return arena.used_bytes


def _attach(handle: Any) -> SharedWeights:
    """In the new process."""
    return SharedWeights(handle.detach())
