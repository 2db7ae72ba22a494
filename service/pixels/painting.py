"""The subject painted by compiled loops: what `subject.py` and `unmixing.py` do with numpy, many rows in each call."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.kernels import Blended, Kernels, compiled_kernels
from service.kernels.painting import PLANES, Box, Cells, Colors, Solving
from service.pixels.bands import BAND_ROWS, bands
from service.pixels.blend import Area, Blend
from service.pixels.foreground import DOUBT, LEAST_SMOOTHNESS, NOTHING, SMOOTHNESS
from service.pixels.packed import Pixels
from service.pixels.threads import each_part, of_each_part, strips
from service.pixels.unmixing import FAINTEST, FULLEST, box_around, hidden_cells, mixed_cells

SOLVING = Solving(DOUBT, float(NOTHING), float(LEAST_SMOOTHNESS), SMOOTHNESS)

CELL_ROWS = 16
"""A share of them begins at an even row."""


class CompiledBrush:
    """As `subject.Brush`."""

    def __init__(self, blend: Blend, of: Blended, colors: Colors | None, kernels: Kernels) -> None:
        self._shown = blend.shown
        self._of = of
        self._colors = colors
        self._kernels = kernels

    @classmethod
    def of(cls, blend: Blend, decontaminate: bool) -> Self | None:
        """None where the loops do not run, or the photo cannot be had without a copy."""
        kernels, lent = compiled_kernels(), blend.lent((0, 0, *blend.photo.size))
        if kernels is None or lent is None:
            return None
        return cls(blend, lent, _colors(blend, lent, kernels) if decontaminate else None, kernels)

    def paint(self, pixels: Pixels, area: Area) -> None:
        """Fills (h, w), whose rows may lie apart, with what is shown in the photo's `area`; the rest of it stays."""
        left, top, _, bottom = area
        self._kernels.painting.paint(self._of, self._shown, self._colors, (top, bottom), pixels, left)


def _colors(blend: Blend, of: Blended, kernels: Kernels) -> Colors | None:
    """None where there is no soft edge."""
    hidden = None if blend.hidden is None else np.ascontiguousarray(hidden_cells(blend.hidden))
    found = [cells for cells in _edge_cells(blend, of, hidden, kernels) if len(cells.rows)]
    if not found:
        return None
    left, top, right, bottom = box_around(found, blend.photo.size)
    box = Box(top, left, right - left, bottom - top)
    cells = Cells(*map(np.concatenate, zip(*found, strict=True)))
    finest, smaller, solved = (
        np.empty((PLANES, *size), np.float32) for size in ((box.height, box.width), box.half, box.half)
    )
    colors = Colors(box, finest, solved, cells, SOLVING)
    each_part(lambda rows: kernels.painting.begin(of, hidden, colors, smaller, rows), strips(box.height, CELL_ROWS))
    kernels.painting.solve(smaller, SOLVING, solved)
    return colors


def _edge_cells(blend: Blend, of: Blended, hidden: NDArray[np.bool_] | None, kernels: Kernels) -> list[Cells]:
    height = blend.photo.height
    if blend.mixture is blend.matte:
        between, levels = (FAINTEST, FULLEST), of.levels
        return of_each_part(
            lambda rows: kernels.painting.mixed_cells(levels, rows, between, hidden), strips(height, BAND_ROWS)
        )
    mixed = np.concatenate([mixed_cells(blend, band) for band in bands(height)])
    rows, columns = np.nonzero(mixed if hidden is None else mixed & ~hidden)
    return [Cells(rows, np.ascontiguousarray(columns))]
