"""Mattes of a film that do not flicker: each is the mean of those around it in time, wherever the picture stands still.

A film is not live, so this looks both ways: nothing lags, and what has moved away leaves no ghost, because a frame is
compared with each of its neighbours and not with a memory of them. `service/stream/smoothing.py` can only look back.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

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

REACH_FRAMES = 6
"""To each side. The mean of 13 mattes flickers by a thirteenth of what each of them does, where their errors have
nothing to do with each other; each more is one more picture in memory."""

Frame = TypeVar("Frame")


@dataclass(frozen=True)
class Matted(Generic[Frame]):
    """A frame, and how likely each pixel of it is the subject's."""

    frame: Frame
    plane: Plane
    """(h, w) in [0, 1], at the network's size, without padding."""
    pixels: NDArray[np.uint8]
    """(h, w, 3): the same picture as the network saw it, without padding."""


@dataclass(frozen=True)
class _Look:
    """What is remembered of a frame: not the picture itself."""

    plane: Plane
    blocks: Blocks
    scene: int
    noise_levels: float


class Steadier(Generic[Frame]):
    """Of one film. Frames come in order, and go in order as soon as `reach_frames` more have come.

    Source: the non-causal form of motion-adaptive temporal filtering, as in Dubois & Sabri 1984, "Noise reduction in
    image sequences using motion-compensated temporal filtering", here without compensation and on mattes.
    """

    def __init__(self, strength: float, reach_frames: int = REACH_FRAMES) -> None:
        """`strength`, 0 to 1: how much each neighbour counts beside the frame's own matte."""
        self._strength = strength
        self._reach = reach_frames if strength else 0
        self._looks: deque[_Look] = deque()
        self._waiting: deque[Frame] = deque()

    def take(self, matted: Matted[Frame]) -> Iterator[tuple[Frame, Plane]]:
        """One more frame; gives the one that is surrounded now."""
        self._looks.append(self._look(matted))
        self._waiting.append(matted.frame)
        if len(self._waiting) > self._reach:
            yield self._go()

    def end(self) -> Iterator[tuple[Frame, Plane]]:
        """No more will come."""
        while self._waiting:
            yield self._go()

    def _look(self, matted: Matted[Frame]) -> _Look:
        blocks = blocks_of(matted.pixels)
        if not self._looks:
            return _Look(matted.plane, blocks, 0, MOST_NOISE_LEVELS)
        last = self._looks[-1]
        if difference(blocks, last.blocks) > SCENE_CUT_LEVELS:
            return _Look(matted.plane, blocks, last.scene + 1, MOST_NOISE_LEVELS)
        return _Look(matted.plane, blocks, last.scene, noise(change(blocks, last.blocks), last.noise_levels))

    def _go(self) -> tuple[Frame, Plane]:
        place = len(self._looks) - len(self._waiting)
        around = list(self._looks)[max(0, place - self._reach) : place + self._reach + 1]
        look = self._looks[place]
        plane = self._mean(look, [other for other in around if other is not look and other.scene == look.scene])
        if place >= self._reach:
            self._looks.popleft()
        return self._waiting.popleft(), plane

    def _mean(self, look: _Look, others: Sequence[_Look]) -> Plane:
        """Of the frame's own matte and its neighbours', each as far as the picture is the same there."""
        total = look.plane.copy()
        if not others:
            return total
        changes = change(look.blocks, np.stack([other.blocks for other in others]))
        counts = np.float32(self._strength) * (1 - motion(changes / np.float32(look.noise_levels)))
        for other, count in zip(others, counts, strict=True):
            weighted = enlarged(count, total.shape)
            weighted *= other.plane
            total += weighted
        total /= 1 + enlarged(counts.sum(axis=0), total.shape)
        return total


async def steadied(
    frames: AsyncIterator[Matted[Frame]], steadier: Steadier[Frame]
) -> AsyncIterator[tuple[Frame, Plane]]:
    """Each frame with its steady matte, in order; made on a thread."""
    async for matted in frames:
        for steady in await asyncio.to_thread(list, steadier.take(matted)):
            yield steady
    while last := await asyncio.to_thread(next, steadier.end(), None):
        yield last
