"""AVIF: Pillow decodes the pixels; what their colours are, it does not say."""

import io
import struct
from functools import partial

from PIL import Image

from service.models.labels import Size
from service.pixels.decode.boxes import Items, brands, read_items, without_metadata
from service.pixels.decode.colours.spaces import ColourSpace, from_codes
from service.pixels.decode.orientation import orientation
from service.pixels.decode.raster import Header, Profile, Raster, raster

BRANDS = frozenset((b"avif", b"avis"))


def is_avif(encoded: bytes) -> bool:
    return not BRANDS.isdisjoint(brands(encoded))


def open_avif(encoded: bytes) -> Header:
    items = read_items(encoded)
    image = Image.open(io.BytesIO(without_metadata(encoded, items)), formats=["AVIF"])
    return Header(Size(*image.size), partial(_load, image, _nclx(encoded, items)), getattr(image, "n_frames", 1))


def _load(image: Image.Image, nclx: ColourSpace | None) -> Raster:
    image.load()
    words: tuple[Profile | ColourSpace | None, ...] = (image.info.get("icc_profile"), nclx)
    # Pillow makes EXIF of the container's own turn and mirror, which are what counts: MIAF, 7.3.9.
    return raster(image, tuple(word for word in words if word), orientation(image.info.get("exif")))


def _nclx(encoded: bytes, items: Items) -> ColourSpace | None:
    """Of the primary picture. Its range is of YUV, of which Pillow has made RGB of full range."""
    for box in items.properties.get(items.primary, ()):
        if box.kind == b"colr" and encoded[box.start : box.start + 4] == b"nclx" and box.end - box.start >= 8:
            return from_codes(*struct.unpack_from(">HH", encoded, box.start + 4))
    return None
