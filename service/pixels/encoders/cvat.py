"""Mask shapes of CVAT: the runs inside the mask's bounding box, and the box.

Runs go along the rows of the box and start with background, possibly 0 pixels of it. Left, top, right and bottom come
last; the right column and the bottom row are inside.

Source: https://docs.cvat.ai/docs/manual/advanced/formats/ and `cvat_sdk.masks`.
"""

from collections.abc import Sequence

from service.models.decisions import bounds_of, mask_of
from service.models.labels import LabelMap, Mask
from service.pixels.encoders.runs import find_runs


def encode_classes(labels: LabelMap, class_ids: Sequence[int]) -> list[list[int]]:
    """The mask of each class."""
    return [encode(mask_of(labels, (class_id,))) for class_id in class_ids]


def encode(mask: Mask) -> list[int]:
    """The `points` of a shape. Empty for an empty mask, which is no shape: CVAT knows none without a pixel."""
    if not mask.any():
        return []
    left, top, right, bottom = bounds_of(mask)
    lengths, is_foreground = find_runs(mask[top:bottom, left:right])
    runs: list[int] = lengths.tolist()
    return [*([0] if is_foreground[0] else []), *runs, left, top, right - 1, bottom - 1]
