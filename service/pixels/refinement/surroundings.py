"""What is known of an unsure pixel that is to be split into four: colours and answers around it, on three scales.

Colours do not go to the network as they are: what matters is how far each speaks for the subject *here*. So the answer
is regressed on the colours around the pixel, which gives for every colour the answer that it stands for; that is a
guided filter before its smoothing. Source: He, Sun and Tang 2010, "Guided Image Filtering", equations 14 to 16.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SCALES = 3
"""The level of the four pixels, that of the pixel that is split, and the one below: each has half the size."""

AROUND_ONE = np.arange(-2, 3)
AROUND_FOUR = np.arange(-2, 4)
"""Offsets from a pixel, and from the first of four: a window reaches two pixels further on each side."""

REACH = 3
SAMPLES_OF_FOUR = len(AROUND_FOUR) ** 2
SAMPLES = SAMPLES_OF_FOUR + 2 * len(AROUND_ONE) ** 2
FEATURES = 2 * SAMPLES + 4

LEAST_RANGE, FULL_RANGE = np.float32(0.5), np.float32(0.8)
"""How much the answer varies on the coarsest level around a pixel. Below the first there is no edge: a network that is
unsure of a whole region would get the photo's texture printed into its haze. Corrections fade in up to the second."""

SURELY_OUTSIDE, PERHAPS_INSIDE = np.float32(0.08), np.float32(0.2)
"""Of the lowest answer there. Where nothing around is surely background, a haze meets the subject, and cutting between
them would draw a line through it: corrections fade out from the first to the second."""

RIDGE = np.float32(1e-3 * 255**2)
"""The guided filter's epsilon, for colours from 0 to 255: keeps noise on plain ground from meaning anything."""

SMALLEST_VARIANCE = np.float32(1e-3 * 255**2)
"""Of the answer, 0 to 255: where it hardly varies, there is nothing to explain."""

EQUAL_SHARES = np.full((1, SAMPLES - SAMPLES_OF_FOUR), 1 / (SAMPLES - SAMPLES_OF_FOUR), np.float32)

LEVEL, HALF = np.float32(1 / 255), np.float32(0.5)

Features = NDArray[np.float32]
Coordinates = NDArray[np.intp]


class Places(NamedTuple):
    """Pixels of one level, n of them, each with the directions in which its window is read: 1, or -1 for mirrored."""

    rows: Coordinates
    columns: Coordinates
    down: Coordinates
    right: Coordinates

    @classmethod
    def of(cls, rows: Coordinates, columns: Coordinates) -> Self:
        """Mirrored so that each is the upper left of the four that share a pixel one level below.

        That leaves one case to learn instead of four.
        """
        return cls(rows, columns, 1 - 2 * (rows & 1), 1 - 2 * (columns & 1))

    def halved(self) -> "Places":
        """The pixels one level below that these are a part of."""
        return self._replace(rows=self.rows >> 1, columns=self.columns >> 1)

    def first_of_four(self) -> "Places":
        """Of the four pixels one level above, the one where their window begins."""
        return self._replace(rows=2 * self.rows + (self.down < 0), columns=2 * self.columns + (self.right < 0))

    def window(self, offsets: Coordinates) -> tuple[Coordinates, Coordinates]:
        """(n, k, 1) rows and (n, 1, k) columns of the pixels at `offsets`; some lie outside the picture."""
        rows = self.rows[:, np.newaxis] + self.down[:, np.newaxis] * offsets
        columns = self.columns[:, np.newaxis] + self.right[:, np.newaxis] * offsets
        return rows[:, :, np.newaxis], columns[:, np.newaxis]


@dataclass(frozen=True)
class Level:
    """Rows of a photo and of an answer of one size: red, green, blue and the answer are the bytes of each number."""

    packed: NDArray[np.uint32]
    top: int
    """Row of the whole level where `packed` begins."""
    height: int
    """Of the whole level."""

    @classmethod
    def pack(cls, picture: Image.Image, matte: Image.Image, top: int = 0, bottom: int | None = None) -> Self:
        """Rows `top` to `bottom` of a picture (RGB) and a matte (L), and the few around them that they look at."""
        height = picture.height
        first, last = max(0, top - REACH), min(height, (bottom or height) + REACH)
        part = (0, first, picture.width, last)
        pixels = picture.crop(part)
        pixels.putalpha(matte.crop(part))
        return cls(np.asarray(pixels).view(np.uint32)[..., 0], first, height)

    def around(self, places: Places, offsets: Coordinates) -> NDArray[np.uint32]:
        """(n, k * k), with the picture's border repeated outwards."""
        rows, columns = places.window(offsets)
        width = self.packed.shape[1]
        indices = (rows.clip(0, self.height - 1) - self.top) * width + columns.clip(0, width - 1)
        around: NDArray[np.uint32] = self.packed.ravel()[indices.reshape(len(indices), -1)]
        return around


