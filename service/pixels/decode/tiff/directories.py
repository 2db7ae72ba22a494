"""The directories of a TIFF or BigTIFF: which pages there are and what is said of each. Decodes nothing.

Source: TIFF 6.0; BigTIFF as libtiff defines it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_PAGES = 10_000
"""Walking so many takes 0.3 s; pages beyond are not counted."""
MAX_SUB_DIRECTORIES = 32
REDUCED, MASK, OLD_REDUCED = 1, 4, 2
"""Bits of NewSubfileType, and the SubfileType of old."""


class Tag(IntEnum):
    """Those that matter here."""

    NEW_SUBFILE_TYPE = 254
    SUBFILE_TYPE = 255
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    MAKE = 271
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    SAMPLES = 277
    ROWS_PER_STRIP = 278
    STRIP_BYTES = 279
    PLANAR = 284
    T4_OPTIONS = 292
    T6_OPTIONS = 293
    PREDICTOR = 317
    PALETTE = 320
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_BYTES = 325
    SUB_DIRECTORIES = 330
    EXTRA_SAMPLES = 338
    SAMPLE_FORMAT = 339
    SAMPLE_MIN = 340
    SAMPLE_MAX = 341
    JPEG_TABLES = 347
    PROFILE = 34675
    DNG_VERSION = 50706


KINDS = {1: "u1", 2: "u1", 3: "u2", 4: "u4", 6: "i1", 7: "u1", 8: "i2", 9: "i4", 11: "f4", 12: "f8", 13: "u4"} | {
    16: "u8",
    17: "i8",
    18: "u8",
}
"""numpy's name of each type of value; fractions are not needed here."""


class Shape(NamedTuple):
    """How a file writes its numbers and its entries."""

    order: Literal["<", ">"]
    offset: str
    """Of the type of a place in the file: I, or Q in a BigTIFF."""
    entries: str
    """Of the type of the number of entries: H or Q."""

    @property
    def entry_bytes(self) -> int:
        return 12 if self.offset == "I" else 20


SHAPES = {
    b"II*\0": Shape("<", "I", "H"),
    b"MM\0*": Shape(">", "I", "H"),
    b"II+\0": Shape("<", "Q", "Q"),
    b"MM\0+": Shape(">", "Q", "Q"),
}
"""By the first four bytes."""


@dataclass(frozen=True)
class Directory:
    """One page: its entries, as they stand in the file."""

    encoded: bytes
    shape: Shape
    entries: dict[int, bytes]
    """In full, by tag; of several with one tag, the first."""
    next: int
    """Where the next one is; 0 where there is none."""

    def values(self, tag: Tag, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The numbers of an entry; `default` where there is none."""
        content = self.content(tag)
        return default if content is None else tuple(content.tolist())

    def value(self, tag: Tag, default: int = 0) -> int:
        """The first of them."""
        content = self.content(tag)
        return default if content is None or not len(content) else int(content[0])

    def content(self, tag: Tag) -> NDArray[Any] | None:
        """Of an entry, as an array of its own type. None where there is none, or none that holds numbers, or one that
        points out of the file: what is damaged counts as left out."""
        entry = self.entries.get(tag)
        if entry is None:
            return None
        kind, count = struct.unpack_from(f"{self.shape.order}H{self.shape.offset}", entry, 2)
        if kind not in KINDS:
            return None
        type_ = np.dtype(KINDS[kind]).newbyteorder(self.shape.order)
        place = 4 + struct.calcsize(self.shape.offset)
        if count * type_.itemsize <= len(entry) - place:
            return np.frombuffer(entry, type_, count, place)
        (start,) = struct.unpack_from(self.shape.order + self.shape.offset, entry, place)
        if start + count * type_.itemsize > len(self.encoded):
            return None
        return np.frombuffer(self.encoded, type_, count, start)


def is_tiff(encoded: bytes) -> bool:
    return encoded[:4] in SHAPES


def pages(encoded: bytes) -> list[Directory]:
    """The chain of directories, up to where it ends, is damaged or bites its own tail."""
    shape = SHAPES[encoded[:4]]
    place = 4 if shape.offset == "I" else 8
    seen: set[int] = set()
    found: list[Directory] = []
    start = _number(encoded, shape, place)
    while start and start not in seen and len(found) < MAX_PAGES:
        seen.add(start)
        directory = read_directory(encoded, shape, start)
        if directory is None:
            break
        found.append(directory)
        start = directory.next
    return found


def is_reduced(page: Directory) -> bool:
    """Whether it says of itself that it is a smaller copy, or the mask, of another."""
    new, old = page.value(Tag.NEW_SUBFILE_TYPE), page.value(Tag.SUBFILE_TYPE)
    return bool(new & (REDUCED | MASK)) or old == OLD_REDUCED


def sub_directories(page: Directory) -> Iterator[Directory]:
    """What a page has of itself: other sizes, or the data of a sensor."""
    for start in page.values(Tag.SUB_DIRECTORIES)[:MAX_SUB_DIRECTORIES]:
        directory = read_directory(page.encoded, page.shape, start)
        if directory is not None:
            yield directory


def read_directory(encoded: bytes, shape: Shape, start: int) -> Directory | None:
    """None where it is not in the file."""
    try:
        (count,) = struct.unpack_from(shape.order + shape.entries, encoded, start)
    except struct.error:
        return None
    first = start + struct.calcsize(shape.entries)
    end = first + count * shape.entry_bytes
    if end > len(encoded):
        return None
    entries: dict[int, bytes] = {}
    for place in range(first, end, shape.entry_bytes):
        entry = encoded[place : place + shape.entry_bytes]
        entries.setdefault(int.from_bytes(entry[:2], "little" if shape.order == "<" else "big"), entry)
    return Directory(encoded, shape, entries, _number(encoded, shape, end))


def _number(encoded: bytes, shape: Shape, place: int) -> int:
    """0 where the file ends before it."""
    try:
        return int(struct.unpack_from(shape.order + shape.offset, encoded, place)[0])
    except struct.error:
        return 0
