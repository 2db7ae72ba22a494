"""Folders for as long as their process lives. What a killed one leaves, the next service removes."""

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from service.jobs.locks import Lock, is_locked

PREFIX = "silhouette-scratch-"

SETTLED_S = 60.0
"""A folder that is younger may be about to be locked."""


class ScratchFolder:
    """Where the system keeps temporary files. Locked, so that others see that its process lives."""

    def __init__(self) -> None:
        """Raises OSError."""
        remove_left()
        self._own = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self.path = Path(self._own.name)
        self._lock = Lock(self.path)
        self._lock.take()

    def close(self) -> None:
        """It goes, with all that is in it."""
        self._own.cleanup()
        self._lock.close()


def remove_left() -> None:
    """All scratch folders whose processes are no more; none where there is no place for temporary files."""
    with contextlib.suppress(OSError):
        for folder in filter(_is_left, Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Of a process that is no more, and of the same user. Others may have removed it meanwhile."""
    try:
        told = folder.lstat()
        return told.st_uid == os.getuid() and time.time() - told.st_mtime > SETTLED_S and not is_locked(folder)
    except OSError:
        return False
