"""Brush labels of Label Studio: run lengths in a stream of bits, byte for byte what its SDK writes.

Each pixel is four values, its red, green, blue and alpha: 255 in the mask, 0 elsewhere; the pixels lie row after row.
The stream begins with the number of values (32 bits), the bits of a value less one (5) and the bits of the four kinds
of run lengths, less one (4 each). A run is one bit that says so, the number of its kind (2), its length less one, and
its value. Single values have a form of their own, which a mask never needs: its runs are of four values at least.

Source: https://github.com/thi-ng/umbrella/blob/develop/packages/rle-pack/src/index.ts, which Label Studio reads with.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.models.decisions import mask_of
from service.models.labels import LabelMap, Mask
from service.pixels.encoders.runs import find_runs

CHANNELS = 4
VALUE_BITS = 8
LENGTH_BITS = (3, 4, 8, 16)
"""Of a run's length, by kind."""
LONGEST_RUN = 1 << LENGTH_BITS[-1]

RUNS_AT_ONCE = 1 << 14
"""Written as bits, a byte for each, at once: half a megabyte, which stays in the cache."""

Numbers = NDArray[np.int64]
Bits = NDArray[np.uint8]
"""One byte for each."""


def encode_classes(labels: LabelMap, class_ids: Sequence[int]) -> list[list[int]]:
    """The mask of each class."""
    return [encode(mask_of(labels, (class_id,))) for class_id in class_ids]


def encode(mask: Mask) -> list[int]:
    """The bytes of the stream."""
    lengths, is_foreground = find_runs(mask)
    pieces, values = _pieces(lengths * CHANNELS, is_foreground)
    parts, rest = [], _header(mask.size * CHANNELS)
    for first in range(0, len(pieces), RUNS_AT_ONCE):
        part = slice(first, first + RUNS_AT_ONCE)
        bits = np.concatenate([rest, _bits_of_runs(pieces[part], values[part])])
        whole = len(bits) - len(bits) % 8
        parts.append(np.packbits(bits[:whole]))
        rest = bits[whole:]
    # A last byte that is full is followed by one of zeros, as in the SDK.
    end = np.packbits(rest) if len(rest) else np.zeros(1, np.uint8)
    numbers: list[int] = np.concatenate([*parts, end]).tolist()
    return numbers


def _header(value_count: int) -> Bits:
    fields = [(value_count, 32), (VALUE_BITS - 1, 5), *((bits - 1, 4) for bits in LENGTH_BITS)]
    text = "".join(f"{number:0{width}b}" for number, width in fields)
    return np.frombuffer(text.encode("ascii"), np.uint8) - ord("0")


def _pieces(lengths: Numbers, is_foreground: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """Lengths of at most LONGEST_RUN, and their values: a longer run is several, the last of them what remains."""
    counts = -(-lengths // LONGEST_RUN)
    pieces = np.full(counts.sum(), LONGEST_RUN, np.int64)
    pieces[np.cumsum(counts) - 1] = lengths - (counts - 1) * LONGEST_RUN
    return pieces, np.repeat(np.where(is_foreground, 255, 0), counts)


def _bits_of_runs(lengths: Numbers, values: Numbers) -> Bits:
    kinds = np.searchsorted([1 << bits for bits in LENGTH_BITS], lengths)
    length_bits = np.array(LENGTH_BITS)[kinds]
    runs = (((1 << 2 | kinds) << length_bits | lengths - 1) << VALUE_BITS) | values
    widths = 1 + 2 + length_bits + VALUE_BITS
    flushed_left = (runs << 32 - widths).astype(">u4")
    bits = np.unpackbits(flushed_left.view(np.uint8)).reshape(-1, 32)
    written: Bits = bits[np.arange(32) < widths[:, np.newaxis]]
    return written
