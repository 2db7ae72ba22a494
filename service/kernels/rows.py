"""Rows of levels, read once."""

import ctypes

import numpy as np

from service.kernels.arrays import Levels, Packed, Rows, address, function, rows_of


class RowLoops:
    """Of (h, w) levels, whose rows may lie apart."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._bounds = function(library.bounds, "pnnnnp")
        self._reaches = function(library.reaches, "pnnnn", ctypes.c_long)
        self._filter_up = function(library.filter_up, "pnnnnpp")

    def bounds(self, levels: Levels, least: int) -> tuple[int, int, int, int] | None:
        """(left, top, right, bottom) of those that are `least` or more; None where there is none."""
        height, width = levels.shape
        box = (ctypes.c_long * 4)()
        self._bounds(*rows_of(levels), width, height, least, box)
        left, top, right, bottom = box
        return (left, top, right, bottom) if right else None

    def reaches(self, levels: Levels, least: int) -> bool:
        """Whether one of them is `least` or more."""
        height, width = levels.shape
        return bool(self._reaches(*rows_of(levels), width, height, least))

    def filter_up(self, pixels: Packed, channels: int, rows: Rows, filtered: Levels) -> None:
        """Fills (n, 1 + w * channels) with some rows of (h, w) pixels, of which 3 or 4 channels count, by PNG's filter
        `up`, each behind its type.
        """
        width = pixels.shape[1]
        none = np.zeros(width, np.uint32)
        self._filter_up(address(pixels), width, channels, *rows, address(none), address(filtered))
