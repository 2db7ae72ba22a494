"""The subject's own colours at a soft edge, where the camera saw a mixture of subject and background.

A pixel there is I = aF + (1 - a)B. Showing I over a new background shows the old one as a fringe; this finds F.

The idea of Germer et al. 2020, "Fast multi-level foreground estimation" (solve coarse, refine at each finer level), with
two changes that make it both better and quicker here. Colours are pulled up the pyramid from pixels that are nearly pure,
so that a hair thinner than a coarse pixel still hands on its own colour (pull-push, Gortler et al. 1996). And at full
resolution only the band is touched: F and B come from the quarter-size solution, and what they leave unexplained of I
goes to them by the shortest way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Planes = NDArray[np.float32]
"""(..., C, H, W): planes are contiguous, so that numpy computes on whole rows."""

Pixels = NDArray[np.uint32]
"""RGBX in memory order, one number a pixel."""

CELL_PX = 4
"""The finest level that is solved as a whole has one value for 4 x 4 pixels."""

STRIP_CELLS = 16
"""Read and written at once: 64 rows fit into the cache. Whole pictures took six times as long to read."""

MARGIN_CELLS = 16
"""Around the band: where its colours come from."""

FAINTEST, FULLEST = 3, 252
"""Levels of alpha. Cells that have nothing between are left alone: networks leave a haze of a percent over large areas."""

PURITY = 16
"""A pixel says as much of F as a to this power: at 90% alpha, 19%. With 8 hair got a third worse."""

DOUBT = 0.02
"""How much pure pixels a coarser level's colour weighs as."""

SMOOTHING_STEPS = 2
SMOOTHNESS = 0.1
"""Of F and B across an edge of alpha, against explaining I exactly."""
LEAST_SMOOTHNESS = 1e-5

COARSEST_PX = 4

LEVELS = np.arange(256, dtype=np.float32) / 255
PURE_FOREGROUND, PURE_BACKGROUND = LEVELS**PURITY, (1 - LEVELS) ** PURITY
SHARE = LEVELS / (LEVELS**2 + (1 - LEVELS) ** 2)
"""The part of what F and B leave unexplained that goes to F: the nearest point with I = aF + (1 - a)B."""


class Cells(NamedTuple):
    """Cells that have part of the band, row by row: (N,) each."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    def strip(self, top: int, bottom: int) -> "Cells":
        first, last = np.searchsorted(self.rows, (top, bottom))
        return Cells(self.rows[first:last], self.columns[first:last])


@dataclass(frozen=True)
class Strip:
    """A few rows of the picture, as they are changed in place."""

    top: int
    cells: Cells
    pixels: Pixels
    """(height * width,)"""
    alpha: NDArray[np.uint8]
    places: NDArray[np.intp]
    """(16, N): where in `pixels` those of the cells are. At the picture's border some are named twice."""


@dataclass(frozen=True)
class Level:
    """One size of the pyramid."""

    mixture: Planes
    """(3, h, w): I."""
    alpha: Planes
    """(h, w)"""
    pure: Planes
    """(2, 3, h, w): the mean of pure pixels' colours, times `weight`; of foreground and background."""
    weight: Planes
    """(2, 1, h, w)"""


def foreground(picture: Image.Image, matte: Image.Image) -> Image.Image:
    """`picture` (RGB) with F in place of I where `matte` (L) is between 0 and 255; elsewhere as it was.

    Colours are gamma-encoded, as they are blended.
    """
    box = _band_box(matte)
    if box is None:
        return picture
    inside, alpha = picture.crop(box), matte.crop(box)
    result = picture.copy()
    cells = _find_cells(alpha)
    colors = _solve(_levels(inside, alpha, cells))
    for strip in _strips(inside, alpha, cells):
        _unmix(strip, colors)
        result.paste(_as_image(strip.pixels, inside.width), (box[0], box[1] + strip.top))
    return result


