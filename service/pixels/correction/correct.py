"""Corrects a matte around what was painted, and nowhere else.

How far a stroke grows is decided on a small picture of its surroundings; where that moved the edge, the same network
refines it that refines all edges. So a stroke takes as long as its surroundings are large, whatever the photo's size.
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from service.models.labels import Box, Mask, Size
from service.pixels.correction.correction import Area, Correction
from service.pixels.correction.growth import REACH, brush_radius, grown
from service.pixels.refinement import refine
from service.pixels.threads import pixel_work

GROWTH_SIDE_PX = 192
"""Of the small picture on which strokes grow."""

BRUSH_SIDE_PX = 64
"""Of the one on which the brush is measured."""

SEAM_PX = 3
"""Of the small picture: so far around what has changed the edge is refined anew."""


@pixel_work
def correct(soft: Image.Image, rgb: Image.Image, correction: Correction) -> Image.Image:
    """The matte `soft` (L) of the photo `rgb` (RGB, as large), as `correction` has it; its earlier matte is no part.

    Every painted pixel is 255 or 0 afterwards, every pixel outside of all boxes 0. What is farther than `REACH` brush
    radii from all strokes, and a seam, stays as it is.
    """
    photo = Size(*rgb.size)
    if correction.boxes:
        soft = _within(soft, correction)
    painted = correction.painted_area(photo)
    if painted is None:
        return soft
    radius_px = max(correction.least_radius_px, _brush_radius_px(correction, painted, photo))
    area = _around(painted, radius_px, photo)
    result = soft.copy()
    result.paste(_corrected(soft.crop(area), rgb.crop(area), correction, area, photo, radius_px), area)
    return result


def _within(soft: Image.Image, correction: Correction) -> Image.Image:
    result = Image.new("L", soft.size)
    for left, top, right, bottom in correction.boxes:
        result.paste(soft.crop((left, top, right, bottom)), (left, top))
    return result


def _brush_radius_px(correction: Correction, painted: Area, photo: Size) -> float:
    """In the photo's pixels."""
    size = _reduced(painted, BRUSH_SIDE_PX)
    keep, remove = correction.painted(painted, photo, size)
    return brush_radius(keep | remove) * (painted[2] - painted[0]) / size.width


def _around(painted: Area, radius_px: float, photo: Size) -> Area:
    """As far as strokes may grow, and the seam."""
    margin = math.ceil(radius_px * REACH)
    left, top, right, bottom = painted
    seam = math.ceil(2 * SEAM_PX * max(1.0, (max(right - left, bottom - top) + 2 * margin) / GROWTH_SIDE_PX))
    margin += seam
    return (
        max(0, left - margin),
        max(0, top - margin),
        min(photo.width, right + margin),
        min(photo.height, bottom + margin),
    )


def _reduced(area: Area, side_px: int) -> Size:
    left, top, right, bottom = area
    scale = min(1.0, side_px / max(right - left, bottom - top))
    return Size(max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))


def _corrected(
    soft: Image.Image, part: Image.Image, correction: Correction, area: Area, photo: Size, radius_px: float
) -> Image.Image:
    """The matte of `area` alone, from what it was and what of the photo is there."""
    size = _reduced(area, GROWTH_SIDE_PX)
    small, before = (picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0) for picture in (part, soft))
    colours, levels = (np.asarray(picture, np.float32) / np.float32(255) for picture in (small, before))
    keep, remove = correction.painted(area, photo, size)
    after = grown(colours, levels, keep, remove, max(0.5, radius_px * size.width / part.width))
    result = _moved(soft, part, after, (after >= 0.5) != (levels >= 0.5))
    kept, removed = (Image.fromarray(each) for each in correction.painted(area, photo, Size(*part.size)))
    result.paste(255, (0, 0), kept)
    result.paste(0, (0, 0), removed)
    return result


def _moved(soft: Image.Image, part: Image.Image, after: NDArray[np.float32], changed: Mask) -> Image.Image:
    """`soft`, with the refined edge of `after` where that has changed."""
    result = soft.copy()
    if not changed.any():
        return result
    near = Image.fromarray(changed.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(2 * SEAM_PX + 1))
    fine = _fine(after, part)
    result.paste(fine, (0, 0), near.resize(part.size, Image.Resampling.BILINEAR))
    return result


def _fine(after: NDArray[np.float32], part: Image.Image) -> Image.Image:
    height, width = after.shape
    if part.size == (width, height):
        return Image.fromarray(np.rint(after * 255).astype(np.uint8))
    return refine(after, Box(0, 0, width, height), Size(width, height), part)
