"""WebP and BMP: Pillow reads them as they are."""

import io
from functools import partial

from PIL import Image

from service.errors import UnsupportedImage
from service.models.labels import Size
from service.pixels.decode.orientation import orientation
from service.pixels.decode.raster import Header, Raster, raster
from service.pixels.webp_features import is_animation, with_alpha

RLE8, RLE4 = b"\1", b"\2"
MAX_RLE_BYTES = 4 << 20
"""Pillow undoes run lengths in Python, a second for 2.5 MB. Such files have been rare since Windows 3."""
BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
"""The sizes that a BMP's second header may have: `BM` alone is the beginning of many texts."""


def is_bmp(encoded: bytes) -> bool:
    return encoded[:2] == b"BM" and int.from_bytes(encoded[14:18], "little") in BMP_HEADERS


def open_bmp(encoded: bytes) -> Header:
    if encoded[30:31] in (RLE8, RLE4) and encoded[14] >= 40 and len(encoded) > MAX_RLE_BYTES:
        raise UnsupportedImage("this is a BMP of more than 4 MB in run lengths, which is not read; send PNG")
    return open_by_pillow(encoded, "BMP")


def open_webp(encoded: bytes) -> Header:
    """Where the frames of an animation leave something clear, it is clear, whatever the file says of itself."""
    return open_by_pillow(with_alpha(encoded) if is_animation(encoded) else encoded, "WEBP")


def open_by_pillow(encoded: bytes, format_: str, frames: int = 0) -> Header:
    image = Image.open(io.BytesIO(encoded), formats=[format_])
    return Header(Size(*image.size), partial(_load, image), frames or int(getattr(image, "n_frames", 1)))


def _load(image: Image.Image) -> Raster:
    image.load()
    profile = image.info.get("icc_profile")
    return raster(image, (profile,) if profile else (), orientation(image.info.get("exif")))