class Description(NamedTuple):
    """What is known of n pixels."""

    features: Features
    """(n, FEATURES)"""
    trust: NDArray[np.float32]
    """(n, 1), 0 to 1: how far there is an edge to go by."""


def describe(levels: Sequence[Level], places: Places) -> Description:
    """Of pixels of the second of `levels`; the first is twice and the last half as large.

    For each sample around a pixel: the answer that its colour stands for, then the answer itself, both less a half.
    Then, of all samples on the two coarser levels: how much of the answer their colours explain, how much it varies,
    its range among all samples, and its mean.
    """
    samples = _samples(levels, places)
    coarser = samples[:, SAMPLES_OF_FOUR:]
    mean = np.matmul(EQUAL_SHARES, coarser)[:, 0]  # numpy's own mean takes three times as long over so short an axis
    products = np.matmul(coarser.transpose(0, 2, 1), coarser) / np.float32(coarser.shape[1])
    covariance = products - mean[:, :, np.newaxis] * mean[:, np.newaxis]  # off by less than 0.1, where RIDGE is 65
    slope, variance = _regress(covariance), covariance[:, 3, 3]

    features = np.empty((len(samples), FEATURES), np.float32)
    told, given, rest = np.split(features, (SAMPLES, 2 * SAMPLES), axis=1)
    offset = mean[:, 3] - np.einsum("nc,nc->n", mean, slope)
    np.add(np.matmul(samples, slope[..., np.newaxis])[..., 0], offset[:, np.newaxis], out=told)
    told *= LEVEL
    np.clip(told, -HALF, 1 + HALF, out=told)
    np.multiply(samples[..., 3], LEVEL, out=given)
    rest[:, 0] = np.einsum("nc,nc->n", slope, covariance[:, 3]) / (variance + SMALLEST_VARIANCE)
    rest[:, 1] = 2 * np.sqrt(variance.clip(0)) * LEVEL
    rest[:, 2] = given.max(axis=1) - given.min(axis=1)
    rest[:, 3] = mean[:, 3] * LEVEL
    trust = _trust(given[:, -(len(AROUND_ONE) ** 2) :])
    features -= HALF
    return Description(features, trust)


def _trust(coarsest: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 1), of the answers on the coarsest level around n pixels."""
    lowest = coarsest.min(axis=1, keepdims=True)
    is_edge = (coarsest.max(axis=1, keepdims=True) - lowest - LEAST_RANGE) / (FULL_RANGE - LEAST_RANGE)
    has_outside = (PERHAPS_INSIDE - lowest) / (PERHAPS_INSIDE - SURELY_OUTSIDE)
    trust: NDArray[np.float32] = is_edge.clip(0, 1) * has_outside.clip(0, 1)
    return trust


def _samples(levels: Sequence[Level], places: Places) -> NDArray[np.float32]:
    """(n, SAMPLES, 4): red, green, blue and the answer, 0 to 255, the finest level first."""
    finest, middle, coarsest = levels
    windows = (
        finest.around(places.first_of_four(), AROUND_FOUR),
        middle.around(places, AROUND_ONE),
        coarsest.around(places.halved(), AROUND_ONE),
    )
    packed = np.concatenate(windows, axis=1)
    return packed.view(np.uint8).astype(np.float32).reshape(len(packed), SAMPLES, 4)


def _regress(covariance: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 4): what one level of red, green and blue each adds to the answer, and 0 for the answer itself.

    Solves (S + RIDGE) slope = s for the symmetric 3x3 covariances S of the colours and their covariances s with the
    answer, by Cramer's rule: calling LAPACK for each pixel takes several times as long.
    """
    xx, yy, zz = (covariance[:, axis, axis] + RIDGE for axis in range(3))
    xy, xz, yz = covariance[:, 0, 1], covariance[:, 0, 2], covariance[:, 1, 2]
    x, y, z = (covariance[:, axis, 3] for axis in range(3))
    a, b, c = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    d, e, f = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
    solved = [a * x + b * y + c * z, b * x + d * y + e * z, c * x + e * y + f * z, np.zeros_like(x)]
    slope: NDArray[np.float32] = np.stack(solved, axis=1) / (xx * a + xy * b + xz * c)[:, np.newaxis]
    return slope
