"""The subject with its own colours: `service/pixels/subject.py` says what it means."""

import ctypes
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.kernels.arrays import (
    Blended,
    Coordinates,
    Floats,
    Levels,
    Packed,
    Rows,
    address,
    function,
    pointers,
    rows_of,
)

CELL_PX = 4
"""The finest size whose colours are solved has one value for 4 x 4 pixels; a cell is those."""

PAINTED_CELL_ROWS = 4
"""That C paints at once."""

PLANES = 12
"""Of each size: three of the mixture, one of alpha, six of pure colours, two of their weights."""

COARSEST = 4
"""Cells across, beyond which there is no smaller size."""


class Cells(NamedTuple):
    """Some cells of a picture, row by row: (n,) each."""

    rows: Coordinates
    columns: Coordinates


class Box(NamedTuple):
    """A part of a picture, in cells."""

    top: int
    left: int
    width: int
    height: int

    @property
    def half(self) -> tuple[int, int]:
        """(height, width)"""
        return -(-self.height // 2), -(-self.width // 2)


class Solving(NamedTuple):
    """How colours are solved: `foreground.py` says of each what it means."""

    doubt: float
    nothing: float
    least_smoothness: float
    smoothness: float


class Colors(NamedTuple):
    """Both colours of a part of the picture, coarsely, and what they are made finer with."""

    box: Box
    finest: Floats
    """(12, h, w) of the box."""
    half: Floats
    """(12, h, w) of half its size: the first six are the colours."""
    cells: Cells
    """Which hold the soft edge."""
    by: Solving


class _Box(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_long) for name in Box._fields)


class _Solving(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_float) for name in Solving._fields)


class _Known(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("finest", "half", "rows", "columns")),
        ("count", ctypes.c_long),
        *((name, ctypes.c_float) for name in ("doubt", "least_smoothness")),
    )


class PaintingLoops:
    """Whole stages, of some rows each."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._mixed_cells = function(library.mixed_cells, "pnnnnnpnpp", ctypes.c_long)
        self._begin = function(library.begin, "ppppp" + "nnn" + "pp")
        self._solve = function(library.solve, "pnnppp")
        self._paint = function(library.paint, "ppnpp" + "nn" + "pnnp")

    def mixed_cells(self, levels: Levels, rows: Rows, between: Rows, left_out: NDArray[np.bool_] | None) -> Cells:
        """Of cells in some rows, (h, w) levels, the first a multiple of 4: those with a level within `between`, whose
        ends do not count, and without a mark in `left_out`, one for each cell of the picture.
        """
        part = levels[rows[0] : rows[1]]
        height, width = part.shape
        most = -(-height // CELL_PX) * -(-width // CELL_PX)
        cells = Cells(np.empty(most, np.intp), np.empty(most, np.intp))
        count = self._mixed_cells(
            *rows_of(part), width, height, *between, _address(left_out), rows[0] // CELL_PX, *map(address, cells)
        )
        return Cells(cells.rows[:count], cells.columns[:count])

    def begin(
        self, of: Blended, left_out: NDArray[np.bool_] | None, colors: Colors, smaller: Floats, rows: Rows
    ) -> None:
        """Fills some rows of `colors.finest`, of cells within the box, and what they become in `smaller`, its half.

        The first row is an even number, and so is the last where the box does not end there.
        """
        self._begin(
            ctypes.byref(pointers(of)),
            _address(left_out),
            ctypes.byref(_Box(*colors.box)),
            *map(address, colors.cells),
            len(colors.cells.rows),
            *rows,
            address(colors.finest),
            address(smaller),
        )

    def solve(self, smaller: Floats, by: Solving, colors: Floats) -> None:
        """Fills the first six of twelve planes `colors` by what (12, h, w) `smaller` and all smaller sizes say."""
        height, width = smaller.shape[-2:]
        room = np.empty(_room_of_smaller_sizes(width, height), np.float32)
        self._solve(address(smaller), width, height, ctypes.byref(_Solving(*by)), address(room), address(colors))

    def paint(self, of: Blended, shown: Levels, colors: Colors | None, rows: Rows, out: Packed, left: int) -> None:
        """Fills `out`, (h, w), whose rows may lie apart, which begins in column `left` of the first row of the picture,
        a multiple of 16, where something is shown; elsewhere it stays as it is.
        """
        box = Box(0, 0, 0, 0) if colors is None else colors.box
        room = np.empty(6 * (PAINTED_CELL_ROWS + 2) * (box.width + 2), np.float32)
        known = None if colors is None else ctypes.byref(_known(colors))
        self._paint(
            ctypes.byref(pointers(of)),
            *rows_of(shown),
            known,
            ctypes.byref(_Box(*box)),
            *rows,
            rows_of(out)[0],
            out.strides[0] // out.itemsize,
            left,
            address(room),
        )


def _known(colors: Colors) -> _Known:
    planes, cells = map(address, (colors.finest, colors.half)), map(address, colors.cells)
    return _Known(*planes, *cells, len(colors.cells.rows), colors.by.doubt, colors.by.least_smoothness)


def _address(array: NDArray[np.bool_] | None) -> int | None:
    return None if array is None else address(array)


def _room_of_smaller_sizes(width: int, height: int) -> int:
    """Floats: of each smaller size what is known of it, and its colours twice."""
    room = 0
    while max(width, height) > COARSEST:
        width, height = -(-width // 2), -(-height // 2)
        room += 2 * PLANES * width * height
    return room
