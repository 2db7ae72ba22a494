"""Where each photo's result goes. The same command always means the same places, so that it can be resumed."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from service.cli.files.scan import STANDARD, Photo
from service.configuration_errors import ConfigurationError
from service.operations import OPERATIONS
from service.operations.options import Format

RESULT_FORMATS: dict[str, Format] = {
    ".png": "png",
    ".webp": "webp",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".json": "json",
    ".npz": "npz",
    ".zip": "zip",
}
"""What the suffix of --out chooses."""

SUFFIXES: dict[Format, str] = {format_: suffix for suffix, format_ in reversed(RESULT_FORMATS.items())}
"""What results are called where no name was given."""


@dataclass(frozen=True)
class Item:
    """One photo, and where its result goes."""

    photo: Photo
    target: Path | None
    """None: standard output."""


class Destination(Protocol):
    """What --out means."""

    @property
    def told(self) -> str:
        """Where the results are, to end a sentence."""

    def items(self, photos: Sequence[Photo], suffix: str) -> list[Item]:
        """The photos in their order, results with `suffix`."""


class StandardOutput:
    """The bytes of one result, and nothing else."""

    told = "on standard output"

    def items(self, photos: Sequence[Photo], suffix: str) -> list[Item]:
        return [Item(photo, None) for photo in photos]


@dataclass(frozen=True)
class OneFile:
    """The result of one photo, under a name that was given."""

    path: Path

    @property
    def told(self) -> str:
        return f"as {self.path}"

    @property
    def format(self) -> Format | None:
        """What the name asks for. Raises ConfigurationError for a suffix of something else."""
        suffix = self.path.suffix.lower()
        if suffix and suffix not in RESULT_FORMATS:
            known = ", ".join(RESULT_FORMATS)
            raise ConfigurationError(f"--out {self.path}: results end in {known}; the name of a folder ends in /")
        return RESULT_FORMATS.get(suffix)

    def items(self, photos: Sequence[Photo], suffix: str) -> list[Item]:
        return [Item(photo, self.path) for photo in photos]


@dataclass(frozen=True)
class Folder:
    """Results lie as their photos do below the folder that was named."""

    path: Path

    @property
    def told(self) -> str:
        return f"in {self.path}"

    def items(self, photos: Sequence[Photo], suffix: str) -> list[Item]:
        """Where photos of several folders have the same name: as they do below the folder that all have in common."""
        places = [photo.place for photo in photos]
        if _meet(photos):
            common = os.path.commonpath([os.path.abspath(photo.root) for photo in photos])
            places = [Path(os.path.relpath(photo.root, common), photo.place) for photo in photos]
        return [
            Item(photo, self.path / name.with_name(name.name + suffix))
            for photo, name in zip(photos, short_names(places), strict=True)
        ]


@dataclass(frozen=True)
class Beside:
    """Each result lies beside its photo, as NAME-OPERATION.EXT."""

    operation: str
    told = "beside them"

    def items(self, photos: Sequence[Photo], suffix: str) -> list[Item]:
        paths = [photo.path for photo in photos if photo.path is not None]
        if len(paths) < len(photos):
            raise ConfigurationError("what comes in on standard input beside other photos needs --out FOLDER/")
        return [
            Item(photo, name.with_name(f"{name.name}-{self.operation}{suffix}"))
            for photo, name in zip(photos, short_names(paths), strict=True)
        ]


def choose_destination(out: str | None, named: Sequence[str], operation: str) -> Destination:
    """What `out` means for the photos and folders that were `named`. Raises ConfigurationError."""
    is_lone = len(named) == 1 and not Path(named[0]).is_dir()
    if out is None:
        return StandardOutput() if list(named) == [STANDARD] else Beside(operation)
    if out == STANDARD:
        if not is_lone:
            raise ConfigurationError("--out -: only the result of one photo can go to standard output")
        return StandardOutput()
    return _file_or_folder(out, is_lone)


def _file_or_folder(out: str, is_lone: bool) -> Destination:
    path = Path(out)
    if out.endswith(("/", os.sep)) or path.is_dir():
        return Folder(path)
    if is_lone and (path.suffix or path.exists()):
        return OneFile(path)
    if path.exists() or path.suffix.lower() in RESULT_FORMATS:
        raise ConfigurationError(f"--out {out}: several photos need a folder, whose name ends in /")
    return Folder(path)


def _meet(photos: Iterable[Photo]) -> bool:
    """True where photos of several roots would get the same name."""
    by_root = {(photo.root, _key(_stem(photo.place))) for photo in photos}
    return len({name for _, name in by_root}) < len(by_root)


def short_names(places: Sequence[Path]) -> list[Path]:
    """Without suffixes, each another: `cat` for cat.jpg; `cat.jpg` where cat.png is there as well."""
    names = [_stem(place) for place in places]
    while clashing := _clashing(names, places):
        for index in clashing:
            names[index] = places[index]
    return names


def _clashing(names: Sequence[Path], places: Sequence[Path]) -> list[int]:
    """Which names are still short and not the only ones of their kind."""
    times = Counter(map(_key, names))
    return [index for index, name in enumerate(names) if times[_key(name)] > 1 and name != places[index]]


def _stem(place: Path) -> Path:
    return place.with_name(place.stem)


def _key(path: Path) -> str:
    """The same for two names that some file system takes for one."""
    return os.path.abspath(path).casefold()


def earlier_results(photos: Sequence[Photo]) -> set[Path]:
    """Those that `Beside` made of others of them: a second run must not take them for photos."""
    there = {_key(name) for photo in photos if photo.path for name in (photo.path, _stem(photo.path))}
    return {photo.path for photo in photos if photo.path and any(_key(name) in there for name in _origins(photo.path))}


def _origins(path: Path) -> list[Path]:
    """`cat` for cat-segment.png; nothing for what no operation is called after."""
    names = [path.stem.removesuffix(f"-{operation}") for operation in OPERATIONS]
    return [path.with_name(name) for name in names if name and name != path.stem]


def check_nothing_is_overwritten(items: Sequence[Item], pictures: Collection[Path]) -> None:
    """Raises ConfigurationError where a result would take the place of what is read."""
    targets = {identity: item.target for item in items if (identity := _identity(item.target))}
    for path in (*pictures, *(item.photo.path for item in items)) if targets else ():
        identity = _identity(path)
        if identity in targets:
            raise ConfigurationError(f"{path} would be overwritten by {targets[identity]}: choose another --out")


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Of a file that is there: links to it have the same."""
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None
