"""Where a model is put together before it is in the store. What a killed command leaves there, the next one removes."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = ".adding-"

REPLACED = ".replaced"
"""What the new model takes the place of; no model has such a name."""


@contextlib.contextmanager
def staging(store: Path, name: str) -> Iterator[Path]:
    """An empty folder, which is the model `name` once the block has ended well, also where there is one already."""
    with contextlib.ExitStack() as held:
        with locked(store):  # so that nobody takes for left what is not locked yet
            _remove_left(store)
            made = tempfile.TemporaryDirectory(prefix=PREFIX, dir=store, ignore_cleanup_errors=True)
            whole = Path(held.enter_context(made))
            held.enter_context(locked(whole))
        folder = whole / name
        folder.mkdir()
        yield folder
        if (store / name).exists():
            (store / name).rename(whole / REPLACED)
        folder.rename(store / name)


@contextlib.contextmanager
def locked(folder: Path, how: int = 0) -> Iterator[None]:
    """Nobody else has it as long as the block lasts, nor later than its process does. Waits, unless `how` says not to.

    Raises OSError.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(descriptor)


def _remove_left(store: Path) -> None:
    for folder in store.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), locked(folder, fcntl.LOCK_NB):
            _put_back(folder, store)
            shutil.rmtree(folder)


def _put_back(folder: Path, store: Path) -> None:
    """The model that was to be replaced, where the command died before the other one was in its place."""
    replaced = folder / REPLACED
    for other in folder.iterdir():
        if replaced.exists() and other != replaced and not (store / other.name).exists():
            replaced.rename(store / other.name)
