"""Mattes that do not flicker: where the picture stands still, each is mixed with those before it.

MediaPipe mixes where the network is undecided, whatever the picture does. On the same mattes and at the same strength
that takes away 57 to 59% of the flicker of a still scene and leaves a moving edge up to 0.6 frames behind; this takes
away 92% and leaves it where it is (`benchmarks/quality/smoothing.py`, 2026-11-25).
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


class Smoother:
    """Remembers a matte and the picture that it belongs to. One per session; frames come in order.

    Where a block differs from the remembered picture by more than noise, the matte is taken as it is. Elsewhere most of
    the remembered one stays: what the network says differently there is not because of the picture.
    """

    def __init__(self) -> None:
        self._plane: Plane | None = None
        self._blocks: Blocks | None = None
        self._noise_levels = MOST_NOISE_LEVELS

    def smooth(self, plane: Plane, pixels: NDArray[np.uint8], strength: float) -> tuple[Plane, bool]:
        """The probabilities, (h, w) in [0, 1], without their flicker, and whether this is another scene.

        `pixels`, (h, w, 3), is the same picture at the network's input size. `strength`, 0 to 1, is how much of the
        former matte stays where nothing moves: 0.9 averages about ten frames. A cut forgets all former ones.

        Source: motion-adaptive recursive filtering, as in Dubois & Sabri 1984, "Noise reduction in image sequences
        using motion-compensated temporal filtering", here without compensation and on a matte.
        """
        blocks = _blocks(pixels)
        former_plane, former_blocks = self._plane, self._blocks
        if former_plane is None or former_blocks is None or former_plane.shape != plane.shape:
            return self._remember(plane, blocks), False
        if _difference(blocks, former_blocks) > SCENE_CUT_LEVELS:
            return self._remember(plane, blocks), True
        levels = change(blocks, former_blocks)
        self._noise_levels = noise(levels, self._noise_levels)
        moving = motion(levels / self._noise_levels)
        taken = 1 - strength + strength * moving[..., np.newaxis]
        blended = former_blocks + (blocks - former_blocks) * taken
        return self._remember(_mixed(former_plane, plane, moving, strength), blended), False

    def _remember(self, plane: Plane, blocks: Blocks) -> Plane:
        self._plane, self._blocks = plane, blocks
        return plane


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


def _blocks(pixels: NDArray[np.uint8]) -> Blocks:
    return np.asarray(Image.fromarray(pixels).reduce(BLOCK_PX), np.float32)


def _difference(blocks: Blocks, former: Blocks) -> float:
    if blocks.shape != former.shape:
        return float("inf")
    return float(np.abs(blocks - former).mean())


def _mixed(former: Plane, plane: Plane, moving: Plane, strength: float) -> Plane:
    """former + (plane - former) * (1 - strength * (1 - moving)), in as few passes as possible."""
    kept = np.asarray(_enlarged((1 - moving) * np.float32(strength), plane.shape))
    mixed = former - plane
    mixed *= kept
    mixed += plane
    return mixed


def _enlarged(plane: Plane, shape: tuple[int, ...]) -> Image.Image:
    height, width = shape
    return Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)
