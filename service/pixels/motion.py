"""Where a picture stands still from one frame to another, and where it moves; and whether it is still the same scene.

Compared in blocks, at the size at which a network sees the picture: their means have little noise.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.models.decisions import Plane

BLOCK_PX = 8
"""The picture is compared in blocks of so many pixels at the network's input size: their means have little noise."""

STILL, MOVING = 3.0, 6.0
"""Of the noise: what differs by less stands still, what differs by more moves."""

LEAST_NOISE_LEVELS, MOST_NOISE_LEVELS = 0.5, 2.0
"""Of 255, in a block. Even a film has some, of its compression; a very bad sensor (16 levels a pixel) made 1.3."""

NOISE_GROWTH = 1.02
"""A frame. Where all of the picture moves the noise cannot be seen, and must not be taken for more than it was."""

SCENE_CUT_LEVELS = 28.0
"""Of 255, on average over all blocks. Another room behind the same person made 41, a person in another place of another
room 62; somebody large who moves by 16 of 640 pixels a frame made 17."""

Blocks = NDArray[np.float32]
"""(h, w, 3): the mean colour of each block."""


def blocks_of(pixels: NDArray[np.uint8]) -> Blocks:
    """Of (H, W, 3) pixels."""
    return np.asarray(Image.fromarray(pixels).reduce(BLOCK_PX), np.float32)


def difference(blocks: Blocks, former: Blocks) -> float:
    """Levels of 255, on average; infinite between pictures of two sizes."""
    if blocks.shape != former.shape:
        return float("inf")
    return float(np.abs(blocks - former).mean())


def change(blocks: Blocks, former: Blocks) -> Plane:
    """(..., h, w) levels by which each block differs, beyond what all do alike: that is the light, or the exposure.

    `former` may be several pictures, (..., h, w, 3), one after the other.
    """
    gain = np.median(blocks / np.maximum(former, 1), axis=(-3, -2), keepdims=True)
    result: Plane = np.abs(blocks - former * gain).max(axis=-1)
    return result


def noise(levels: Plane, former: float) -> float:
    """How much a block differs that does not move: the median, as most of a picture stands still most of the time."""
    return float(np.clip(np.median(levels), LEAST_NOISE_LEVELS, min(MOST_NOISE_LEVELS, former * NOISE_GROWTH)))


def motion(ratio: Plane) -> Plane:
    """(..., h, w), 0 where a block and its neighbours differ by noise only, 1 where one of them surely moved."""
    share = ((ratio - STILL) / (MOVING - STILL)).clip(0, 1).astype(np.float32, copy=False)
    # A soft edge of the matte reaches into the blocks beside what moved.
    return _largest_around(_largest_around(share).swapaxes(-1, -2)).swapaxes(-1, -2)


def _largest_around(planes: Plane) -> Plane:
    """Of each number and those to its left and right."""
    largest = planes.copy()
    np.maximum(largest[..., 1:], planes[..., :-1], out=largest[..., 1:])
    np.maximum(largest[..., :-1], planes[..., 1:], out=largest[..., :-1])
    return largest


def enlarged(plane: Plane, shape: tuple[int, ...]) -> Plane:
    """From one value a block to one a pixel, (h, w), bilinearly: two products of matrices, in a third of the time that
    a picture library takes for numbers that are no bytes.
    """
    height, width = shape
    result: Plane = _enlarging(plane.shape[0], height) @ (plane @ _enlarging(plane.shape[1], width).T)
    return result


@lru_cache(maxsize=16)
def _enlarging(small: int, large: int) -> Plane:
    """(large, small): how much each block counts for each pixel, along one axis; the border repeats the last block."""
    middles = (np.arange(large) + 0.5) * small / large - 0.5
    distance = np.abs(middles.clip(0, small - 1)[:, np.newaxis] - np.arange(small))
    weights: Plane = np.maximum(0, 1 - distance).astype(np.float32)
    return weights
