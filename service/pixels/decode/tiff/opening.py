"""Which page of a TIFF is its picture, and who decodes it: this room, or Pillow where a compression knows colours."""

import io
import struct
from collections.abc import Sequence
from functools import partial

from PIL import Image, UnidentifiedImageError

from service.errors import UndecodableImage, UnsupportedImage
from service.pixels.decode.raster import Header, Raster, raster
from service.pixels.decode.tiff.directories import Directory, Tag, is_reduced, pages, sub_directories
from service.pixels.decode.tiff.layout import COLOUR_SAMPLES, Layout, layout_of
from service.pixels.decode.tiff.pixels import load_pixels, profile_of
from service.pixels.decode.tiff.raw import camera_raw
from service.pixels.decode.tiff.samples import check_samples
from service.pixels.decode.tiff.segments import OF_BYTES, Grid, quiet_libtiff

COMPRESSIONS = {
    2: "CCITT",
    3: "CCITT",
    4: "CCITT",
    6: "old JPEG",
    7: "JPEG",
    34712: "JPEG 2000",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34676: "SGI Log",
    34677: "SGI Log",
    34887: "LERC",
    34892: "lossy JPEG",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
ALWAYS_READ = frozenset((2, 3, 4, 6, 7)) | OF_BYTES
"""Whatever libtiff was built with."""
NAMES_OF_COLOURS = {4: "a mask", 6: "YCbCr", 10: "ITU Lab", 32844: "LogL", 32845: "LogLuv", 51177: "depth"}

NOT_FOR_PILLOW = frozenset((Tag.ORIENTATION, Tag.PROFILE, 700, 34665, 34853, 33723, 34377, 282, 283))
"""Read here, or not at all: XMP, EXIF, GPS, IPTC, Photoshop's own, resolution."""
HELD_TIMES, USUAL_BYTES = 2, 8
"""Decompressed strips are held as bytes and as samples; while a pixel of a common format is decoded, 8 bytes are."""


def open_tiff(encoded: bytes) -> Header:
    found = pages(encoded)
    if raw := camera_raw(encoded, found):
        raise UnsupportedImage(f"this is {raw}, which is not read; send the JPEG that the camera makes beside it")
    if not found:
        raise UndecodableImage("a TIFF without a page")
    page, frames = _choose(found)
    layout = layout_of(page)
    if layout.compression in OF_BYTES and layout.photometric in COLOUR_SAMPLES:
        check_samples(layout)
        grid = Grid.of(layout)
        held = HELD_TIMES * grid.bytes_at_once(layout) / (layout.size.width * layout.size.height)
        return Header(layout.size, partial(load_pixels, page, layout, grid), frames, max(1.0, held / USUAL_BYTES))
    return Header(layout.size, partial(_load_by_pillow, page, layout), frames)


def _choose(found: Sequence[Directory]) -> tuple[Directory, int]:
    """The first page that is not a smaller copy of another, and how many there are."""
    whole = [page for page in found if not is_reduced(page)]
    if not whole:
        whole = [each for each in sub_directories(found[0]) if not is_reduced(each)][:1] or [found[0]]
    return whole[0], len(whole)


def _described(layout: Layout) -> str:
    colours = NAMES_OF_COLOURS.get(layout.photometric, f"{layout.bits}-bit samples")
    compression = COMPRESSIONS.get(layout.compression)
    return f"a TIFF of {colours}" + (f" in {compression} compression" if compression else "")


def _load_by_pillow(page: Directory, layout: Layout) -> Raster:
    quiet_libtiff()
    try:
        image = Image.open(io.BytesIO(_without_metadata(page)), formats=["TIFF"])
        image.load()
    except OSError as error:
        if isinstance(error, UnidentifiedImageError) or layout.compression not in ALWAYS_READ:
            raise UnsupportedImage(f"this is {_described(layout)}, which is not read") from error
        raise
    return raster(image, profile_of(page), page.value(Tag.ORIENTATION, 1))


def _without_metadata(page: Directory) -> bytes:
    """The same file, beginning at a new directory: that page's, without what Pillow would stumble over."""
    shape, entries = page.shape, [entry for tag, entry in page.entries.items() if tag not in NOT_FOR_PILLOW]
    place = 4 if shape.offset == "I" else 8
    head = page.encoded[:place] + struct.pack(shape.order + shape.offset, len(page.encoded))
    directory = struct.pack(shape.order + shape.entries, len(entries)) + b"".join(entries)
    end = struct.pack(shape.order + shape.offset, 0)
    return b"".join([head, memoryview(page.encoded)[len(head) :], directory, end])
