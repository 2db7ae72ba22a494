"""Smaller pictures: Pillow's `reduce` and `resize`, to the bit."""

import ctypes
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.kernels.arrays import Counts, Packed, address, function, rows_of

Pixel = TypeVar("Pixel", np.uint8, np.uint32)


class Taps(NamedTuple):
    """Along one axis: of which n pixels each of those of a resized picture is made."""

    first: Counts
    """(n,)"""
    counts: Counts
    """(n,), at least 1 each."""
    weights: Counts
    """(n, k): so many of them count, in units of 2 ** -22."""


class _Taps(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("first", "counts", "weights")),
        *((name, ctypes.c_long) for name in ("most", "length")),
    )


class SizeLoops:
    """Rows of what is read may lie apart."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._shrink = function(library.shrink, "pnnnnnnpp")
        self._across = function(library.resample_across, "pnnpp")
        self._down = function(library.resample_down, "pnnpp")

    def shrink(self, pixels: NDArray[Pixel], across: int, down: int) -> NDArray[Pixel]:
        """Means of boxes of (h, w) pixels of one or of four bytes: `Image.reduce`."""
        height, width = pixels.shape
        smaller = np.empty((-(-height // down), -(-width // across)), pixels.dtype)
        self.shrink_into(pixels, across, down, smaller)
        return smaller

    def shrink_into(self, pixels: NDArray[Pixel], across: int, down: int, smaller: NDArray[Pixel]) -> None:
        """Fills `smaller` by what `shrink` would return."""
        height, width = pixels.shape
        sums = np.empty(width * pixels.itemsize, np.uint16)
        start, stride = rows_of(pixels)
        self._shrink(start, stride, width, height, pixels.itemsize, across, down, address(sums), address(smaller))

    def resample_across(self, pixels: Packed, taps: Taps) -> Packed:
        """(h, n) of (h, w) pixels."""
        resampled = np.empty((len(pixels), len(taps.first)), np.uint32)
        self._across(*rows_of(pixels), len(pixels), ctypes.byref(_pointers(taps)), address(resampled))
        return resampled

    def resample_down(self, pixels: Packed, taps: Taps) -> Packed:
        """(n, w) of (h, w) pixels."""
        width = pixels.shape[1]
        resampled = np.empty((len(taps.first), width), np.uint32)
        self._down(*rows_of(pixels), width * 4, ctypes.byref(_pointers(taps)), address(resampled))
        return resampled


def _pointers(along: Taps) -> _Taps:
    return _Taps(*map(address, along), along.weights.shape[1], len(along.first))
