"""An unsure edge at one size after the other: `service/pixels/refinement/` says what it means."""

import ctypes
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from service.kernels.arrays import (
    Blended,
    BlendedPointers,
    Counts,
    Floats,
    Levels,
    Rows,
    address,
    function,
    pointers,
)

BATCH = 24
"""Pixels that C corrects at once."""


class Found(NamedTuple):
    """Pixels of one size of a picture, row by row: (n,) each."""

    rows: Counts
    columns: Counts


class Layers(NamedTuple):
    """The refinement network, as `network.RefinementNetwork` has it, and how its outputs count."""

    weights: Sequence[Floats]
    """(inputs, outputs), the first of FEATURES inputs; the outputs are 96, 48 and 4."""
    biases: Sequence[Floats]
    logits: Floats
    """(256,): of each level before."""
    scale: float
    """What an output of 1 adds to a logit."""
    haze: float
    """The probability below which an answer means no."""
    limits: Floats
    """`surroundings.LIMITS`"""
    sure: int
    """How close to 0 or 255 a level is sure."""


class _Correcting(ctypes.Structure):
    _fields_ = (
        ("weights", ctypes.c_void_p * 3),
        ("biases", ctypes.c_void_p * 3),
        ("logits", ctypes.c_void_p),
        ("scale", ctypes.c_float),
        ("haze", ctypes.c_float),
        ("limits", ctypes.c_void_p),
        ("sure", ctypes.c_long),
    )


class EdgeLoops:
    """What each fills in of a larger array may be told in rows, so that several threads have their own."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._correct = function(library.correct, "pnnppppp")
        self._all_unsure = function(library.all_unsure, "ppnnnpppp", ctypes.c_long)
        self._twice = function(library.twice, "pnnpnnnnp")

    def correct(self, levels: Sequence[Blended], rows: Rows, layers: Layers, corrected: Levels) -> None:
        """Fills the rows of (h, w) `corrected`, as large as the first of three levels, whose halves are some rows of
        the second, by the first one's answers, corrected where the second is unsure.
        """
        width = levels[1].levels.shape[1]
        triple = ctypes.c_void_p * 3
        by = _Correcting(
            *(triple(*map(address, each)) for each in (layers.weights, layers.biases)),
            address(layers.logits),
            layers.scale,
            layers.haze,
            address(layers.limits),
            layers.sure,
        )
        room, places = np.empty(5 * width + 64, np.uint8), np.empty((2, width + BATCH), np.int32)
        self._correct(
            (BlendedPointers * 3)(*map(pointers, levels)),
            *rows,
            ctypes.byref(by),
            address(room),
            address(places[0]),
            address(places[1]),
            address(corrected),
        )

    def unsure(self, middle: Blended, coarsest: Blended, rows: Rows, layers: Layers) -> Found:
        """Places in some rows of the middle level that `correct` would correct."""
        width, count = middle.levels.shape[1], rows[1] - rows[0]
        found = Found(*(np.empty(count * width, np.int32) for _ in range(2)))
        room = np.empty(5 * width + 64, np.uint8)
        several = self._all_unsure(
            *(ctypes.byref(pointers(each)) for each in (middle, coarsest)),
            *rows,
            layers.sure,
            address(layers.limits),
            address(room),
            *map(address, found),
        )
        return Found(found.rows[:several], found.columns[:several])

    def twice(self, small: Levels, rows: Rows, large: Levels) -> None:
        """Fills what some rows of (h, w) levels become in `large`, twice their size or a row or column less."""
        height, width = small.shape
        scratch = np.empty(4 * width, np.uint8)
        self._twice(address(small), width, height, address(large), *large.shape[::-1], *rows, address(scratch))
