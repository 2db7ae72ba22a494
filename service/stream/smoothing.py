"""Mattes that do not flicker: where the picture stands still, each is mixed with those before it.

MediaPipe mixes where the network is undecided, whatever the picture does. On the same mattes and at the same strength
that takes away 57 to 59% of the flicker of a still scene and leaves a moving edge up to 0.6 frames behind; this takes
away 92% and leaves it where it is (`benchmarks/quality/smoothing.py`, 2026-11-25).
"""

import numpy as np
from numpy.typing import NDArray

from service.models.decisions import Plane
from service.pixels.motion import (
    MOST_NOISE_LEVELS,
    SCENE_CUT_LEVELS,
    Blocks,
    blocks_of,
    change,
    difference,
    enlarged,
    motion,
    noise,
)


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
        blocks = blocks_of(pixels)
        former_plane, former_blocks = self._plane, self._blocks
        if former_plane is None or former_blocks is None or former_plane.shape != plane.shape:
            return self._remember(plane, blocks), False
        if difference(blocks, former_blocks) > SCENE_CUT_LEVELS:
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


def _mixed(former: Plane, plane: Plane, moving: Plane, strength: float) -> Plane:
    """former + (plane - former) * (1 - strength * (1 - moving)), in as few passes as possible."""
    kept = enlarged((1 - moving) * np.float32(strength), plane.shape)
    mixed = former - plane
    mixed *= kept
    mixed += plane
    return mixed
