"""AVIF: Pillow decodes the pixels; what their colours are, it does not say."""

import io
from functools import partial

from PIL import Image

from service.models.labels import Size
from service.pixels.decode.boxes import brands, primary_nclx, read_items, without_metadata
from service.pixels.decode.colours.spaces import ColourSpace, from_codes
from service.pixels.decode.orientation import orientation
from service.pixels.decode.raster import Header, Profile, Raster, raster

BRANDS = frozenset((b"avif", b"avis"))


def is_avif(encoded: bytes) -> bool:
    return not BRANDS.isdisjoint(brands(encoded))


def open_avif(encoded: bytes) -> Header:
    items = read_items(encoded)
    codes = primary_nclx(encoded, items)
    nclx = from_codes(*codes) if codes else None
    image = Image.open(io.BytesIO(without_metadata(encoded, items)), formats=["AVIF"])
    return Header(Size(*image.size), partial(_load, image, nclx), getattr(image, "n_frames", 1))


def _load(image: Image.Image, nclx: ColourSpace | None) -> Raster:
    image.load()
    words: tuple[Profile | ColourSpace | None, ...] = (image.info.get("icc_profile"), nclx)
    # Pillow makes EXIF of the container's own turn and mirror, which are what counts: MIAF, 7.3.9.
    return raster(image, tuple(word for word in words if word), orientation(image.info.get("exif")))
