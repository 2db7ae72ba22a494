"""COCO run-length encoding of masks, byte for byte what pycocotools writes.

Runs go down the columns and start with background (possibly 0 pixels of it). From the fourth run on, a run is written
as its difference to the run two before. A number is written in groups of 5 bits, lowest first, a character each.

Source: rleToString in https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c
"""

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from service.models.labels import Mask

GROUP_BITS = 5
SIGN = 0x10  # in a number's last group
MORE = 0x20  # set in every group but a number's last
FIRST_CHARACTER = 48  # "0"


class Rle(TypedDict):
    """`size` is [height, width]."""

    size: list[int]
    counts: str


def encode(mask: Mask) -> Rle:
    height, width = mask.shape
    runs = _runs(mask.ravel(order="F"))
    runs[3:] -= runs[1:-2].copy()
    return {"size": [height, width], "counts": _write_numbers(runs)}


def decode(rle: Rle) -> Mask:
    """Raises ValueError if the counts are cut off or the runs do not fill `size` exactly."""
    height, width = rle["size"]
    runs = _read_numbers(rle["counts"])
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    if runs.min(initial=0) < 0 or runs.sum() != height * width:
        raise ValueError(f"the runs do not fill {width} x {height} pixels")
    is_foreground = np.arange(len(runs)) % 2 == 1
    return np.repeat(is_foreground, runs).reshape((height, width), order="F")


def _runs(pixels: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lengths of the runs; the first is background."""
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    starts_with_foreground = bool(pixels[:1].any())
    begin = [0, 0] if starts_with_foreground else [0]
    return np.diff(np.concatenate([begin, changes, [len(pixels)]]))


def _write_numbers(numbers: NDArray[np.int64]) -> str:
    columns, is_written = [], []
    unfinished = np.ones(len(numbers), np.bool_)
    while unfinished.any():
        is_written.append(unfinished)
        group = numbers & (MORE - 1)
        numbers = numbers >> GROUP_BITS
        unfinished = unfinished & (numbers != np.where(group & SIGN, -1, 0))
        columns.append((group + MORE * unfinished + FIRST_CHARACTER).astype(np.uint8))
    characters = np.stack(columns, axis=1)[np.stack(is_written, axis=1)]
    return characters.tobytes().decode("ascii")


def _read_numbers(text: str) -> NDArray[np.int64]:
    groups = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64) - FIRST_CHARACTER
    if not len(groups) or groups[-1] & MORE:
        raise ValueError("the counts end within a number")
    ends = np.flatnonzero(groups & MORE == 0) + 1
    starts = np.concatenate([[0], ends[:-1]])
    lengths = ends - starts
    places = np.arange(ends[-1]) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((groups & (MORE - 1)) << (GROUP_BITS * places), starts)
    is_negative = groups[ends - 1] & SIGN != 0
    return np.where(is_negative, numbers - (1 << (GROUP_BITS * lengths)), numbers)
