"""Calls the compiled loops with arrays. Knows nothing of pictures."""

import ctypes
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Levels = NDArray[np.uint8]
Packed = NDArray[np.uint32]
"""Red in the lowest byte; alpha, or an answer, in the highest."""

Coordinates = NDArray[np.intp]
Counts = NDArray[np.int32]

Pixel = TypeVar("Pixel", np.uint8, np.uint32)

Corner = tuple[int, int]
"""Row and column."""


class Blended(NamedTuple):
    """Colours and levels of the same pixels, (h, w) each; their rows may lie apart."""

    colors: Packed
    """The highest byte does not count."""
    levels: Levels


class Part(NamedTuple):
    """A part of a picture, (h, w), whose rows may lie apart, and the cell at its upper left."""

    pixels: Packed
    corner: Corner


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


class Window(NamedTuple):
    """A rectangle; it may reach beyond the picture, whose border is repeated there."""

    top: int
    left: int
    width: int
    height: int


class Taps(NamedTuple):
    """Along one axis: of which n pixels each of those of a resized picture is made."""

    first: Counts
    """(n,)"""
    counts: Counts
    """(n,), at least 1 each."""
    weights: Counts
    """(n, k): so many of them count, in units of 2 ** -22."""


class ColorLevel(Protocol):
    """One size of a picture whose colours are solved: `foreground.Level`."""

    @property
    def mixture(self) -> Floats: ...
    @property
    def alpha(self) -> Floats: ...
    @property
    def pure(self) -> Floats: ...
    @property
    def weight(self) -> Floats: ...


class _Blend(ctypes.Structure):
    _fields_ = (
        ("colors", ctypes.c_void_p),
        ("color_stride", ctypes.c_long),
        ("levels", ctypes.c_void_p),
        *((name, ctypes.c_long) for name in ("level_stride", "width", "height")),
    )


class _Area(ctypes.Structure):
    _fields_ = (
        ("pixels", ctypes.c_void_p),
        *((name, ctypes.c_long) for name in ("stride", "width", "height", "row", "column")),
    )


class _Sizes(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("mixture", "alpha", "pure", "weight")),
        *((name, ctypes.c_long) for name in ("width", "height")),
    )


class _Window(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_long) for name in Window._fields)


class _Network(ctypes.Structure):
    _fields_ = (("weights", ctypes.c_void_p * 3), ("biases", ctypes.c_void_p * 3))


class _Taps(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("first", "counts", "weights")),
        *((name, ctypes.c_long) for name in ("most", "length")),
    )


