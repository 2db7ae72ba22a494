"""Which way is up, as EXIF says it. XMP may repeat it, wrongly after an edit, and is not asked: no browser does."""

import struct

from PIL import Image

UPRIGHT = 1
ORIENTATION_TAG = 274
SHORT, LONG = 3, 4

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a stored picture upright: the table of EXIF 2.3, tag 274."""


def orientation(exif: bytes | None) -> int:
    """1 to 8; upright where there is no EXIF, or none that can be read: metadata never costs the picture."""
    try:
        value = _find((exif or b"").removeprefix(b"Exif\0\0"))
    except struct.error:
        return UPRIGHT
    return value if value in TURNS else UPRIGHT


def _find(tiff: bytes) -> int:
    """The tag's value in the first directory; 0 where it is not there. Raises struct.error on what ends too early."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 0
    (start,) = struct.unpack_from(order + "4xI", tiff)
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", tiff, place)
        if tag == ORIENTATION_TAG:
            (value,) = struct.unpack_from(order + {SHORT: "H", LONG: "I"}.get(kind, "B"), tiff, place + 8)
            return int(value)
    return 0


def upright(image: Image.Image, turned: int) -> Image.Image:
    """Of a stored picture whose orientation is `turned`."""
    return image.transpose(TURNS[turned]) if turned in TURNS else image
