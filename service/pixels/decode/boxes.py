"""The boxes of an ISO base media file (AVIF, HEIF), as far as a still picture needs them. Decodes nothing.

Source: ISO/IEC 14496-12 (meta, iinf, iprp), ISO/IEC 23008-12 (items and their properties).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from service.models.labels import Size

MAX_BOXES = 100_000
METADATA, UNKNOWN = (b"Exif", b"mime"), b"none"


class Box(NamedTuple):
    """A part of the file: `start` to `end` is its content."""

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True)
class Items:
    """What a file says of the pictures in it."""

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    """`hvc1`, `av01`, `grid`, `Exif`, ... by item."""
    kind_places: dict[int, int] = field(default_factory=dict)
    """Where in the file that word stands."""
    properties: dict[int, tuple[Box, ...]] = field(default_factory=dict)


def brands(encoded: bytes) -> list[bytes]:
    """Of `ftyp`, the major one first; none where the file is of another kind."""
    if encoded[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(encoded[:4], "big"), 1024)
    return [encoded[8:12], *(encoded[place : place + 4] for place in range(16, end - 3, 4))]


def walk(encoded: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes of a part of the file, one after the other, up to where it is damaged."""
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", encoded, start)
        content = start + 8
        if size == 1 and start + 16 <= end:
            (size,) = struct.unpack_from(">Q", encoded, start + 8)
            content = start + 16
        last = end if size == 0 else start + size
        if last < content or last > end:
            return
        yield Box(kind, content, last)
        start = last


def read_items(encoded: bytes) -> Items:
    """Of the first `meta` box; nothing where there is none, or a damaged one."""
    try:
        return _read_items(encoded)
    except (struct.error, IndexError):
        return Items()


def without_metadata(encoded: bytes, items: Items) -> bytes:
    """The same file, whose EXIF and XMP are called by a name that nobody knows: decoders refuse a picture whose
    metadata they cannot read, and copy it for each picture of a burst."""
    renamed = bytearray(encoded)
    for item, kind in items.kinds.items():
        if kind in METADATA:
            renamed[items.kind_places[item] : items.kind_places[item] + 4] = UNKNOWN
    return bytes(renamed)


def primary_size(encoded: bytes, items: Items) -> Size | None:
    """As it is stored: what is decoded may be turned, or cut to a part. None where it is not said."""
    for box in items.properties.get(items.primary, ()):
        if box.kind == b"ispe" and box.end - box.start >= 12:
            return Size(*struct.unpack_from(">II", encoded, box.start + 4))
    return None


def primary_nclx(encoded: bytes, items: Items) -> tuple[int, int] | None:
    """The codes of primaries and transfer, ITU-T H.273. Its range is that of YUV; decoders make full-range RGB."""
    for box in items.properties.get(items.primary, ()):
        if box.kind == b"colr" and encoded[box.start : box.start + 4] == b"nclx" and box.end - box.start >= 8:
            primaries, transfer = struct.unpack_from(">HH", encoded, box.start + 4)
            return int(primaries), int(transfer)
    return None


def _read_items(encoded: bytes) -> Items:
    meta = next((box for box in walk(encoded, 0, len(encoded)) if box.kind == b"meta"), None)
    if meta is None:
        return Items()
    parts = {box.kind: box for box in walk(encoded, meta.start + 4, meta.end)}
    kinds, places = _kinds(encoded, parts.get(b"iinf"))
    return Items(_primary(encoded, parts.get(b"pitm")), kinds, places, _properties(encoded, parts.get(b"iprp")))


def _primary(encoded: bytes, box: Box | None) -> int:
    if box is None:
        return 0
    return int(struct.unpack_from(">I" if encoded[box.start] else ">H", encoded, box.start + 4)[0])


def _kinds(encoded: bytes, box: Box | None) -> tuple[dict[int, bytes], dict[int, int]]:
    kinds, places = {}, {}
    if box:
        start = box.start + (8 if encoded[box.start] else 6)
        for entry in walk(encoded, start, box.end):
            version = encoded[entry.start]
            if entry.kind == b"infe" and version >= 2:
                wide = version >= 3
                (item,) = struct.unpack_from(">I" if wide else ">H", encoded, entry.start + 4)
                place = entry.start + (10 if wide else 8)
                kinds[item], places[item] = encoded[place : place + 4], place
    return kinds, places


def _properties(encoded: bytes, box: Box | None) -> dict[int, tuple[Box, ...]]:
    if box is None:
        return {}
    parts = list(walk(encoded, box.start, box.end))
    container = next((part for part in parts if part.kind == b"ipco"), None)
    known = list(walk(encoded, container.start, container.end)) if container else []
    found: dict[int, tuple[Box, ...]] = {}
    for part in parts:
        if part.kind == b"ipma":
            for item, numbers in _associations(encoded, part):
                found[item] = tuple(known[number - 1] for number in numbers if 0 < number <= len(known))
    return found


def _associations(encoded: bytes, box: Box) -> Iterator[tuple[int, list[int]]]:
    """Each item and the numbers of its properties, the first being 1."""
    is_wide_item, is_wide_number = encoded[box.start] > 0, encoded[box.start + 3] & 1
    (entries,) = struct.unpack_from(">I", encoded, box.start + 4)
    place = box.start + 8
    for _ in range(min(entries, MAX_BOXES)):
        (item,) = struct.unpack_from(">I" if is_wide_item else ">H", encoded, place)
        place += 4 if is_wide_item else 2
        count = encoded[place]
        numbers = struct.unpack_from(f">{count}{'H' if is_wide_number else 'B'}", encoded, place + 1)
        place += 1 + count * (2 if is_wide_number else 1)
        yield item, [number & (0x7FFF if is_wide_number else 0x7F) for number in numbers]
