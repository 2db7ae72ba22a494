"""What lies on disk for a job."""

import contextlib
import errno
import sqlite3
from pathlib import Path

from service.errors import StorageFull

FULL = (errno.ENOSPC, errno.EDQUOT)


def check_disk(error: BaseException | None) -> None:
    """Raises StorageFull where that is what `error` comes of."""
    of_files = isinstance(error, OSError) and error.errno in FULL
    of_rows = isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    if isinstance(error, StorageFull):
        raise error  # which says already what is full: the disk, or Redis
    if of_files or of_rows:
        raise StorageFull("the disk that has the jobs is full") from error


def size_of(folder: Path) -> int:
    """Bytes of all files below."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # it went meanwhile
            total += path.stat().st_size if path.is_file() else 0
    return total


def keep_only(folder: Path, name: str) -> None:
    """All other files go."""
    with contextlib.suppress(FileNotFoundError):  # the folder went meanwhile
        for path in folder.iterdir():
            if path.name != name:
                path.unlink(missing_ok=True)
