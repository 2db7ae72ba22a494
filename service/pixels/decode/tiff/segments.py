"""Strips and tiles of a TIFF page, decompressed to rows of bytes. Knows no samples.

libtiff decompresses, through Pillow: it gets the bytes of strips as a file of their own that calls them grey of 8 bits,
so that it neither judges nor changes what is in them.
"""

import contextlib
import ctypes
import io
import struct
from collections.abc import Iterable, Iterator
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
STRIPS_AT_ONCE = 4096
MAX_SEGMENTS = 1 << 20
"""A page of 64 megapixels in tiles of 16 x 16 has a quarter of that."""
MAX_BYTES_AT_ONCE = 1 << 30
"""Of one strip, or one row of tiles, decompressed."""
SLACK_BYTES = 1024
"""No compression makes a strip twice as long and so much more. A hostile file says that each is the whole file."""

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Band:
    """Of each plane (rows, row_bytes): rows of the picture from `top` on, or a row of tiles, one under the other."""

    top: int
    planes: tuple[Bytes, ...]


@dataclass(frozen=True)
class Grid:
    """How strips or tiles cover a page. Strips are one across."""

    across: int
    down: int
    planes: int
    """That are looked at, each of which has its own strips."""
    step: int
    """So many rows of strips or tiles are decompressed at once."""

    @classmethod
    def of(cls, layout: Layout) -> "Grid":
        """Raises UndecodableImage where there are no such strips, or more than anybody needs."""
        if layout.row_bytes <= 0 or layout.segment.height <= 0:
            raise UndecodableImage("a TIFF whose strips have no size")
        across = -(-layout.size.width // layout.segment.width)
        down = -(-layout.size.height // layout.segment.height)
        planes = max(layout.colour_samples, (layout.alpha or 0) + 1) if layout.planar == PLANES else 1
        segment_bytes = layout.row_bytes * layout.segment.height
        step = 1 if layout.is_tiled else max(1, min(BAND_BYTES // segment_bytes, STRIPS_AT_ONCE))
        if across * down * planes > MAX_SEGMENTS or across * planes * segment_bytes > MAX_BYTES_AT_ONCE:
            raise UndecodableImage("a TIFF of far too many, or far too large, strips or tiles")
        return cls(across, down, planes, step)

    def bytes_at_once(self, layout: Layout) -> int:
        rows = min(self.step * layout.segment.height, layout.size.height)
        return self.across * self.planes * layout.row_bytes * rows


def bands(page: Directory, layout: Layout, grid: Grid) -> Iterator[Band]:
    """From top to bottom. Raises TruncatedImage where strips are missing."""
    quiet_libtiff()
    offsets, counts = _places(page, layout)
    if len(offsets) < grid.across * grid.down * grid.planes:
        raise TruncatedImage("a TIFF some of whose strips are missing")
    for first in range(0, grid.down, grid.step):
        many = grid.across * (min(first + grid.step, grid.down) - first)
        rows = _rows(layout, first, many)
        starts = [grid.across * (plane * grid.down + first) for plane in range(grid.planes)]
        places = (zip(offsets[at : at + many].tolist(), counts[at : at + many].tolist(), strict=True) for at in starts)
        yield Band(
            first * layout.segment.height, tuple(_decompressed(page.encoded, layout, each, rows) for each in places)
        )


def _rows(layout: Layout, first: int, many: int) -> int:
    """Of so many strips, the last of which may be short, or of so many tiles, which are all whole."""
    if layout.is_tiled:
        return many * layout.segment.height
    return min(many * layout.segment.height, layout.size.height - first * layout.segment.height)


def _places(page: Directory, layout: Layout) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each strip begins, and its length."""
    offsets = _numbers(page, Tag.TILE_OFFSETS if layout.is_tiled else Tag.STRIP_OFFSETS)
    counts = _numbers(page, Tag.TILE_BYTES if layout.is_tiled else Tag.STRIP_BYTES)
    left_out = len(page.encoded) - offsets[len(counts) :]  # by old writers, of files with one strip
    return offsets, np.concatenate([counts, left_out])


def _numbers(page: Directory, tag: Tag) -> NDArray[np.int64]:
    """None of them negative, nor so large that sums could be."""
    content = page.content(tag)
    return np.zeros(0, np.int64) if content is None else np.clip(content, 0, 1 << 40).astype(np.int64)


def _decompressed(encoded: bytes, layout: Layout, places: Iterable[tuple[int, int]], rows: int) -> Bytes:
    """(rows, row_bytes)."""
    strip_bytes = layout.row_bytes * layout.segment.height
    is_plain = layout.compression == UNCOMPRESSED
    most = strip_bytes if is_plain else 2 * strip_bytes + SLACK_BYTES
    lengths = [(at, min(count, most)) for at, count in places]
    if any(at + length > len(encoded) for at, length in lengths):
        raise TruncatedImage("a TIFF whose strips end too early")
    strips = [encoded[at : at + length] for at, length in lengths]
    if not is_plain:
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
