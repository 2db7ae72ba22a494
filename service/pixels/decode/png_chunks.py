"""Takes a PNG apart and puts it together again without its metadata.

Pillow refuses the picture for a text or a profile over a megabyte, for EXIF it cannot read and for a wrong checksum of
any chunk before the pixels; what is not pixels must not cost the picture.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from service.errors import UndecodableImage
from service.pixels.png_format import PALETTE, SIGNATURE, checksum, chunk

MAX_CHUNKS = 200_000
"""A real file of 32 MB has some thousands. Walking so many takes 0.2 s."""
KEPT = frozenset((b"IHDR", b"PLTE", b"tRNS", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"acTL"))
CRITICAL = frozenset((b"IHDR", b"PLTE"))
"""A wrong checksum of one of these is a damaged picture. Pixels carry another checksum inside."""
RAW_EXIF = b"Raw profile type exif\0\0"
"""The keyword, and deflate, of a text chunk in which ImageMagick kept EXIF before there was a chunk for it."""


class ImageHeader(NamedTuple):
    """IHDR."""

    width: int
    height: int
    depth: int
    colour_type: int
    compression: int
    filters: int
    interlace: int


@dataclass(frozen=True)
class Png:
    """The chunks of a PNG that matter."""

    header: ImageHeader
    chunks: dict[bytes, bytes] = field(default_factory=dict)
    """Of each kind, the first whose checksum is right."""
    pixels: tuple[memoryview, ...] = ()
    """IDAT: parts of one zlib stream."""

    @property
    def frames(self) -> int:
        animation = self.chunks.get(b"acTL", b"")
        return max(1, int.from_bytes(animation[:4], "big")) if len(animation) == 8 else 1


def take_apart(encoded: bytes) -> Png:
    """Raises UndecodableImage where a chunk that a picture cannot do without is damaged or missing."""
    chunks: dict[bytes, bytes] = {}
    pixels: list[memoryview] = []
    for kind, content, is_whole in _walk(encoded):
        if kind == b"IDAT":
            pixels.append(content)
        elif kind in CRITICAL and not is_whole:
            raise UndecodableImage(f"a PNG whose {kind.decode()} chunk is damaged")
        elif is_whole and (kind in KEPT or content[: len(RAW_EXIF)] == RAW_EXIF):
            chunks.setdefault(kind, bytes(content))
    if len(chunks.get(b"IHDR", b"")) != 13:
        raise UndecodableImage("a PNG without a header")
    return Png(ImageHeader(*struct.unpack(">IIBBBBB", chunks[b"IHDR"])), chunks, tuple(pixels))


def _walk(encoded: bytes) -> Iterator[tuple[bytes, memoryview, bool]]:
    """Each chunk's kind, content and whether its checksum is right; of the last one, as much as there is."""
    view, place = memoryview(encoded), len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if place + 8 > len(view):
            return
        length, kind = struct.unpack_from(">I4s", view, place)
        content = view[place + 8 : place + 8 + length]
        place += 8 + length + 4
        if kind == b"IEND" or not kind.isalpha():
            return
        yield kind, content, kind == b"IDAT" or _checksum_is_right(view, kind, content, place)


def _checksum_is_right(view: memoryview, kind: bytes, content: memoryview, end: int) -> bool:
    expected = view[end - 4 : end]
    return len(expected) == 4 and checksum(kind, content) == int.from_bytes(expected, "big")


def put_together(png: Png, header: ImageHeader) -> bytes:
    """A PNG of the same pixels, palette included, under `header`, whatever was or was not behind them."""
    parts = [SIGNATURE, chunk(b"IHDR", struct.pack(">IIBBBBB", *header))]
    if header.colour_type == PALETTE:
        parts += [chunk(kind, png.chunks[kind]) for kind in (b"PLTE", b"tRNS") if kind in png.chunks]
    parts += [chunk(b"IDAT", b"".join(png.pixels)), chunk(b"IEND", b"")]
    return b"".join(parts)


def inflated(stream: bytes, most: int) -> bytes | None:
    """What zlib packed; None where it is damaged or longer than `most` bytes."""
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(stream, most)
    except zlib.error:
        return None
    return content if inflater.eof else None
