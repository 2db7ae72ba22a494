"""What lies on disk for a job."""

import contextlib
from pathlib import Path


def size_of(folder: Path) -> int:
    """Bytes of all files below."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # it went meanwhile
            total += path.stat().st_size if path.is_file() else 0
    return total


def keep_only(folder: Path, name: str) -> None:
    """All other files go."""
    for path in folder.iterdir():
        if path.name != name:
            path.unlink(missing_ok=True)
