"""Which way is up in a film, as its display matrix says it."""

import struct

from service.pixels.decode.orientation import UPRIGHT

MATRIX = struct.Struct("=9i")

ORIENTATIONS: dict[tuple[int, int, int, int], int] = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}
"""The signs of the matrix (a b; c d), which takes (x, y) to (ax + cy, bx + dy), to EXIF's number for the same turn."""


def orientation_of(display_matrix: bytes | None) -> int:
    """1 to 8, as EXIF counts; upright where there is no matrix, or one of another angle than a quarter turn.

    A number of degrees would not do: a mirror image has one as well, and it is not what it seems.
    """
    if display_matrix is None or len(display_matrix) < MATRIX.size:
        return UPRIGHT
    a, b, _, c, d, *_ = MATRIX.unpack_from(display_matrix)
    return ORIENTATIONS.get((_sign(a), _sign(b), _sign(c), _sign(d)), UPRIGHT)


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
