"""The subject's own colours at a soft edge, where the camera saw a mixture of subject and background.

A pixel there is I = aF + (1 - a)B. Showing I over a new background shows the old one as a fringe; this finds F.

The idea of Germer et al. 2020, "Fast multi-level foreground estimation": solve a small picture, then refine it at each
larger size. Two changes make it better and quicker here. Colours are pulled up the pyramid from pixels that are nearly
pure, so that a hair thinner than a coarse pixel still hands on its own colour (pull-push, Gortler et al. 1996). And at
full size only pixels of the soft edge are touched: F and B come from the quarter-size solution, and what they leave
unexplained of I goes to them by the shortest way.

With numpy; where compiled loops run, they do the same, with the constants that are here.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.kernels.painting import COARSEST, Cells

Planes = NDArray[np.float32]
"""(..., H, W): planes are contiguous, so that numpy computes on whole rows. Colours are levels, alpha is 0 to 1."""

SQUARINGS = 4
"""A pixel says as much of F as a to the power of 16: at 90% alpha, 19%. At 8, the error in hair was a third larger."""

DOUBT = 0.02
"""The weight, in pure pixels, of what the next smaller picture says."""

SMOOTHING_STEPS = 2
SMOOTHNESS = 0.1
"""Of F and B across an edge of alpha, against explaining I exactly."""
LEAST_SMOOTHNESS = np.float32(1e-5)

NOTHING = np.float32(1e-6)
"""The weight, in pure pixels, of the mixture itself."""


def purity(alpha: Planes) -> Planes:
    """(...,) to (2, ...): how much a pixel of this alpha says of F, and of B."""
    pure: Planes = np.stack([alpha, 1 - alpha])
    for _ in range(SQUARINGS):
        pure *= pure
    return pure


def share(alpha: Planes) -> Planes:
    """The part of what F and B leave unexplained that goes to F: the nearest point with I = aF + (1 - a)B."""
    rest: Planes = 1 - alpha
    return (alpha / (alpha * alpha + rest * rest)).astype(np.float32, copy=False)


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
    """F and B everywhere, coarsely; finely in the rows of cells that are wanted."""

    def __init__(self, finest: Level) -> None:
        self._finest = finest
        self._half_size = _solve(_smaller(finest))

    def around(self, cells: Cells) -> "Around":
        """F and B in the smallest rectangle that holds `cells` and one cell around them."""
        height, width = self._finest.alpha.shape
        top, bottom = int(cells.rows[0]) - 1, int(cells.rows[-1]) + 2
        left, right = int(cells.columns.min()) - 1, int(cells.columns.max()) + 2
        down, across = slice(max(0, top), min(height, bottom)), slice(max(0, left), min(width, right))
        part = np.s_[..., down, across]
        finest = self._finest
        colors = (finest.pure[part] + DOUBT * self._enlarged(down, across)) / (finest.weight[part] + DOUBT)
        refined = _explain(colors, finest.mixture[part], finest.alpha[part], LEAST_SMOOTHNESS)
        beyond = (down.start - top, bottom - down.stop), (across.start - left, right - across.stop)
        return Around(np.pad(refined, [(0, 0), (0, 0), *beyond], mode="edge"), top, left)

    def _enlarged(self, down: slice, across: slice) -> Planes:
        """(2, 3, h, w): that part of the smaller solution at twice its size."""
        above, before = max(0, down.start // 2 - 1), max(0, across.start // 2 - 1)
        half_size = self._half_size[..., above : down.stop // 2 + 2, before : across.stop // 2 + 2]
        enlarged = _twice(half_size, (down.stop - 2 * above, across.stop - 2 * before))
        return enlarged[..., down.start - 2 * above :, across.start - 2 * before :]


def _spread_in_cells() -> Planes:
    """(16, 9): how much each cell of 3 x 3 counts for each pixel of the one in the middle; bilinear."""
    along = np.array([[3, 5, 0], [1, 7, 0], [0, 7, 1], [0, 5, 3]], np.float32) / 8
    return np.kron(along, along)


SPREAD = _spread_in_cells()


class Around(NamedTuple):
    """F and B in a rectangle of cells; what lies outside of the picture repeats its border."""

    both: Planes
    """(2, 3, h, w)"""
    top: int
    left: int

    def at(self, cells: Cells) -> Planes:
        """(2, 3, 16, N): F and B of the pixels in `cells`, from left to right and from top to bottom."""
        width = self.both.shape[-1]
        near = np.arange(-1, 2)
        corner = (cells.rows - self.top) * width + cells.columns - self.left
        places = corner + (near[:, np.newaxis] * width + near).reshape(-1, 1)
        # One product of matrices: adding up the nine cells one by one takes several times as long.
        both: Planes = SPREAD @ _taken(self.both, places)
        return both


def _taken(planes: Planes, places: NDArray[np.intp]) -> Planes:
    """(..., H, W) to (..., *places), counted along the rows. Ten times as fast as indexing with rows and columns."""
    return planes.reshape(*planes.shape[:-2], -1).take(places, axis=-1)


def _smaller(finest: Level) -> list[Level]:
    """Everything but the finest, largest first."""
    levels = [_halved(finest)]
    while max(levels[-1].alpha.shape) > COARSEST:
        levels.append(_halved(levels[-1]))
    return levels


def _halved(level: Level) -> Level:
    return Level(*map(_half, (level.mixture, level.alpha, level.pure, level.weight)))


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
    colors = (smallest.pure + DOUBT * colors) / (smallest.weight + DOUBT)
    for level in reversed(levels):
        if level is not smallest:
            colors = _pulled(colors, level)
        for _ in range(SMOOTHING_STEPS):
            colors = _smooth(colors, level)
    return colors


def _pulled(colors: Planes, level: Level) -> Planes:
    """(2, 3, h, w) of half the size, enlarged, and pulled towards what is pure."""
    height, width = level.alpha.shape
    pulled: Planes = (level.pure + DOUBT * _twice(colors, (height, width))) / (level.weight + DOUBT)
    return pulled


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
    *others, height, width = planes.shape
    high = np.empty((*others, 2 * height, width), np.float32)
    _double(planes, high, axis=-2)
    wide = np.empty((*others, size[0], 2 * width), np.float32)
    _double(high[..., : size[0], :], wide, axis=-1)
    return wide[..., : size[1]]


def _double(planes: Planes, doubled: Planes, axis: int) -> None:
    """Fills `doubled`, twice as long along the axis: three quarters of what holds the place, a quarter of the next."""
    planes, doubled = np.moveaxis(planes, axis, 0), np.moveaxis(doubled, axis, 0)
    most, least = planes * np.float32(0.75), planes * np.float32(0.25)
    np.add(most[1:], least[:-1], out=doubled[2::2])
    np.add(most[:-1], least[1:], out=doubled[1:-1:2])
    doubled[0], doubled[-1] = planes[0], planes[-1]
