"""Strips and tiles of a TIFF page, decompressed to rows of bytes. Knows no samples.

libtiff decompresses, through Pillow: it gets the bytes of strips as a file of their own that calls them grey of 8 bits,
so that it neither judges nor changes what is in them.
"""

import contextlib
import ctypes
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin, _imaging

from service.errors import TruncatedImage, UndecodableImage
from service.pixels.decode.tiff.directories import Directory, Tag
from service.pixels.decode.tiff.layout import PLANES, Layout

UNCOMPRESSED = 1
OF_BYTES = frozenset((UNCOMPRESSED, 5, 8, 32773, 32946, 34925, 50000))
"""Compressions that do not care what the bytes are: none, LZW, Deflate, PackBits, Deflate (old), LZMA, Zstandard."""
BAND_BYTES = 4 << 20
"""So much is decompressed at once, where strips are small."""
MAX_ROW_BYTES = 1 << 28
SLACK_BYTES = 1024
"""No compression makes a strip twice as long and so much more. A hostile file says that each is the whole file."""

Bytes = NDArray[np.uint8]


def held_bytes(layout: Layout) -> int:
    """The most that decompressed strips take at a time: twice, as bytes and as samples, and odd bits 32 times."""
    at_once = layout.row_bytes * layout.segment.height * (layout.samples if layout.planar == PLANES else 1)
    if layout.is_tiled:
        at_once *= -(-layout.size.width // max(1, layout.segment.width))
    return 2 * at_once


@dataclass(frozen=True)
class Band:
    """Of each plane (rows, row_bytes): rows of the picture from `top` on, or a row of tiles, one under the other."""

    top: int
    planes: tuple[Bytes, ...]


def bands(page: Directory, layout: Layout) -> Iterator[Band]:
    """From top to bottom. Raises TruncatedImage where strips are missing."""
    quiet_libtiff()
    if not 0 < layout.row_bytes <= MAX_ROW_BYTES or layout.segment.height <= 0:
        raise UndecodableImage("a TIFF whose strips have no sensible size")
    offsets, counts = _places(page, layout)
    across = -(-layout.size.width // layout.segment.width)
    down = -(-layout.size.height // layout.segment.height)
    planes = layout.samples if layout.planar == PLANES else 1
    if len(offsets) < across * down * planes:
        raise TruncatedImage("a TIFF some of whose strips are missing")
    step = 1 if layout.is_tiled else max(1, BAND_BYTES // (layout.row_bytes * layout.segment.height))
    for first in range(0, down, step):
        many = across * (min(first + step, down) - first)
        starts = (across * (plane * down + first) for plane in range(planes))
        rows = _rows(layout, first, many)
        yield Band(
            first * layout.segment.height,
            tuple(_decompressed(page, layout, offsets[at : at + many], counts[at : at + many], rows) for at in starts),
        )


def _rows(layout: Layout, first: int, many: int) -> int:
    """Of so many strips, the last of which may be short, or of so many tiles, which are all whole."""
    if layout.is_tiled:
        return many * layout.segment.height
    return min(many * layout.segment.height, layout.size.height - first * layout.segment.height)


def _places(page: Directory, layout: Layout) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where each strip begins, and its length."""
    offsets = page.values(Tag.TILE_OFFSETS if layout.is_tiled else Tag.STRIP_OFFSETS)
    counts = page.values(Tag.TILE_BYTES if layout.is_tiled else Tag.STRIP_BYTES)
    if len(counts) < len(offsets):  # left out by old writers, of files with one strip
        counts = (*counts, *(len(page.encoded) - offset for offset in offsets[len(counts) :]))
    return offsets, counts


def _decompressed(
    page: Directory, layout: Layout, offsets: tuple[int, ...], counts: tuple[int, ...], rows: int
) -> Bytes:
    """(rows, row_bytes)."""
    strip_bytes = layout.row_bytes * layout.segment.height
    plain = layout.compression == UNCOMPRESSED
    most = strip_bytes if plain else 2 * strip_bytes + SLACK_BYTES
    strips = [page.encoded[at : at + min(count, most)] for at, count in zip(offsets, counts, strict=True)]
    if any(len(strip) < min(count, most) for strip, count in zip(strips, counts, strict=True)):
        raise TruncatedImage("a TIFF whose strips end too early")
    if not plain:
        image = TiffImagePlugin.TiffImageFile(io.BytesIO(_file_of(layout, strips, rows)))
        image.load()
        return np.asarray(image)
    content = np.frombuffer(b"".join(strips), np.uint8)[: rows * layout.row_bytes]
    if len(content) < rows * layout.row_bytes:
        raise TruncatedImage("a TIFF whose strips end too early")
    return (_reversed_bits()[content] if layout.fill_order == 2 else content).reshape(rows, layout.row_bytes)


def _file_of(layout: Layout, strips: list[bytes], rows: int) -> bytes:
    """A TIFF of these strips, each byte of a row being a pixel."""
    places = np.cumsum([0, *(len(strip) for strip in strips)])[:-1] + 8
    end = 8 + sum(len(strip) for strip in strips)
    entries = [
        (Tag.WIDTH, 4, 1, layout.row_bytes),
        (Tag.HEIGHT, 4, 1, rows),
        (Tag.BITS, 3, 1, 8),
        (Tag.COMPRESSION, 3, 1, layout.compression),
        (Tag.PHOTOMETRIC, 3, 1, 1),
        (Tag.FILL_ORDER, 3, 1, layout.fill_order),
        (Tag.STRIP_OFFSETS, 4, len(strips), 8 if len(strips) == 1 else end),
        (Tag.SAMPLES, 3, 1, 1),
        (Tag.ROWS_PER_STRIP, 4, 1, layout.segment.height),
        (Tag.STRIP_BYTES, 4, len(strips), len(strips[0]) if len(strips) == 1 else end + 4 * len(strips)),
    ]
    tables = places.astype("<u4").tobytes() + np.array([len(strip) for strip in strips], "<u4").tobytes()
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = struct.pack("<4sI", b"II*\0", end + len(tables))
    return b"".join([head, *strips, tables, struct.pack("<H", len(entries)), directory, bytes(4)])


@lru_cache(maxsize=1)
def _reversed_bits() -> Bytes:
    """Of each byte: FillOrder 2, of fax machines."""
    return np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8).reshape(256, 1), axis=1)[:, ::-1], axis=1).ravel()


@lru_cache(maxsize=1)
def quiet_libtiff() -> None:
    """libtiff writes its errors to stderr, where no log can give them a request's id; a problem says them instead.

    For the whole process, and only where Pillow comes with a libtiff whose functions can be found.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)
