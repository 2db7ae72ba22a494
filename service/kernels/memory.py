"""The bytes of a Pillow image where they lie: `np.asarray` copies them twice, in pieces, with Python's lock held.

Pillow hands them out through Arrow's C data interface, whose two structures this reads: that needs no Arrow. Source:
https://arrow.apache.org/docs/format/CDataInterface.html
"""

import ctypes

import numpy as np
from numpy.typing import NDArray
from PIL import Image, _imaging

Bytes = NDArray[np.uint8]
Packed = NDArray[np.uint32]

CHANNELS = {"L": 1, "RGBA": 4}
"""Of those modes that lie in memory as numpy would have them."""

FOUR_BYTES = ("RGB", "RGBA", "RGBX")
"""Modes whose pixels Pillow keeps in four bytes."""

BLOCK_BYTES = 1 << 30
"""The largest image that is lent. Pillow takes no more than an image needs."""


class _ArrowArray(ctypes.Structure):
    """`struct ArrowArray`."""


_ArrowArray._fields_ = (
    *((name, ctypes.c_int64) for name in ("length", "null_count", "offset", "n_buffers", "n_children")),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowArray))),
    *((name, ctypes.c_void_p) for name in ("dictionary", "release", "private_data")),
)

_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def in_one_block() -> None:
    """From now on, this process's images of more than 16 MB lie in one block of memory too, and can be lent.

    Pillow would make them of several; one comes no slower, and is given back as they are.
    """
    _imaging.set_block_size(BLOCK_BYTES)


def image_bytes(image: Image.Image) -> Bytes:
    """(H, W) of mode L, (H, W, 4) of RGBA; not to be written to, and the image neither while it is read.

    A copy where the image is of another mode, or lies in several blocks: see `in_one_block`.
    """
    lent = lent_bytes(image)
    return np.asarray(image) if lent is None else lent


def lent_bytes(image: Image.Image) -> Bytes | None:
    """As `image_bytes`, but None where that would copy them."""
    channels = CHANNELS.get(image.mode)
    return None if channels is None else _lent(image, (channels,) if channels > 1 else ())


def image_floats(image: Image.Image) -> NDArray[np.float32]:
    """(H, W) of mode F; as `image_bytes`."""
    lent = _lent(image, (4,))
    return np.asarray(image) if lent is None else lent.view("<f4")[..., 0]


def packed_pixels(image: Image.Image) -> Packed | None:
    """(H, W) of an image of mode RGB, RGBA or RGBX: red in the lowest byte; of RGB, the highest says nothing.

    Not to be written to. None where the bytes are not to be had without a copy.
    """
    lent = _lent(image, (4,)) if image.mode in FOUR_BYTES else None
    return None if lent is None else lent.view("<u4")[..., 0]


class _Lent:
    """Memory of a capsule, for as long as numpy looks at it."""

    def __init__(self, capsule: object, shape: tuple[int, ...]) -> None:
        self._capsule = capsule
        address = (_address(capsule), True)  # which is: not to be written to
        self.__array_interface__ = {"version": 3, "typestr": "|u1", "shape": shape, "data": address}


def _lent(image: Image.Image, channels: tuple[int, ...]) -> Bytes | None:
    if not image.width or not image.height:
        return None
    try:
        _, capsule = image.__arrow_c_array__()
    except ValueError:  # several blocks
        return None
    return np.asarray(_Lent(capsule, (image.height, image.width, *channels)))


def _address(capsule: object) -> int:
    """Of four channels Arrow makes a list of lists, whose numbers are the only child's."""
    array = _ArrowArray.from_address(_pointer_of(capsule, b"arrow_array"))
    values = array.children[0].contents if array.n_children else array
    address: int = values.buffers[1]
    return address
