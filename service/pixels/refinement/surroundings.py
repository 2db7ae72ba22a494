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

from service.kernels.memory import image_bytes
from service.models.labels import Size

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

LIMITS = np.array([RIDGE, SMALLEST_VARIANCE, LEAST_RANGE, FULL_RANGE, SURELY_OUTSIDE, PERHAPS_INSIDE], dtype=np.float32)
"""For the compiled `describe`."""

SURE_LEVELS = 5
"""Of 255, from either end: what is that close to 0 or 1 is sure."""

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
        """(k, n) rows and columns of the pixels at `offsets`; some lie outside the picture."""
        apart = offsets[:, np.newaxis]
        return self.rows + self.down * apart, self.columns + self.right * apart


@dataclass(frozen=True)
class Level:
    """Part of a photo and of an answer of one size: red, green, blue and the answer are the bytes of each number."""

    packed: NDArray[np.uint32]
    left: int
    """Column of the whole level where `packed` begins."""
    top: int
    size: Size
    """Of the whole level."""

    @classmethod
    def pack(cls, picture: Image.Image, matte: Image.Image, part: tuple[int, int, int, int] | None = None) -> Self:
        """What is inside (left, top, right, bottom) of a picture (RGB) and a matte (L), and what that looks at."""
        width, height = picture.size
        left, top, right, bottom = part or (0, 0, width, height)
        left, top = max(0, left - REACH), max(0, top - REACH)
        area = (left, top, min(width, right + REACH), min(height, bottom + REACH))
        return cls(_packed(picture, matte, area), left, top, Size(width, height))

    def around(self, places: Places, offsets: Coordinates) -> NDArray[np.uint32]:
        """(k * k, n), with the picture's border repeated outwards."""
        rows, columns = places.window(offsets)
        starts = (rows.clip(0, self.size.height - 1) - self.top) * self.packed.shape[1] - self.left
        indices = starts[:, np.newaxis] + columns.clip(0, self.size.width - 1)
        around: NDArray[np.uint32] = self.packed.ravel().take(indices.reshape(-1, len(places.rows)))
        return around


def _packed(picture: Image.Image, matte: Image.Image, area: tuple[int, int, int, int]) -> NDArray[np.uint32]:
    pixels = picture.crop(area)
    pixels.putalpha(matte.crop(area))
    return image_bytes(pixels).view(np.uint32)[..., 0]


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
    mean, covariance = _moments(samples[:, SAMPLES_OF_FOUR:])
    slope, variance = _regress(covariance), covariance[3][3]

    # Pixels come last, so that numpy adds and multiplies as many numbers in a row as there are pixels.
    features = np.empty((FEATURES, len(places.rows)), np.float32)
    told, given, rest = np.split(features, (SAMPLES, 2 * SAMPLES))
    np.multiply(samples[3], LEVEL, out=given)
    rest[0] = sum(slope[axis] * covariance[axis][3] for axis in range(3)) / (variance + SMALLEST_VARIANCE)
    rest[1] = 2 * np.sqrt(variance.clip(0)) * LEVEL
    rest[2] = given.max(axis=0) - given.min(axis=0)
    rest[3] = mean[3] * LEVEL
    trust = _trust(given[-(len(AROUND_ONE) ** 2) :])
    _tell(samples, slope, mean, told)
    features -= HALF
    return Description(features.T, trust[:, np.newaxis])


def _moments(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], Sequence[Sequence[NDArray[np.float32]]]]:
    """The means, (4, n), and covariances of four times four, (n,) each, of (4, k, n)."""
    count = np.float32(samples.shape[1])
    mean = samples.sum(axis=1) / count
    upper = [np.einsum("ckn,kn->cn", samples[axis:], samples[axis]) / count for axis in range(4)]
    # Off by less than 0.1, where RIDGE is 65.
    return mean, [
        [upper[min(one, other)][abs(one - other)] - mean[one] * mean[other] for other in range(4)] for one in range(4)
    ]


def _tell(
    samples: NDArray[np.float32], slope: NDArray[np.float32], mean: NDArray[np.float32], told: NDArray[np.float32]
) -> None:
    """Fills (k, n) with the answers that the colours of (4, k, n) samples stand for, not far beyond 0 to 1."""
    slope = slope * LEVEL
    np.multiply(samples[0], slope[0], out=told)
    for axis in (1, 2):
        samples[axis] *= slope[axis]
        told += samples[axis]
    told += mean[3] * LEVEL - (mean[:3] * slope).sum(axis=0)
    np.clip(told, -HALF, 1 + HALF, out=told)


def _trust(coarsest: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,), of the answers on the coarsest level around n pixels, (k, n)."""
    lowest = coarsest.min(axis=0)
    is_edge = (coarsest.max(axis=0) - lowest - LEAST_RANGE) / (FULL_RANGE - LEAST_RANGE)
    has_outside = (PERHAPS_INSIDE - lowest) / (PERHAPS_INSIDE - SURELY_OUTSIDE)
    trust: NDArray[np.float32] = is_edge.clip(0, 1) * has_outside.clip(0, 1)
    return trust


def _samples(levels: Sequence[Level], places: Places) -> NDArray[np.float32]:
    """(4, SAMPLES, n): red, green, blue and the answer, 0 to 255, the finest level first."""
    finest, middle, coarsest = levels
    windows = (
        finest.around(places.first_of_four(), AROUND_FOUR),
        middle.around(places, AROUND_ONE),
        coarsest.around(places.halved(), AROUND_ONE),
    )
    packed = np.concatenate(windows)
    samples = np.empty((4, *packed.shape), np.float32)
    for number, channel in enumerate(samples):
        channel[...] = packed.view(np.uint8).reshape(*packed.shape, 4)[..., number]
    return samples


def _regress(covariance: Sequence[Sequence[NDArray[np.float32]]]) -> NDArray[np.float32]:
    """(3, n): what one level of red, green and blue each adds to the answer.

    Solves (S + RIDGE) slope = s for the symmetric 3x3 covariances S of the colours and their covariances s with the
    answer, by Cramer's rule: calling LAPACK for each pixel takes several times as long.
    """
    xx, yy, zz = (covariance[axis][axis] + RIDGE for axis in range(3))
    xy, xz, yz = covariance[0][1], covariance[0][2], covariance[1][2]
    x, y, z = (covariance[axis][3] for axis in range(3))
    a, b, c = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    d, e, f = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
    solved = [a * x + b * y + c * z, b * x + d * y + e * z, c * x + e * y + f * z]
    slope: NDArray[np.float32] = np.stack(solved) / (xx * a + xy * b + xz * c)
    return slope
