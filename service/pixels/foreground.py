"""The subject's own colours at a soft edge, where the camera saw a mixture of subject and background.

A pixel there is I = aF + (1 - a)B. Showing I over a new background shows the old one as a fringe; this finds F.

The idea of Germer et al. 2020, "Fast multi-level foreground estimation": solve a small picture, then refine it at each
larger size. Two changes make it better and quicker here. Colours are pulled up the pyramid from pixels that are nearly
pure, so that a hair thinner than a coarse pixel still hands on its own colour (pull-push, Gortler et al. 1996). And at
full size only pixels of the soft edge are touched: F and B come from the quarter-size solution, and what they leave
unexplained of I goes to them by the shortest way.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]
"""(..., H, W): planes are contiguous, so that numpy computes on whole rows. Colours are levels, alpha is 0 to 1."""

CELL_PX = 4
"""The finest size that is solved has one value for 4 x 4 pixels; a cell is those."""

PURITY = 16
"""A pixel says as much of F as a to this power: at 90% alpha, 19%. At 8, the error in hair was a third larger."""

DOUBT = 0.02
"""The weight, in pure pixels, of what the next smaller picture says."""

SMOOTHING_STEPS = 2
SMOOTHNESS = 0.1
"""Of F and B across an edge of alpha, against explaining I exactly."""
LEAST_SMOOTHNESS = np.float32(1e-5)

NOTHING = np.float32(1e-6)
"""The weight, in pure pixels, of the mixture itself."""

COARSEST = 4
"""Cells across."""


def purity(alpha: Planes) -> Planes:
    """(...,) to (2, ...): how much a pixel of this alpha says of F, and of B."""
    pure: Planes = np.stack([alpha, 1 - alpha]) ** PURITY
    return pure


def share(alpha: Planes) -> Planes:
    """The part of what F and B leave unexplained that goes to F: the nearest point with I = aF + (1 - a)B."""
    rest: Planes = 1 - alpha
    return (alpha / (alpha * alpha + rest * rest)).astype(np.float32, copy=False)


class Cells(NamedTuple):
    """Some cells, row by row: (N,) each."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    def between(self, top: int, bottom: int) -> "Cells":
        first, last = np.searchsorted(self.rows, (top, bottom))
        return Cells(self.rows[first:last], self.columns[first:last])


@dataclass(frozen=True)
class Level:
    """One size of the picture."""

    mixture: Planes
    """(3, h, w): I."""
    alpha: Planes
    """(h, w)"""
    pure: Planes
    """(2, 3, h, w): the mean of pure pixels' colours times `weight`; for F and B."""
    weight: Planes
    """(2, 1, h, w): the mean of `purity`."""


