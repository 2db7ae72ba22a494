"""COCO run-length encoding of masks, byte for byte what pycocotools writes.

Runs go down the columns and start with background (possibly 0 pixels of it). From the fourth run on, a run is written
as its difference to the run two before. A number is written in groups of 5 bits, lowest first, a character each.

pycocotools does the same in C, and is slower from a megapixel on: it turns the mask around to walk down its columns,
and does that anew for every class. Here the rows are compared as they lie, all classes at once, and only the places
where they differ are put in order of the columns. docs/performance.md has both.

Source: rleToString in https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from service.models.labels import LabelMap, Mask
from service.pixels.threads import pixel_work

GROUP_BITS = 5
SIGN = 0x10  # in a number's last group
MORE = 0x20  # set in every group but a number's last
FIRST_CHARACTER = 48  # "0"

BAND_PIXELS = 1 << 18
"""Compared at once: what is computed of them stays in the cache."""

PLACES_AT_ONCE = 1 << 16
"""Looked up, or written as numbers, at once: for the same reason."""

Places = NDArray[np.signedinteger]
"""Of pixels, counted down the columns."""


class Rle(TypedDict):
    """`size` is [height, width]."""

    size: list[int]
    counts: str


class _Runs(NamedTuple):
    """Of one class each, down the columns: run n reaches from borders[n] to borders[n + 1]."""

    borders: Places
    classes: NDArray[np.uint8]


def encode(mask: Mask) -> Rle:
    (rle,) = encode_classes(mask.view(np.uint8), (1,))
    return rle


@pixel_work
def encode_classes(labels: LabelMap, class_ids: Sequence[int]) -> list[Rle]:
    """The mask of each class, in one pass over the pixels."""
    runs = _find_runs(labels)
    height, width = labels.shape
    return [{"size": [height, width], "counts": _write_numbers(_numbers(runs, class_id))} for class_id in class_ids]


def _find_runs(labels: LabelMap) -> _Runs:
    borders = np.concatenate([*_changes(labels)])
    borders.sort()
    return _Runs(borders, np.concatenate([_at(labels, part) for part in _parts(borders[:-1])]))


def _at(labels: LabelMap, places: Places) -> NDArray[np.uint8]:
    x, y = np.divmod(places, len(labels))
    return labels[y, x]


def _parts(values: Places) -> Iterator[Places]:
    return (values[first : first + PLACES_AT_ONCE] for first in range(0, len(values), PLACES_AT_ONCE))


def _changes(labels: LabelMap) -> Iterator[Places]:
    """Pixels that differ from the one above, or at the top from the last of the column before; and both ends of all."""
    height, width = labels.shape
    place = np.dtype(np.int32 if labels.size < 2**31 else np.int64)  # 32 bits are sorted at twice the speed
    tops = np.flatnonzero(labels[0, 1:] != labels[-1, :-1]) + 1
    yield np.concatenate([[0], tops * height, [labels.size]]).astype(place)
    rows = max(1, BAND_PIXELS // width)
    for top in range(1, height, rows):
        here = labels[top : top + rows]
        changed = np.flatnonzero(here != labels[top - 1 : top - 1 + len(here)]).astype(place)
        y = changed // width
        yield (changed - y * width) * height + (y + top)


def _numbers(runs: _Runs, class_id: int) -> Places:
    """The lengths of runs of background and foreground in turn; from the fourth on, less the length two before."""
    is_foreground = runs.classes == class_id
    borders = np.zeros(2 + 2 * np.count_nonzero(is_foreground), runs.borders.dtype)
    borders[1:-1:2], borders[2:-1:2] = runs.borders[:-1][is_foreground], runs.borders[1:][is_foreground]
    borders[-1] = runs.borders[-1]
    ends_with_foreground = len(borders) > 2 and borders[-2] == borders[-1]
    lengths = np.diff(borders[:-1] if ends_with_foreground else borders)
    lengths[3:] -= lengths[1:-2]
    return lengths


def _write_numbers(numbers: Places) -> str:
    return b"".join(_characters(part).tobytes() for part in _parts(numbers)).decode("ascii")


def _characters(numbers: Places) -> NDArray[np.uint8]:
    """Most numbers are one character; those of the others are inserted behind it, group by group."""
    firsts, numbers, places = _write_group(numbers, np.arange(1, 1 + len(numbers)))
    inserted, at = [firsts[:0]], [places[:0]]
    while len(numbers):
        at.append(places)
        characters, numbers, places = _write_group(numbers, places)
        inserted.append(characters)
    return np.insert(firsts, np.concatenate(at), np.concatenate(inserted))


def _write_group(numbers: Places, places: NDArray[np.intp]) -> tuple[NDArray[np.uint8], Places, NDArray[np.intp]]:
    """The lowest group of each number; what is left of those that need another one, and their places."""
    group, rest = numbers & (MORE - 1), numbers >> GROUP_BITS
    is_unfinished = rest != -(group // SIGN)
    characters = (group + MORE * is_unfinished + FIRST_CHARACTER).astype(np.uint8)
    return characters, rest[is_unfinished], places[is_unfinished]
