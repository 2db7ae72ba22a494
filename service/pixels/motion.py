"""Where a picture stands still from one frame to another, and where it moves; and whether it is still the same scene.

Compared in blocks, at the size at which a network sees the picture: their means have little noise.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

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
    """(h, w) levels by which each block differs, beyond what all do alike: that is the light, or the exposure."""
    gain = np.median(blocks / np.maximum(former, 1), axis=(0, 1))
    result: Plane = np.abs(blocks - former * gain).max(axis=2)
    return result


def noise(levels: Plane, former: float) -> float:
    """How much a block differs that does not move: the median, as most of a picture stands still most of the time."""
    return float(np.clip(np.median(levels), LEAST_NOISE_LEVELS, min(MOST_NOISE_LEVELS, former * NOISE_GROWTH)))


def motion(ratio: Plane) -> Plane:
    """(h, w), 0 where a block and its neighbours differ by noise only, 1 where one of them surely moved."""
    share = ((ratio - STILL) / (MOVING - STILL)).clip(0, 1)
    # A soft edge of the matte reaches into the blocks beside what moved.
    spread = Image.fromarray(np.rint(share * 255).astype(np.uint8)).filter(ImageFilter.MaxFilter(3))
    return np.asarray(spread).astype(np.float32) / np.float32(255)


def enlarged(plane: Plane, shape: tuple[int, ...]) -> Image.Image:
    """From one value a block to one a pixel."""
    height, width = shape
    return Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)