class Kernels:
    """Arrays are C-contiguous, and what a method changes it changes in place. `kernels.c` says what each computes.

    ctypes lets go of the interpreter's lock while a function runs.
    """

    def __init__(self, file: Path) -> None:
        library = ctypes.CDLL(str(file))
        self._purest_colors = _function(library.purest_colors, "pppnpnnnn")
        self._unmix = _function(library.unmix, "pppnpnnnn")
        self._unsure = _function(library.unsure, "pnnpnnnnnpppp", ctypes.c_long)
        self._correct = _function(library.correct, "pppnpppffp")
        self._put = _function(library.put, "pnnppnp")
        self._twice = _function(library.twice, "pnnpnnp")
        self._enlarge = _function(library.enlarge, "pnnppffp")
        self._smooth = _function(library.smooth, "ppffp")
        self._halve = _function(library.halve, "pnnnp")
        self._shrink = _function(library.shrink, "pnnnnnnpp")
        self._resample_across = _function(library.resample_across, "pnnpp")
        self._resample_down = _function(library.resample_down, "pnnpp")
        self._begin_cells = _function(library.begin_cells, "pppnnppp")
        self._join = _function(library.join, "ppn")
        self._forget_unseen = _function(library.forget_unseen, "pnnn")
        self._bounds = _function(library.bounds, "pnnnnp")
        self._any_between = _function(library.any_between, "pnnnnnp")

    def begin_cells(
        self,
        means: Blended,
        left_out: NDArray[np.bool_] | None,
        mixture: Floats,
        alpha: Floats,
        planes: Floats,
        first_row: int,
    ) -> None:
        """Fills rows of (3, h, w) `mixture`, (h, w) `alpha` and (8, h, w) `planes` from the first one on, of the mean
        colours and levels of their cells; those `left_out` say nothing of pure colours.
        """
        apart = alpha.size
        at = first_row * alpha.shape[1] * alpha.itemsize
        self._begin_cells(
            _address(means.colors),
            _address(means.levels),
            None if left_out is None else _address(left_out),
            means.levels.size,
            apart,
            *(_address(each) + at for each in (mixture, alpha, planes)),
        )

    def purest_colors(
        self, of: Blended, rows: Coordinates, columns: Coordinates, planes: Floats, corner: Corner
    ) -> None:
        """Fills in the chosen cells of a picture, (n,) each, of `planes`, (8, h, w), whose first cell is `corner`."""
        self._cells(self._purest_colors, _blend(of), rows, columns, planes, corner)

    def unmix(self, part: Part, rows: Coordinates, columns: Coordinates, both: Floats, corner: Corner) -> None:
        """Changes the chosen cells, (n,) each, of `part`, by `both`, (6, h, w), whose first cell is `corner`."""
        address, stride = _rows(part.pixels)
        height, width = part.pixels.shape
        area = _Area(address, stride // part.pixels.itemsize, width, height, *part.corner)
        self._cells(self._unmix, area, rows, columns, both, corner)

    def _cells(
        self,
        function: Any,
        picture: ctypes.Structure,
        rows: Coordinates,
        columns: Coordinates,
        planes: Floats,
        corner: Corner,
    ) -> None:
        plane_height, plane_width = planes.shape[-2:]
        function(
            ctypes.byref(picture),
            _address(rows),
            _address(columns),
            len(rows),
            _address(planes),
            plane_height * plane_width,
            plane_width,
            *corner,
        )

    def unsure(self, levels: Levels, below: Levels, rows: tuple[int, int], sure: int, limits: Floats) -> Found:
        """Places in some rows of (h, w) `levels` that are unsure and near an edge; `below` is half as large."""
        top, bottom = rows
        height, width = levels.shape
        below_height, below_width = below.shape
        found = Found(*(np.empty((bottom - top) * width, np.int32) for _ in range(2)))
        doubtful = np.empty(width + 2, np.uint8)
        count = self._unsure(
            _address(levels), width, height, _address(below), below_width, below_height,
            top, bottom, sure, _address(limits), _address(doubtful), *map(_address, found),
        )  # fmt: skip
        return Found(found.rows[:count], found.columns[:count])

    def correct(self, levels: Sequence[Blended], found: Found, limits: Floats, layers: Layers) -> Levels:
        """(n, 4): the answers for the four parts of pixels of the second of three levels; the first is the finest.

        What lies outside of the picture is not filled.
        """
        answers = np.empty((len(found.rows), 4), np.uint8)
        pointers = ctypes.c_void_p * 3
        network = _Network(*(pointers(*map(_address, each)) for each in (layers.weights, layers.biases)))
        self._correct(
            (_Blend * 3)(*map(_blend, levels)),
            *map(_address, found),
            len(answers),
            _address(limits),
            ctypes.byref(network),
            _address(layers.logits),
            layers.scale,
            layers.haze,
            _address(answers),
        )
        return answers

    def put(self, answers: Levels, found: Found, levels: Levels) -> None:
        """Puts what `correct` gave where it belongs in the finest levels, (h, w)."""
        height, width = levels.shape
        self._put(_address(levels), width, height, *map(_address, found), len(answers), _address(answers))

    def twice(self, small: Levels, size: tuple[int, int]) -> Levels:
        """(h, w) at twice its size, or a row or column less: `size` is (width, height)."""
        height, width = small.shape
        large, scratch = np.empty(size[::-1], np.uint8), np.empty(4 * width, np.uint8)
        self._twice(_address(small), width, height, _address(large), *size, _address(scratch))
        return large

    def enlarge(self, small: Floats, level: ColorLevel, window: Window, doubt: float, smoothness: float) -> Floats:
        """Of (2, 3, h, w) `small`, half as large as `level`: (2, 3, h, w) of the window."""
        both, sizes = np.empty((2, 3, window.height, window.width), np.float32), _sizes(level)
        height, width = small.shape[-2:]
        inside = _Window(*window)
        self._enlarge(
            _address(small), width, height, ctypes.byref(sizes), ctypes.byref(inside), doubt, smoothness, _address(both)
        )
        return both

    def smooth(self, colors: Floats, level: ColorLevel, least: float, most: float) -> Floats:
        """(2, 3, h, w)"""
        smoothed, sizes = np.empty_like(colors), _sizes(level)
        self._smooth(_address(colors), ctypes.byref(sizes), least, most, _address(smoothed))
        return smoothed

    def halve(self, planes: Floats) -> Floats:
        """(..., h, w)"""
        *others, height, width = planes.shape
        halves = np.empty((*others, -(-height // 2), -(-width // 2)), np.float32)
        self._halve(_address(planes), math.prod(others), width, height, _address(halves))
        return halves

    def shrink(self, pixels: NDArray[Pixel], across: int, down: int) -> NDArray[Pixel]:
        """Means of boxes of (h, w) pixels of one or of four bytes, in rows that may lie apart: `Image.reduce`."""
        height, width = pixels.shape
        smaller = np.empty((-(-height // down), -(-width // across)), pixels.dtype)
        sums = np.empty(width * pixels.itemsize, np.uint16)
        address, stride = _rows(pixels)
        self._shrink(address, stride, width, height, pixels.itemsize, across, down, _address(sums), _address(smaller))
        return smaller

    def resample_across(self, pixels: Packed, taps: Taps) -> Packed:
        """(h, n) of (h, w) pixels whose rows may lie apart."""
        resampled = np.empty((len(pixels), len(taps.first)), np.uint32)
        self._resample_across(*_rows(pixels), len(pixels), ctypes.byref(_taps(taps)), _address(resampled))
        return resampled

    def resample_down(self, pixels: Packed, taps: Taps) -> Packed:
        """(n, w) of (h, w) pixels whose rows may lie apart."""
        resampled = np.empty((len(taps.first), pixels.shape[1]), np.uint32)
        self._resample_down(*_rows(pixels), 4 * pixels.shape[1], ctypes.byref(_taps(taps)), _address(resampled))
        return resampled

    def join(self, of: Blended, out: Packed) -> None:
        """Fills (h, w) `out`, whose rows may lie apart, with the colours, and with the levels in their highest byte."""
        address, stride = _rows(out)
        self._join(ctypes.byref(_blend(of)), address, stride // out.itemsize)

    def forget_unseen(self, pixels: Packed) -> None:
        """Makes transparent pixels of (h, w), whose rows may lie apart, black."""
        address, stride = _rows(pixels)
        height, width = pixels.shape
        self._forget_unseen(address, stride // pixels.itemsize, width, height)

    def bounds(self, levels: Levels, least: int) -> tuple[int, int, int, int] | None:
        """(left, top, right, bottom) of those of (h, w) levels, whose rows may lie apart, that are `least` or more."""
        height, width = levels.shape
        box = (ctypes.c_long * 4)()
        self._bounds(*_rows(levels), width, height, least, box)
        left, top, right, bottom = box
        return (left, top, right, bottom) if right else None

    def any_between(self, levels: Levels, low: int, high: int) -> Levels:
        """For each 4 x 4 of (h, w) levels, 1 where one of them lies between the two, which do not count, else 0."""
        height, width = levels.shape
        found = np.empty((-(-height // 4), -(-width // 4)), np.uint8)
        self._any_between(*_rows(levels), width, height, low, high, _address(found))
        return found


def _blend(of: Blended) -> _Blend:
    (colors, color_stride), (levels, level_stride) = _rows(of.colors), _rows(of.levels)
    height, width = of.levels.shape
    return _Blend(colors, color_stride // of.colors.itemsize, levels, level_stride, width, height)


def _sizes(level: ColorLevel) -> _Sizes:
    height, width = level.alpha.shape
    return _Sizes(*map(_address, (level.mixture, level.alpha, level.pure, level.weight)), width, height)


def _taps(along: Taps) -> _Taps:
    return _Taps(*map(_address, along), along.weights.shape[1], len(along.first))


def _function(function: Any, arguments: str, returned: Any = None) -> Any:
    """With types for its arguments: `p` a pointer, `n` a whole number, `f` a float."""
    kinds = {"p": ctypes.c_void_p, "n": ctypes.c_long, "f": ctypes.c_float}
    function.argtypes = [kinds[each] for each in arguments]
    function.restype = returned
    return function


def _address(array: NDArray[Any]) -> int:
    """`array.ctypes.data`, in a third of its time."""
    assert array.flags.c_contiguous
    address: int = array.__array_interface__["data"][0]
    return address


def _rows(array: NDArray[Any]) -> tuple[int, int]:
    """Where an array of two axes begins, and the bytes from one row to the next."""
    assert array.shape[1] <= 1 or array.strides[1] == array.itemsize
    return array.__array_interface__["data"][0], array.strides[0]