def _band_box(matte: Image.Image) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) in whole cells, with a margin; None where there is no band."""
    found = _band(matte).getbbox()
    if found is None:
        return None
    left, top, right, bottom = (edge // CELL_PX for edge in found)
    return (
        max(0, left - MARGIN_CELLS) * CELL_PX,
        max(0, top - MARGIN_CELLS) * CELL_PX,
        min(matte.width, (right + 1 + MARGIN_CELLS) * CELL_PX),
        min(matte.height, (bottom + 1 + MARGIN_CELLS) * CELL_PX),
    )


def _band(matte: Image.Image) -> Image.Image:
    return matte.point([255 * (FAINTEST < level < FULLEST) for level in range(256)])


def _find_cells(matte: Image.Image) -> Cells:
    # A single pixel of 16 is still 16 levels of the mean.
    return Cells(*np.nonzero(np.asarray(_band(matte).reduce(CELL_PX))))


def _strips(picture: Image.Image, matte: Image.Image, cells: Cells) -> Iterator[Strip]:
    width, height = picture.size
    for first in range(0, -(-height // CELL_PX), STRIP_CELLS):
        chosen = cells.strip(first, first + STRIP_CELLS)
        if not len(chosen.rows):
            continue
        top, bottom = first * CELL_PX, min(height, (first + STRIP_CELLS) * CELL_PX)
        rows = np.minimum(chosen.rows * CELL_PX + np.arange(CELL_PX)[:, np.newaxis], height - 1) - top
        columns = np.minimum(chosen.columns * CELL_PX + np.arange(CELL_PX)[:, np.newaxis], width - 1)
        places = (rows[:, np.newaxis] * width + columns).reshape(CELL_PX * CELL_PX, -1)
        area = (0, top, width, bottom)
        pixels = np.frombuffer(bytearray(picture.crop(area).tobytes("raw", "RGBX")), np.uint32)
        yield Strip(top, chosen, pixels, np.asarray(matte.crop(area)).reshape(-1), places)


def _as_image(pixels: Pixels, width: int) -> Image.Image:
    return Image.frombuffer("RGB", (width, len(pixels) // width), pixels, "raw", "RGBX", 0, 1)


def _channels(packed: Pixels) -> Planes:
    """(...,) to (3, ...)."""
    colors = packed[..., np.newaxis].view(np.uint8)[..., :3]
    return np.moveaxis(colors, -1, 0).astype(np.float32, order="C")


# --- the pyramid ------------------------------------------------------------------------------------------------------


def _levels(picture: Image.Image, matte: Image.Image, cells: Cells) -> list[Level]:
    """Finest first."""
    levels = [_finest(picture, matte, cells)]
    while max(levels[-1].alpha.shape) > COARSEST_PX:
        levels.append(_halved(levels[-1]))
    return levels


def _finest(picture: Image.Image, matte: Image.Image, cells: Cells) -> Level:
    """One value a cell. Where a cell has no part in the band, its mean says all there is to say."""
    mixture = np.moveaxis(np.asarray(picture.reduce(CELL_PX)), -1, 0).astype(np.float32, order="C")
    levels = np.asarray(matte.reduce(CELL_PX))
    weight = np.stack([PURE_FOREGROUND[levels], PURE_BACKGROUND[levels]])[:, np.newaxis]
    pure = mixture * weight
    for strip in _strips(picture, matte, cells):
        colors, alpha = _channels(strip.pixels[strip.places]), strip.alpha[strip.places]
        for side, purity in enumerate((PURE_FOREGROUND[alpha], PURE_BACKGROUND[alpha])):
            pure[side, :, *strip.cells] = (colors * purity).mean(axis=1).T
            weight[side, 0, *strip.cells] = purity.mean(axis=0)
    return Level(mixture, LEVELS[levels], pure, weight)


def _halved(level: Level) -> Level:
    return Level(_half(level.mixture), _half(level.alpha), _half(level.pure), _half(level.weight))


def _half(planes: Planes) -> Planes:
    """Means of 2 x 2; an odd last row or column counts twice."""
    height, width = planes.shape[-2:]
    if height % 2 or width % 2:
        rest = [(0, 0)] * (planes.ndim - 2)
        planes = np.pad(planes, [*rest, (0, height % 2), (0, width % 2)], mode="edge")
    rows = planes[..., 0::2, :] + planes[..., 1::2, :]
    halved: Planes = (rows[..., 0::2] + rows[..., 1::2]) * np.float32(0.25)
    return halved


def _solve(levels: list[Level]) -> Planes:
    """(2, 3, h, w): F and B at the finest level."""
    coarsest = levels[-1]
    colors = coarsest.pure / np.maximum(coarsest.weight, 1e-6)
    for number, level in reversed(list(enumerate(levels))):
        colors = _twice(colors, level.alpha.shape) if level is not coarsest else colors
        colors = (level.pure + DOUBT * colors) / (level.weight + DOUBT)
        for _ in range(SMOOTHING_STEPS if number else 0):
            colors = _smooth(colors, level)
        colors = colors if number else _explain(colors, level, np.float32(LEAST_SMOOTHNESS))
    return colors


def _smooth(colors: Planes, level: Level) -> Planes:
    """One Jacobi step: the nearest to the neighbours' mean that explains I, neighbours across an edge counting most."""
    alpha = np.pad(level.alpha, 1, mode="edge")
    padded = np.pad(colors, [(0, 0), (0, 0), (1, 1), (1, 1)], mode="edge")
    height, width = level.alpha.shape
    total = np.zeros_like(colors)
    weights = np.zeros_like(level.alpha)
    for y, x in ((0, 1), (2, 1), (1, 0), (1, 2)):
        near = np.s_[..., y : y + height, x : x + width]
        weight = LEAST_SMOOTHNESS + SMOOTHNESS * np.abs(alpha[near] - level.alpha)
        weights += weight
        total += weight * padded[near]
    return _explain(total / weights, level, weights)


