"""Which photos a command means. Looks at names and kinds of files, never into them."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.configuration_errors import ConfigurationError

STANDARD = "-"
"""Standard input where photos are named, standard output where results are."""

MOST_NAMES = 5

PHOTO, FOLDER, DANGLING = "photo", "folder", "a link to nothing"


@dataclass(frozen=True)
class Photo:
    """One photo that is to be worked on."""

    path: Path | None
    """None: standard input."""
    root: Path
    """The folder that was named, or the one in which a named file lies."""

    @property
    def place(self) -> Path:
        """Where it lies below its root."""
        return Path("stdin") if self.path is None else self.path.relative_to(self.root)

    def __str__(self) -> str:
        return STANDARD if self.path is None else str(self.path)


@dataclass
class Finds:
    """What is there."""

    photos: list[Photo] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    """Files and folders that nobody named, with why they are no photos of this command."""
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    """Photos that failed already, and folders that cannot be listed, with the reason."""


def find_photos(named: Sequence[str], recursive: bool = False, results: Path | None = None) -> Finds:
    """Files as they are, folders as the pictures in them, each once, in the order of their names.

    `results` is a folder that is not looked into. Hidden files are passed over, as are links to folders further down.
    """
    finds = Finds()
    for name in named:
        path = Path(name)
        if name == STANDARD:
            finds.photos.append(Photo(None, Path()))
        elif path.is_dir() and _is_same(path, results):
            finds.left_out.append((path, "the folder of the results"))
        elif path.is_dir():
            _look_into(path, recursive, results, finds)
        elif path.exists():
            finds.photos.append(Photo(path, path.parent))
        else:
            finds.unreadable.append((path, _why_absent(path)))
    finds.photos = _each_once(finds.photos)
    return finds


def check_some_were_found(finds: Finds) -> None:
    """Raises ConfigurationError, which says what is there instead."""
    if not finds.photos:
        absent = [f"{path}: {reason}" for path, reason in finds.unreadable]
        left_out = [tell_left_out(finds.left_out)] if finds.left_out else []
        raise ConfigurationError("; ".join(absent + left_out) or "no pictures there")


def _is_same(folder: Path, results: Path | None) -> bool:
    return results is not None and os.path.abspath(folder) == os.path.abspath(results)


def _why_absent(path: Path) -> str:
    return DANGLING if path.is_symlink() else "no such file"


def _each_once(photos: Sequence[Photo]) -> list[Photo]:
    once: dict[str, Photo] = {}
    for photo in photos:
        once.setdefault(os.path.abspath(photo.path) if photo.path else STANDARD, photo)
    return list(once.values())


def _look_into(root: Path, recursive: bool, results: Path | None, finds: Finds) -> None:
    waiting = [root]
    while waiting:
        folder, below = waiting.pop(), []
        for entry in _entries(folder, finds):
            path, kind = folder / entry.name, _kind(entry)
            if kind == PHOTO:
                finds.photos.append(Photo(path, root))
            elif kind == DANGLING:
                finds.unreadable.append((path, DANGLING))
            elif kind != FOLDER or not recursive:
                finds.left_out.append((path, kind))
            elif not _is_same(path, results):
                below.append(path)
        waiting += reversed(below)


def _entries(folder: Path, finds: Finds) -> Iterator[os.DirEntry[str]]:
    """All but the hidden ones: `._cat.jpg`, which macOS leaves on other file systems, is no picture."""
    try:
        with os.scandir(folder) as entries:
            visible = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda each: each.name)
    except OSError as error:
        finds.unreadable.append((folder, error.strerror or str(error)))
        return
    yield from visible


def _kind(entry: os.DirEntry[str]) -> str:
    """PHOTO, FOLDER, DANGLING, or what else it is."""
    from service.pixels.decode import READ_SUFFIXES  # here, for `--help` to answer without the decoders

    suffix = os.path.splitext(entry.name)[1].lower()
    try:
        if entry.is_dir():
            return "a link to a folder" if entry.is_symlink() else FOLDER
        if suffix not in READ_SUFFIXES:
            return suffix or "no suffix"
        if entry.is_file():
            return PHOTO
    except OSError:  # a link to itself
        return DANGLING
    return DANGLING if entry.is_symlink() else "no regular file"


def tell_left_out(left_out: Sequence[tuple[Path, str]]) -> str:
    """One line: how many, of which kinds, and some of their names."""
    kinds = Counter(reason for _, reason in left_out)
    counted = ", ".join(f"{kind}: {count}" for kind, count in kinds.most_common())
    names = ", ".join(path.name for path, _ in left_out[:MOST_NAMES])
    more = f" and {len(left_out) - MOST_NAMES} more" if len(left_out) > MOST_NAMES else ""
    advice = "; --recursive takes folders, too" if FOLDER in kinds else ""
    return f"left out {len(left_out)} ({counted}): {names}{more}{advice}"
