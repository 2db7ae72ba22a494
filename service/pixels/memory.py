"""The bytes of a Pillow image where they lie: `np.asarray` copies them twice, in pieces, with Python's lock held.

Pillow hands them out through Arrow's C data interface, whose two structures this reads: that needs no Arrow. Source:
https://arrow.apache.org/docs/format/CDataInterface.html
"""

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]

CHANNELS = {"L": 1, "RGBA": 4}
"""Of those modes that lie in memory as numpy would have them."""


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


def image_bytes(image: Image.Image) -> Bytes:
    """(H, W) of mode L, (H, W, 4) of RGBA; not to be written to, and the image neither while it is read.

    A copy where the image is of another mode, or so large that Pillow keeps it in several blocks (16 MB).
    """
    channels = CHANNELS.get(image.mode)
    if channels is None or not image.width or not image.height:
        return np.asarray(image)
    try:
        _, capsule = image.__arrow_c_array__()
    except ValueError:
        return np.asarray(image)
    count = image.width * image.height * channels
    lent: Any = (ctypes.c_uint8 * count).from_address(_address(capsule))
    lent.capsule = capsule  # which keeps the image alive as long as an array of these bytes is
    shape = (image.height, image.width, channels) if channels > 1 else (image.height, image.width)
    found: Bytes = np.frombuffer(lent, np.uint8).reshape(shape)
    found.flags.writeable = False
    return found


def _address(capsule: object) -> int:
    """Of four channels Arrow makes a list of lists, whose numbers are the only child's."""
    array = _ArrowArray.from_address(_pointer_of(capsule, b"arrow_array"))
    values = array.children[0].contents if array.n_children else array
    address: int = values.buffers[1]
    return address
