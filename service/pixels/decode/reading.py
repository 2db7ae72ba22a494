"""Bytes to an upright sRGB photo: the way every format takes. Knows no format by name."""

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from PIL import Image

from service.errors import Failure, TooManyPixels, TruncatedImage, UndecodableImage, UnsupportedImage
from service.kernels.memory import in_one_block
from service.models.labels import Size
from service.pixels.decode.colours.icc import UnusableProfile, as_rgb, from_lab, from_profile
from service.pixels.decode.colours.spaces import ColourSpace
from service.pixels.decode.colours.told import from_told
from service.pixels.decode.formats import format_of
from service.pixels.decode.hidden import forget_hidden
from service.pixels.decode.orientation import upright
from service.pixels.decode.photo import Grey, Photo
from service.pixels.decode.raster import Deep, Header, Raster
from service.pixels.threads import pixel_work

DEEP_TO_8_BIT = 257  # 65535 / 255

Result = TypeVar("Result")


def count_pixels(encoded: bytes, max_pixels: int) -> int:
    """Width times height, as the header says, and more for costly formats (`Header.weight`); nothing is decoded.

    Raises UnsupportedImage, UndecodableImage, or TooManyPixels where there are more than `max_pixels`.
    """
    header = _checked(encoded, max_pixels)
    return math.ceil(header.size.width * header.size.height * header.weight)


def stated_size(encoded: bytes, max_pixels: int) -> Size:
    """As the header says, before the picture is turned upright. Raises what `count_pixels` raises."""
    return _checked(encoded, max_pixels).size


@pixel_work
def decode(encoded: bytes, max_pixels: int) -> Photo:
    """The first frame, or the chosen picture, of `encoded`: upright, in sRGB, 8 bits a channel.

    A decoder cannot be stopped once it has begun: `max_pixels` and the size of `encoded` bound its time.
    Raises UnsupportedImage, TooManyPixels (seen on the header, before any pixel is decoded), TruncatedImage or
    UndecodableImage.
    """
    header = _checked(encoded, max_pixels)
    in_one_block()
    return _told_as_failures(lambda: _to_photo(header))


@pixel_work
def decode_grey(encoded: bytes, max_pixels: int) -> Grey:
    """As `decode`, but of the colours only how bright they are: a third of the memory, and no colours to manage.

    Numbers are shares of white as they are stored, whatever the file says of light: half of white is half of a pixel.
    Raises what `decode` raises, and UnsupportedImage where numbers are below zero.
    """
    header = _checked(encoded, max_pixels)
    return _told_as_failures(lambda: _to_grey(header))


def _checked(encoded: bytes, max_pixels: int) -> Header:
    most = f"at most {max_pixels / 1e6:g} megapixels are read"
    try:
        header = _told_as_failures(lambda: format_of(encoded).open(encoded))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels(f"far too many pixels; {most}") from error
    width, height = header.size
    if width * height > max_pixels:
        raise TooManyPixels(f"{width} x {height} pixels; {most}")
    return header


def _told_as_failures(work: Callable[[], Result]) -> Result:
    """Decoders raise almost anything on hostile bytes: OSError, SyntaxError, RuntimeError, struct.error, ..."""
    try:
        return work()
    except (Failure, MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise
    except Exception as error:
        truncated = "truncated" in str(error)
        raise (TruncatedImage if truncated else UndecodableImage)() from error


def _to_photo(header: Header) -> Photo:
    raster = header.load()
    frames = max(header.frames, raster.frames)
    rgb = upright(_to_srgb(raster), raster.orientation)
    if raster.alpha is None:
        return Photo(_without_metadata(rgb), frames=frames)
    alpha = upright(raster.alpha, raster.orientation)
    return Photo(_without_metadata(forget_hidden(rgb, alpha)), _without_metadata(alpha), frames)


def _to_grey(header: Header) -> Grey:
    raster = header.load()
    if raster.is_signed:
        raise UnsupportedImage("numbers below zero have no level; save it with black as 0")
    colours = _to_8_bit(raster.colours)
    light = colours.getchannel("L") if colours.mode in ("L", "LAB") else as_rgb(colours).convert("L")
    light = upright(light, raster.orientation)
    alpha = None if raster.alpha is None else _without_metadata(upright(raster.alpha, raster.orientation))
    return Grey(_without_metadata(light), alpha)


def _to_srgb(raster: Raster) -> Image.Image:
    """Mode RGB, by the first word on the colours that can be used; by none of them, the numbers are sRGB's."""
    for told in raster.told:
        if isinstance(told, ColourSpace):
            if told.is_srgb:
                break
            if isinstance(raster.colours, np.ndarray) or raster.colours.mode in ("L", "RGB"):
                return from_told(raster.colours, told)
        else:
            try:
                return from_profile(_to_8_bit(raster.colours), told)
            except UnusableProfile:
                continue
    image = _to_8_bit(raster.colours)
    return from_lab(image) if image.mode == "LAB" else as_rgb(image)


def _to_8_bit(colours: Image.Image | Deep) -> Image.Image:
    if isinstance(colours, Image.Image):
        return colours
    return Image.fromarray((colours // DEEP_TO_8_BIT).astype(np.uint8))


def _without_metadata(image: Image.Image) -> Image.Image:
    """Pillow's savers write EXIF and profiles that they find in `info`, so nothing is left there."""
    image.info = {}
    return image
