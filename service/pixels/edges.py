"""Moves a matte's edge in or out, and softens it. Knows neither photos nor networks."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from service.pixels.bands import bands
from service.pixels.threads import pixel_work

Levels = NDArray[np.uint8]


@pixel_work
def shift_edge(matte: Image.Image, distance_px: float) -> Image.Image:
    """Mode L: each contour moved outwards by `distance_px`, or inwards where it is negative.

    Level by level: the largest of all levels no farther away than that. Nothing is known beyond the border, so a
    subject that touches it still does. A part of a pixel is mixed from the two whole distances.
    """
    if distance_px < 0:
        return ImageChops.invert(shift_edge(ImageChops.invert(matte), -distance_px))
    whole = int(distance_px)
    part = distance_px - whole
    near = _grown(matte, whole)
    return Image.blend(near, _grown(matte, whole + 1), part) if part else near


@pixel_work
def feather(matte: Image.Image, sigma_px: float) -> Image.Image:
    """Mode L: blurred with a Gaussian; half of the softening lies outside of the contour, half inside."""
    return matte.filter(ImageFilter.GaussianBlur(sigma_px)) if sigma_px else matte


def _grown(matte: Image.Image, radius_px: int) -> Image.Image:
    """The largest level in a disc around each pixel."""
    if not radius_px:
        return matte
    result = Image.new("L", matte.size)
    for top, bottom in bands(matte.height):
        # Beyond the picture Pillow crops zeros, which no maximum sees.
        area = (-radius_px, top - radius_px, matte.width + radius_px, bottom + radius_px)
        near = matte.crop(area)
        if near.getbbox() is not None:
            result.paste(Image.fromarray(_largest_in_disc(np.asarray(near), radius_px)), (0, top))
    return result


def _largest_in_disc(levels: Levels, radius_px: int) -> Levels:
    """(H + 2r, W + 2r) to (H, W).

    A disc is a run of pixels in each of its rows; the runs grow towards its middle, so each is made from the last one.
    """
    height, width = levels.shape[0] - 2 * radius_px, levels.shape[1] - 2 * radius_px
    result = np.zeros((height, width), np.uint8)
    reached, reach = levels, 0
    for away, half in _rows_of_disc(radius_px):
        while reach < half:
            step = min(half - reach, max(1, reach))
            reached = _spread(reached, step)
            reach += step
        inner = slice(radius_px, radius_px + width)
        for row in {radius_px - away, radius_px + away}:
            np.maximum(result, reached[row : row + height, inner], out=result)
    return result


def _rows_of_disc(radius_px: int) -> Iterator[tuple[int, int]]:
    """(how far from the middle row, half the length of the run) from the disc's top inwards."""
    for away in range(radius_px, -1, -1):
        yield away, math.isqrt(radius_px * radius_px - away * away)


def _spread(levels: Levels, step: int) -> Levels:
    """Along the rows: the largest of each pixel and those `step` to its left and right."""
    spread = levels.copy()
    np.maximum(spread[:, step:], levels[:, :-step], out=spread[:, step:])
    np.maximum(spread[:, :-step], levels[:, step:], out=spread[:, :-step])
    return spread
