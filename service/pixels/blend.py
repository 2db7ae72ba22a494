"""A photo and how its pixels are mixed of subject and background, read where they lie."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.kernels import Blended
from service.kernels.memory import image_bytes, packed_pixels
from service.pixels.packed import LITTLE_ENDIAN, Pixels

Area = tuple[int, int, int, int]
"""(left, top, right, bottom)"""

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Blend:
    """A photo, and how its pixels are mixed from subject and background."""

    photo: Image.Image
    """RGB"""
    mixture: Image.Image
    """L: how much of each pixel's light comes from the subject."""
    matte: Image.Image
    """L: how much of the subject is shown. It is `mixture`, unless its edge was made softer."""
    hidden: Image.Image | None = None
    """L: the photo's own alpha. Where it is under 255, colours are the subject's already, or nobody's."""

    @cached_property
    def levels(self) -> NDArray[np.uint8]:
        """(H, W) of the mixture."""
        return image_bytes(self.mixture)

    @cached_property
    def shown(self) -> NDArray[np.uint8]:
        """(H, W) of the matte."""
        return self.levels if self.matte is self.mixture else image_bytes(self.matte)

    @cached_property
    def _colors(self) -> Pixels | None:
        return packed_pixels(self.photo)

    def lent(self, area: Area) -> Blended | None:
        """The colours and the mixture of an area where they lie, if they can be had without a copy."""
        return None if self._colors is None else Blended(inside(self._colors, area), inside(self.levels, area))


def copied(blend: Blend, area: Area) -> Pixels:
    """(h, w) of an area, the mixture in the place of alpha; maybe not to be written to."""
    pixels = blend.photo.crop(area)
    pixels.putalpha(blend.mixture.crop(area))
    return image_bytes(pixels).view(LITTLE_ENDIAN)[..., 0]


def inside(array: NDArray[Number], area: Area) -> NDArray[Number]:
    """That part of (H, W)."""
    left, top, right, bottom = area
    return array[top:bottom, left:right]