class Estimate:
    """F and B everywhere, coarsely: what is left to do is `at` the cells that are wanted."""

    def __init__(self, finest: Level) -> None:
        self._finest = finest
        self._half_size = _solve(_smaller(finest))

    def at(self, cells: Cells) -> Planes:
        """(2, 3, 16, N): F and B of the pixels in `cells`, from left to right and from top to bottom."""
        height, width = self._finest.alpha.shape
        around = np.arange(-1, 2)[:, np.newaxis]
        rows, columns = (cells.rows + around).clip(0, height - 1), (cells.columns + around).clip(0, width - 1)
        near = self._refined(rows[:, np.newaxis], columns)
        across = _enlarged(near.swapaxes(2, 3)).swapaxes(2, 3)
        both: Planes = _enlarged(across).reshape(2, 3, CELL_PX * CELL_PX, -1)
        return both

    def _refined(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Planes:
        """(2, 3, *places)"""
        finest = self._finest
        places = rows * finest.alpha.shape[1] + columns
        doubt = DOUBT * _at_twice_the_size(self._half_size, rows, columns)
        colors = (_taken(finest.pure, places) + doubt) / (_taken(finest.weight, places) + DOUBT)
        return _explain(colors, _taken(finest.mixture, places), _taken(finest.alpha, places), LEAST_SMOOTHNESS)


def _taken(planes: Planes, places: NDArray[np.intp]) -> Planes:
    """(..., H, W) to (..., *places), counted along the rows. Ten times as fast as indexing with rows and columns."""
    return planes.reshape(*planes.shape[:-2], -1).take(places, axis=-1)


def _at_twice_the_size(colors: Planes, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Planes:
    """Bilinear: three quarters of the pixel that holds the place, a quarter of the next one, along each axis."""
    height, width = colors.shape[-2:]
    inner, left = rows // 2 * width, columns // 2
    outer = (rows // 2 + rows % 2 * 2 - 1).clip(0, height - 1) * width
    right = (left + columns % 2 * 2 - 1).clip(0, width - 1)
    held = 0.5625 * _taken(colors, inner + left) + 0.0625 * _taken(colors, outer + right)
    mixed: Planes = held + 0.1875 * (_taken(colors, outer + left) + _taken(colors, inner + right))
    return mixed


def _enlarged(near: Planes) -> Planes:
    """(2, 3, 3, ...) to (2, 3, 4, ...): a cell's pixels from the cell before, itself, and the one after; bilinear."""
    before, here, after = near[:, :, 0], near[:, :, 1], near[:, :, 2]
    result = np.empty((2, 3, CELL_PX, *near.shape[3:]), np.float32)
    result[:, :, 0] = 0.375 * before + 0.625 * here
    result[:, :, 1] = 0.125 * before + 0.875 * here
    result[:, :, 2] = 0.125 * after + 0.875 * here
    result[:, :, 3] = 0.375 * after + 0.625 * here
    return result


def _smaller(finest: Level) -> list[Level]:
    """Everything but the finest, largest first."""
    levels = [_halved(finest)]
    while max(levels[-1].alpha.shape) > COARSEST:
        levels.append(_halved(levels[-1]))
    return levels


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
    """(2, 3, h, w): F and B at the largest of `levels`."""
    smallest = levels[-1]
    # Where nothing is pure anywhere, both are taken to be what is seen.
    colors: Planes = (smallest.pure + NOTHING * smallest.mixture) / (smallest.weight + NOTHING)
    for level in reversed(levels):
        if level is not smallest:
            colors = _twice(colors, level.alpha.shape)
        colors = (level.pure + DOUBT * colors) / (level.weight + DOUBT)
        for _ in range(SMOOTHING_STEPS):
            colors = _smooth(colors, level)
    return colors


def _smooth(colors: Planes, level: Level) -> Planes:
    """One Jacobi step: the nearest to the neighbours' mean that explains I, neighbours across an edge counting most."""
    alpha = np.pad(level.alpha, 1, mode="edge")
    padded = np.pad(colors, [(0, 0), (0, 0), (1, 1), (1, 1)], mode="edge")
    height, width = level.alpha.shape
    total, weights = np.zeros_like(colors), np.zeros_like(level.alpha)
    for y, x in ((0, 1), (2, 1), (1, 0), (1, 2)):
        near = np.s_[..., y : y + height, x : x + width]
        weight = LEAST_SMOOTHNESS + SMOOTHNESS * np.abs(alpha[near] - level.alpha)
        weights += weight
        total += weight * padded[near]
    return _explain(total / weights, level.mixture, level.alpha, weights)


def _explain(colors: Planes, mixture: Planes, alpha: Planes, smoothness: Planes | np.float32) -> Planes:
    """F and B moved towards I = aF + (1 - a)B, by the shortest way."""
    rest = 1 - alpha
    unexplained = mixture - colors[1] - alpha * (colors[0] - colors[1])
    unexplained /= alpha * alpha + rest * rest + smoothness
    explained = np.stack([colors[0] + alpha * unexplained, colors[1] + rest * unexplained])
    return np.clip(explained, 0, 255, out=explained)


def _twice(planes: Planes, size: tuple[int, ...]) -> Planes:
    """At twice the size, less an odd row or column; bilinear."""
    wide = _twice_along(planes)
    high = _twice_along(wide.swapaxes(-1, -2)).swapaxes(-1, -2)
    return np.ascontiguousarray(high[..., : size[0], : size[1]])


def _twice_along(planes: Planes) -> Planes:
    """Along the last axis."""
    padded = np.pad(planes, [(0, 0)] * (planes.ndim - 1) + [(1, 1)], mode="edge")
    result = np.empty((*planes.shape[:-1], 2 * planes.shape[-1]), np.float32)
    result[..., 0::2] = 0.75 * planes + 0.25 * padded[..., :-2]
    result[..., 1::2] = 0.75 * planes + 0.25 * padded[..., 2:]
    return result
