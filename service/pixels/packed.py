"""Pixels as one number each, and what numpy computes of cells of them; where there are compiled loops, those do it."""

import numpy as np
from numpy.typing import NDArray

from service.kernels.painting import CELL_PX
from service.pixels.foreground import Planes, purity, share

Pixels = NDArray[np.uint32]
"""Red in the lowest byte, alpha in the highest."""

LITTLE_ENDIAN = np.dtype("<u4")
"""The order in which Pillow's RGBA becomes `Pixels`."""

ALPHA_BYTE = np.uint32(0xFF000000)

PIXELS_PER_CELL = CELL_PX * CELL_PX

HALF = np.float32(0.5)


def purest_colors(packed: Pixels) -> list[Planes]:
    """(N,) each: red, green and blue of F and of B, weighted with `purity`, and the two weights; means of cells."""
    colors, weights = _channels(packed), purity(_alpha(packed))
    # Divided after adding up: numpy's own mean takes twice as long.
    pure = [(colors * weight).sum(axis=1) / PIXELS_PER_CELL for weight in weights]
    return [*pure[0], *pure[1], *(weights.sum(axis=1) / PIXELS_PER_CELL)]


def unmixed(packed: Pixels, fore: Planes, back: Planes) -> Planes:
    """F as it explains the pixels; computed in the place of what is handed over."""
    alpha, unexplained = _alpha(packed), _channels(packed)
    unexplained -= back
    fore_less_back = np.subtract(fore, back, out=back)
    fore_less_back *= alpha
    unexplained -= fore_less_back
    unexplained *= share(alpha)
    fore += unexplained
    return fore


def _alpha(packed: Pixels) -> Planes:
    """0 to 1."""
    return (packed >> 24).astype(np.float32) * np.float32(1 / 255)


def zero_to_one(alpha: NDArray[np.uint8]) -> Planes:
    """float32 in [0, 1], of the same shape."""
    scaled: Planes = alpha * np.float32(1 / 255)
    return scaled


def _channels(packed: Pixels) -> Planes:
    """(...,) to (3, ...)."""
    channels = np.empty((3, *packed.shape), np.float32)
    for number, channel in enumerate(channels):
        channel[...] = packed.view(np.uint8).reshape(*packed.shape, 4)[..., number]
    return channels


def packed_colors(colors: Planes) -> Pixels:
    """(3, ...) to (...,), rounded."""
    colors = colors + HALF
    red, green, blue = np.clip(colors, 0, 255, out=colors).astype(np.uint32)
    packed: Pixels = red | green << 8 | blue << 16
    return packed
