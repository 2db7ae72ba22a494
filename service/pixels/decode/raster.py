"""What a reader hands over: first a header, then pixels as the format stores them and what it says of their colours."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.models.labels import Size
from service.pixels.decode.colours.spaces import ColourSpace

Deep: TypeAlias = NDArray[np.uint16]
"""(H, W, 3) RGB or (H, W) grey, 0 to 65535: Pillow has no picture of several 16-bit channels."""

Profile: TypeAlias = bytes
"""An ICC profile."""

OPAQUE = (255, 255)
NARROW_WHITES = (255, 65535)
BLACK_SHARE = 100
"""What is below that part of white is black to the eye: one or two levels of 255."""


@dataclass(frozen=True)
class Raster:
    """Pixels, not turned and not yet sRGB."""

    colours: Image.Image | Deep
    """Mode L, RGB, CMYK or LAB."""
    alpha: Image.Image | None = None
    """Mode L; None where every pixel is opaque."""
    told: tuple[Profile | ColourSpace, ...] = ()
    """What the file says its colours are, the word that counts most first. Nothing means sRGB."""
    orientation: int = 1
    """As EXIF counts them, 1 to 8."""
    frames: int = 1
    """Where only decoding tells how many there are; otherwise the header does."""
    is_signed: bool = False
    """Whether there are numbers below zero: then zero is no longer black."""


@dataclass(frozen=True)
class Header:
    """What a file says of its picture before any pixel is decoded."""

    size: Size
    """As stored, so width and height may change places once it is upright."""
    load: Callable[[], Raster]
    frames: int = 1
    weight: float = 1.0
    """How many pixels of a JPEG one of these is booked as: for HEIC and for TIFFs of wide samples, more than one."""


def white_of_integers(most: int, white: int) -> int:
    """Of integers that could reach `white` and of which `most` is the largest, the one that is white.

    That is `white`, as formats have it, but where all would be black by it: those are numbers of 8 or 16 bits that
    somebody's array held in wider ones.
    """
    return next((each for each in NARROW_WHITES if most <= each and white > each * BLACK_SHARE), white)


def raster(
    image: Image.Image,
    told: tuple[Profile | ColourSpace, ...] = (),
    orientation: int = 1,
    alpha: Image.Image | None = None,
) -> Raster:
    """A loaded picture of Pillow's, of any mode of 8 bits, split into colours and alpha."""
    if alpha is None and (image.has_transparency_data or image.mode in ("RGBa", "La")):
        image, alpha = _split(image)
    if image.mode not in ("L", "RGB", "CMYK", "LAB"):
        image = image.convert("L" if image.mode in ("1", "LA") else "RGB")
    if alpha is not None and alpha.getextrema() == OPAQUE:
        alpha = None
    return Raster(image, alpha, told, orientation)


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Straight colours and their alpha; La and RGBa are premultiplied."""
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode == "LA":
        return image.convert("L"), image.getchannel("A")
    image = image.convert("RGBA")
    return image.convert("RGB"), image.getchannel("A")
