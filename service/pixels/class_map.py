"""Which class each pixel has where several classes meet, with the edges that the photo has.

The edges of each class are refined alone, and a class knows nothing of its neighbour: where two meet, both may claim a
pixel, or neither. So a class has that share of a pixel which its refined matte has in the sum of all mattes. The shares
of a pixel sum to 1 and the largest decides; it is the confidence, times how sure the network is that it is any of these
classes at all, because those that are nowhere the likeliest are left out.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from service.models.decisions import classes_in, enlarge
from service.models.labels import Box, LabelMap, Scores, Size
from service.pixels.bands import bands
from service.pixels.refinement import refine_each

Levels = NDArray[np.uint8]


class Decision(NamedTuple):
    """A class for every pixel."""

    labels: LabelMap
    confidence: Levels
    """(H, W), 0 to 255: the probability of the class that was decided on."""


def refined_decision(probabilities: Scores, box: Box, grid: Size, picture: Image.Image) -> Decision:
    """Of (C, h, w) probabilities, whose part `box` shows `picture` (RGB); the network had `grid` samples for it.

    One refined matte is in memory at a time.
    """
    size = Size(*picture.size)
    likeliest = probabilities.argmax(axis=0).astype(np.uint8)
    present = classes_in(likeliest)
    shares = probabilities[present]
    known = shares.sum(axis=0)
    shares /= known
    coarse = np.array(Image.fromarray(likeliest).resize(size, Image.Resampling.NEAREST, box=box))
    match present:
        case [_]:
            labels, share = coarse, np.full_like(coarse, 255)
        case [first, second]:
            labels, share = _one_or_other(first, second, *refine_each(shares[1:], box, grid, picture))
        case _:
            labels, share = _largest(coarse, present, refine_each(shares, box, grid, picture))
    return Decision(labels, np.asarray(ImageChops.multiply(Image.fromarray(share), enlarge(known, box, size))))


def _one_or_other(first: int, second: int, matte: Image.Image) -> tuple[LabelMap, Levels]:
    """Between two classes the matte of the second says it of both: the first has the rest."""
    labels = matte.point([first] * 128 + [second] * 128)
    share = matte.point([max(level, 255 - level) for level in range(256)])
    return np.asarray(labels), np.asarray(share)


def _largest(labels: LabelMap, class_ids: Sequence[int], mattes: Iterable[Image.Image]) -> tuple[LabelMap, Levels]:
    """What `labels` has already stays where no matte claims anything; nobody's share is larger than 0 there."""
    highest, total = np.zeros_like(labels), np.zeros(labels.shape, np.uint16)
    for class_id, matte in zip(class_ids, mattes, strict=True):
        levels = np.asarray(matte)
        for top, bottom in bands(len(labels)):
            rows = slice(top, bottom)
            labels[rows][levels[rows] > highest[rows]] = class_id
            np.maximum(highest[rows], levels[rows], out=highest[rows])
            total[rows] += levels[rows]
    for top, bottom in bands(len(labels)):
        rows = slice(top, bottom)
        highest[rows] = np.rint(highest[rows] * np.float32(255) / np.maximum(total[rows], 1))
    return labels, highest
