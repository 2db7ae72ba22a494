"""The cascade by compiled loops: each step of `cascade.py` is one call for many rows, and nothing is copied between."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.kernels import Blended, Kernels, compiled_kernels
from service.kernels.memory import packed_pixels
from service.pixels.bands import BAND_ROWS
from service.pixels.packed import Pixels
from service.pixels.refinement.network import RefinementNetwork
from service.pixels.refinement.surroundings import SCALES
from service.pixels.threads import each_part, strips

Levels = NDArray[np.uint8]


class CompiledCascade:
    """Of one picture, for any number of answers."""

    def __init__(self, pictures: Sequence[Pixels], network: RefinementNetwork, kernels: Kernels) -> None:
        self._pictures = pictures
        self._layers = network.layers
        self._kernels = kernels

    @classmethod
    def of(cls, pixels: Pixels, count: int, network: RefinementNetwork, kernels: Kernels) -> Self:
        """With `count` sizes of the picture, each half as large as the one before."""
        pictures = [pixels]
        while len(pictures) < count:
            pictures.append(_halved(pictures[-1], kernels))
        return cls(pictures[::-1], network, kernels)

    @property
    def coarsest_size(self) -> tuple[int, int]:
        """(width, height) of the first size that is corrected."""
        height, width = self._pictures[SCALES - 1].shape
        return width, height

    def refined(self, coarsest: Levels) -> Levels:
        """(H, W) of an answer of `coarsest_size`."""
        mattes = [coarsest]
        for _ in range(SCALES - 1):
            mattes.append(self._kernels.sizes.shrink(mattes[-1], 2, 2))
        mattes.reverse()
        for index in range(SCALES - 1, len(self._pictures)):
            if index == len(mattes):
                mattes.append(self._doubled(mattes[-1], self._pictures[index].shape))
            mattes[index] = self._corrected(list(map(Blended, self._pictures[index::-1], mattes[index::-1]))[:SCALES])
        return mattes[-1]

    def _doubled(self, small: Levels, shape: tuple[int, ...]) -> Levels:
        large = np.empty(shape, np.uint8)
        each_part(lambda rows: self._kernels.edge.twice(small, rows, large), strips(len(small), BAND_ROWS))
        return large

    def _corrected(self, levels: Sequence[Blended]) -> Levels:
        """Of the finest of three levels, which is the first."""
        corrected = np.empty_like(levels[0].levels)
        half = strips(len(levels[1].levels), BAND_ROWS)
        each_part(lambda rows: self._kernels.edge.correct(levels, rows, self._layers, corrected), half)
        return corrected


def compiled_cascade(picture: Image.Image, count: int, network: RefinementNetwork) -> CompiledCascade | None:
    """None where the loops do not run, or the picture (RGB) cannot be had without a copy."""
    kernels = compiled_kernels()
    pixels = None if kernels is None else packed_pixels(picture)
    return None if kernels is None or pixels is None else CompiledCascade.of(pixels, count, network, kernels)


def _halved(pixels: Pixels, kernels: Kernels) -> Pixels:
    height, width = pixels.shape
    halves = np.empty((-(-height // 2), -(-width // 2)), pixels.dtype)

    def halve(rows: tuple[int, int]) -> None:
        top, bottom = rows
        kernels.sizes.shrink_into(pixels[2 * top : 2 * bottom], 2, 2, halves[top:bottom])

    each_part(halve, strips(len(halves), BAND_ROWS))
    return halves
