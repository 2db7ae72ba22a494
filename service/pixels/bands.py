"""Pictures a few rows at a time: rows that fit into the processor's cache are read, changed and written several times
as fast as whole pictures."""

from collections.abc import Iterator

BAND_ROWS = 64
"""A multiple of 4, the side of a cell of `foreground.py`."""


def bands(height: int) -> Iterator[tuple[int, int]]:
    """(top, bottom) of each band of a picture of `height` rows, from top to bottom; the last one may be lower."""
    return ((top, min(height, top + BAND_ROWS)) for top in range(0, height, BAND_ROWS))
