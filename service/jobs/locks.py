"""Which process has a file or a folder. A lock ends with its process, however that ends."""

import fcntl
import os
from pathlib import Path


class Lock:
    """On what lies at a path."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where nothing lies there."""
        self._descriptor: int | None = os.open(path, os.O_RDONLY)

    def take(self) -> bool:
        """Whether it is ours; False while another one has it."""
        assert self._descriptor is not None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """It is not ours from now on."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(path: Path) -> bool:
    """Whether somebody has what lies there; nobody where nothing does."""
    try:
        lock = Lock(path)
    except FileNotFoundError:
        return False
    try:
        return not lock.take()
    finally:
        lock.close()
