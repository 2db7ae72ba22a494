"""Arrays as the compiled loops are handed them."""

import ctypes
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Levels = NDArray[np.uint8]
Packed = NDArray[np.uint32]
"""Red in the lowest byte; alpha, or an answer, in the highest."""

Coordinates = NDArray[np.intp]
Counts = NDArray[np.int32]

Rows = tuple[int, int]
"""From the first one to the one after the last."""


class Blended(NamedTuple):
    """Colours and levels of the same pixels, (h, w) each; their rows may lie apart."""

    colors: Packed
    """The highest byte does not count."""
    levels: Levels


class BlendedPointers(ctypes.Structure):
    """`blend` in C."""

    _fields_ = (
        ("colors", ctypes.c_void_p),
        ("color_stride", ctypes.c_long),
        ("levels", ctypes.c_void_p),
        *((name, ctypes.c_long) for name in ("level_stride", "width", "height")),
    )


def pointers(of: Blended) -> BlendedPointers:
    (colors, color_stride), (levels, level_stride) = rows_of(of.colors), rows_of(of.levels)
    height, width = of.levels.shape
    return BlendedPointers(colors, color_stride // of.colors.itemsize, levels, level_stride, width, height)


def function(found: Any, arguments: str, returned: Any = None) -> Any:
    """With types for its arguments: `p` a pointer, `n` a whole number, `f` a float."""
    kinds = {"p": ctypes.c_void_p, "n": ctypes.c_long, "f": ctypes.c_float}
    found.argtypes = [kinds[each] for each in arguments]
    found.restype = returned
    return found


def address(array: NDArray[Any]) -> int:
    """`array.ctypes.data`, in a third of its time."""
    assert array.flags.c_contiguous
    found: int = array.__array_interface__["data"][0]
    return found


def rows_of(array: NDArray[Any]) -> tuple[int, int]:
    """Where an array of two axes begins, and the bytes from one row to the next."""
    assert array.shape[1] <= 1 or array.strides[1] == array.itemsize
    return array.__array_interface__["data"][0], array.strides[0]
