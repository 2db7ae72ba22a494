"""The subject with its own colours and straight alpha, a few rows of the picture at a time.

With numpy; where compiled loops run, `painting.py` has them do it. Rows that fit into the processor's cache are read,
changed and written six times as fast as whole pictures, and at 12 megapixels no buffer of 48 MB is needed beside the
result.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from service.kernels import compiled_kernels
from service.kernels.painting import CELL_PX
from service.pixels.bands import BAND_ROWS, bands
from service.pixels.blend import Area, Blend, copied, inside
from service.pixels.packed import ALPHA_BYTE, LITTLE_ENDIAN, Pixels
from service.pixels.painting import CompiledBrush
from service.pixels.threads import each_part, in_parts, pixel_work, strips
from service.pixels.unmixing import Unmixing

__all__ = ["Blend", "Rows", "cut_out", "subject_rows"]


@dataclass(frozen=True)
class Rows:
    """Some rows of the subject, without the columns on either side that have nothing of it."""

    left: int
    top: int
    image: Image.Image
    """RGBA; transparent black where the matte is 0."""


class Brush(Protocol):
    """Paints the subject, some rows of a picture at a time."""

    def paint(self, pixels: Pixels, area: Area) -> None:
        """Fills (h, w) zeros, whose rows may lie apart, with what is in the photo's `area`, whose top is a band's.

        What was cut away is not to be had from a file: PNG would keep colours under an alpha of 0.
        """


@pixel_work
def subject_rows(blend: Blend, decontaminate: bool) -> Iterator[Rows]:
    """The subject from top to bottom, without rows that have nothing of it.

    With `decontaminate`, colours at the soft edge are the subject's own, else the photo's.
    """
    brush = _brush(blend, decontaminate)

    def in_band(band: tuple[int, int]) -> Rows | None:
        area = _seen(blend, band)
        if area is None:
            return None
        left, top, right, bottom = area
        pixels = np.zeros((bottom - top, right - left), LITTLE_ENDIAN)
        brush.paint(pixels, area)
        return Rows(left, top, _as_image(pixels))

    return (rows for rows in in_parts(in_band, list(bands(blend.photo.height))) if rows is not None)


@pixel_work
def cut_out(blend: Blend, decontaminate: bool) -> Image.Image:
    """The subject as one picture: RGBA, as large as the photo; transparent black where the matte is 0.

    Painted where it lies, so that memory is touched by whoever paints there, and by nobody who has Python's lock.
    """
    brush, width = _brush(blend, decontaminate), blend.photo.width
    pixels = np.zeros(blend.photo.size[::-1], LITTLE_ENDIAN)

    def in_strip(strip: tuple[int, int]) -> None:
        top, bottom = strip
        brush.paint(pixels[top:bottom], (0, top, width, bottom))

    each_part(in_strip, strips(blend.photo.height, BAND_ROWS))
    return _as_image(pixels)


def _brush(blend: Blend, decontaminate: bool) -> Brush:
    return CompiledBrush.of(blend, decontaminate) or _NumpyBrush(blend, decontaminate)


def _seen(blend: Blend, band: tuple[int, int]) -> Area | None:
    """The part of a band that has something of the subject, in whole cells; None where there is none."""
    top, bottom = band
    width = blend.photo.width
    kernels = compiled_kernels()
    if kernels is None:
        shown = blend.matte.crop((0, top, width, bottom)).getbbox()
    else:
        shown = kernels.rows.bounds(blend.shown[top:bottom], 1)
    if shown is None:
        return None
    return shown[0] // CELL_PX * CELL_PX, top, min(width, -(-shown[2] // CELL_PX) * CELL_PX), bottom


class _NumpyBrush:
    """A band at a time."""

    def __init__(self, blend: Blend, decontaminate: bool) -> None:
        self._blend = blend
        unmixing = Unmixing(blend) if decontaminate else None
        self._unmixing = unmixing if unmixing is not None and unmixing.is_needed else None

    def paint(self, pixels: Pixels, area: Area) -> None:
        first = area[1]
        for top, bottom in bands(area[3] - first):
            if (seen := _seen(self._blend, (first + top, first + bottom))) is not None:
                left, _, right, _ = seen
                self._paint_band(pixels[top:bottom, left - area[0] : right - area[0]], seen)

    def _paint_band(self, pixels: Pixels, area: Area) -> None:
        pixels[...] = copied(self._blend, area)
        if self._unmixing is not None:
            self._unmixing.in_band(pixels, area)
        if self._blend.matte is not self._blend.mixture:
            pixels &= ~ALPHA_BYTE
            pixels |= inside(self._blend.shown, area).astype(np.uint32) << 24
        pixels *= pixels > ~ALPHA_BYTE


def _as_image(pixels: Pixels) -> Image.Image:
    """RGBA of (h, w), which it keeps."""
    return Image.frombuffer("RGBA", pixels.shape[::-1], pixels, "raw", "RGBA", 0, 1)