def _explain(colors: Planes, level: Level, smoothness: Planes | np.float32) -> Planes:
    """F and B moved towards I = aF + (1 - a)B, by the shortest way."""
    shares = np.stack([level.alpha, 1 - level.alpha])[:, np.newaxis]
    rest = level.mixture - (shares * colors).sum(axis=0)
    rest /= (shares**2).sum(axis=0) + smoothness
    explained: Planes = (colors + shares * rest).clip(0, 255)
    return explained


def _twice(planes: Planes, size: tuple[int, ...]) -> Planes:
    """At twice the size, less an odd row or column; bilinear."""
    for axis in (-1, -2):
        planes = np.moveaxis(_twice_along(np.moveaxis(planes, axis, -1)), -1, axis)
    return planes[..., : size[0], : size[1]]


def _twice_along(planes: Planes) -> Planes:
    padded = np.pad(planes, [(0, 0)] * (planes.ndim - 1) + [(1, 1)], mode="edge")
    result = np.empty((*planes.shape[:-1], 2 * planes.shape[-1]), np.float32)
    result[..., 0::2] = 0.75 * planes + 0.25 * padded[..., :-2]
    result[..., 1::2] = 0.75 * planes + 0.25 * padded[..., 2:]
    return result


# --- full resolution --------------------------------------------------------------------------------------------------

TAPS = np.array([[0.375, 0.625, 0], [0.125, 0.875, 0], [0, 0.875, 0.125], [0, 0.625, 0.375]], np.float32)
"""Bilinear weights of a cell's four pixels for the cell before, itself, and the cell after."""


def _unmix(strip: Strip, colors: Planes) -> None:
    """Puts F in place of I."""
    alpha = strip.alpha[strip.places]
    fore, back = _enlarged(colors, strip.cells)
    mixture = _channels(strip.pixels[strip.places])
    mixture -= back
    mixture -= LEVELS[alpha] * (fore - back)
    fore += SHARE[alpha] * mixture
    levels = (fore + 0.5).clip(0, 255).astype(np.uint8)
    packed = np.empty((*alpha.shape, 4), np.uint8)
    packed[..., :3] = np.moveaxis(levels, 0, -1)
    packed[..., 3] = 255
    strip.pixels[strip.places] = packed.view(np.uint32)[..., 0]


def _enlarged(colors: Planes, cells: Cells) -> Planes:
    """(2, 3, 16, N): F and B at each pixel of the cells, bilinear."""
    height, width = colors.shape[-2:]
    around = np.arange(-1, 2)[:, np.newaxis]
    rows = (cells.rows + around).clip(0, height - 1)
    columns = (cells.columns + around).clip(0, width - 1)
    near = colors[:, :, rows[:, np.newaxis], columns]
    across = _tapped(np.moveaxis(near, 2, 0))
    both = _tapped(np.moveaxis(across, 3, 0))
    return np.moveaxis(both, (1, 0), (2, 3)).reshape(2, 3, CELL_PX * CELL_PX, -1)


def _tapped(near: Planes) -> Planes:
    """(3, ...) to (4, ...)."""
    return np.stack([sum(tap * near[place] for place, tap in enumerate(taps) if tap) for taps in TAPS])
