"""A hand that corrects: where the largest error is, a click in its middle or a stroke along it.

Source of the click: the usual protocol of interactive segmentation, as in Sofiiuk et al. 2021, "Reviving iterative
training with mask guidance"; of the stroke along the skeleton: the robot of the DAVIS 2018 interactive challenge.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt, label
from skimage.morphology import skeletonize

from service.models.labels import Mask

CLICK_SHARE = 0.01
"""Of the picture's diagonal: the radius of a click, unless the error is narrower."""

BRUSH_SHARE = 0.5
"""Of the error's largest inner radius: the radius of the brush. Only where that fits does the stroke go."""

Point = tuple[int, int]
"""(row, column)"""


@dataclass(frozen=True)
class Gesture:
    """One click or one stroke; never over a pixel that is right already."""

    keep: bool
    points: list[Point]
    radius_px: float

    def drawn(self, size: tuple[int, int]) -> Image.Image:
        """Mode L: white where it paints."""
        layer = Image.new("L", size)
        draw = ImageDraw.Draw(layer)
        for row, column in self.points:
            draw.circle((column, row), self.radius_px, fill=255)
        return layer


Hand = Callable[[Mask, Mask], Gesture | None]


def click(found: Mask, truth: Mask) -> Gesture | None:
    """In the middle of the largest error; None where there is none."""
    error = _largest_error(found, truth)
    if error is None:
        return None
    keep, depth = error
    radius = min(CLICK_SHARE * float(np.hypot(*found.shape)), float(depth.max()) - 1)
    return Gesture(keep, [_deepest(depth)], max(0.5, radius))


def stroke(found: Mask, truth: Mask) -> Gesture | None:
    """Along the middle of the largest error, with a brush that fits into it."""
    error = _largest_error(found, truth)
    if error is None:
        return None
    keep, depth = error
    radius = max(0.5, BRUSH_SHARE * float(depth.max()) - 1)
    path = _longest_path(skeletonize(depth > 0) & (depth > radius + 1))
    return Gesture(keep, path or [_deepest(depth)], radius)


HANDS: dict[str, Hand] = {"click": click, "stroke": stroke}


def _largest_error(found: Mask, truth: Mask) -> tuple[bool, NDArray[np.float64]] | None:
    """Whether it is to be kept, and how deep inside of it each pixel lies: 0 outside."""
    kinds = {True: _largest_piece(truth & ~found), False: _largest_piece(found & ~truth)}
    pieces = [(keep, piece) for keep, piece in kinds.items() if piece is not None]
    if not pieces:
        return None
    keep, piece = max(pieces, key=lambda each: np.count_nonzero(each[1]))
    return keep, distance_transform_edt(np.pad(piece, 1))[1:-1, 1:-1]


def _largest_piece(wrong: Mask) -> Mask | None:
    pieces, count = label(wrong)
    if not count:
        return None
    largest: Mask = pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()
    return largest


def _deepest(depth: NDArray[np.float64]) -> Point:
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    return int(row), int(column)


def _longest_path(skeleton: Mask) -> list[Point]:
    """From end to end of its largest piece: the farthest pixel from the farthest pixel of any."""
    pieces, count = label(skeleton, np.ones((3, 3)))
    if not count:
        return []
    largest = 1 + np.bincount(pieces.ravel())[1:].argmax()
    pixels = {(int(row), int(column)) for row, column in np.argwhere(pieces == largest)}
    return _farthest(_farthest([next(iter(sorted(pixels)))], pixels)[-1:], pixels)


def _farthest(start: list[Point], pixels: set[Point]) -> list[Point]:
    """The way from the start to the pixel that is farthest from it."""
    before: dict[Point, Point | None] = {start[0]: None}
    waiting = deque(start)
    last = start[0]
    while waiting:
        last = waiting.popleft()
        row, column = last
        for near in ((row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)):
            if near in pixels and near not in before:
                before[near] = last
                waiting.append(near)
    way: list[Point] = []
    at: Point | None = last
    while at is not None:
        way.append(at)
        at = before[at]
    return way[::-1]
