"""Which cells of a picture hold its soft edge, and the subject's own colours put there in the place of the mixture.

With numpy; where compiled loops run, `painting.py` has them do it.
"""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from service.kernels.painting import CELL_PX, Cells
from service.pixels.bands import BAND_ROWS, bands
from service.pixels.blend import Area, Blend, copied, inside
from service.pixels.foreground import Estimate, Level, Planes, purity
from service.pixels.packed import (
    ALPHA_BYTE,
    PIXELS_PER_CELL,
    Pixels,
    packed_colors,
    purest_colors,
    unmixed,
    zero_to_one,
)
from service.pixels.threads import each_part, in_parts

Band = tuple[int, int]
"""(top, bottom) in pixels."""

Number = TypeVar("Number", bound=np.generic)

MARGIN_CELLS = 16
"""Around the soft edge: its colours come from there."""

FAINTEST, FULLEST = 3, 252
"""Levels of alpha. Cells that have nothing between are left alone: networks leave a haze over large areas."""

CELLS_AT_ONCE = 512
"""Their arrays of 100 kB stay in the cache, and no memory is mapped for them."""

HIDDEN_MARGIN_CELLS = 2


class Unmixing:
    """Puts F in the place of I, a band of the picture at a time; see `foreground.py`."""

    def __init__(self, blend: Blend) -> None:
        self._blend = blend
        self._hidden = None if blend.hidden is None else hidden_cells(blend.hidden)
        self._bands = list(bands(blend.photo.height))
        self._cells = list(in_parts(self._find_cells, self._bands))
        """Of each band."""
        if self.is_needed:
            self._box = box_around([cells for cells in self._cells if len(cells.rows)], blend.photo.size)
            self._estimate = Estimate(self._finest())

    @property
    def is_needed(self) -> bool:
        """Whether there is a soft edge."""
        return any(len(cells.rows) for cells in self._cells)

    def in_band(self, pixels: Pixels, area: Area) -> None:
        """Changes (h, w) pixels of the picture's `area`, whose top is that of a band, in their place."""
        chosen = self._cells[area[1] // BAND_ROWS]
        if not len(chosen.rows):
            return
        left, top, *_ = self._box
        estimate = self._estimate.around(Cells(chosen.rows - top, chosen.columns - left))
        changed = pixels.reshape(-1)
        for cells in _chunks(chosen):
            places = self._places(cells, area)
            packed = changed.take(places)
            colors = packed_colors(unmixed(packed, *estimate.at(self._in_box(cells)))) | packed & ALPHA_BYTE
            # From the last to the first, as a copy, or numpy chooses the order: of what has one place at the photo's
            # border, the first is what lies inside.
            changed[places[::-1].copy()] = colors[::-1]
        pixels[...] = changed.reshape(pixels.shape)

    def _find_cells(self, band: Band) -> Cells:
        """Those of the band with pixels that are shown, and not the subject's alone."""
        first = band[0] // CELL_PX
        mixed = mixed_cells(self._blend, band)
        if self._hidden is not None:
            mixed = mixed & ~self._hidden[first : first + len(mixed)]
        rows, columns = np.nonzero(mixed)
        return Cells(rows + first, np.ascontiguousarray(columns))

    def _finest(self) -> Level:
        """One value a cell. Where a cell has no part in the soft edge, its mean says all there is to say."""
        left, top, right, bottom = self._box
        size = (bottom - top, right - left)
        mixture, alpha, planes = (np.empty((*several, *size), np.float32) for several in ((3,), (), (8,)))

        def begin(number: int) -> None:
            first, last = (-(-row // CELL_PX) for row in self._bands[number])
            first, last = max(top, first), min(bottom, last)
            if first < last:
                self._begin((left, first, right, last), mixture, alpha, planes)
                self._look_closer(self._cells[number], planes)

        each_part(begin, range(len(self._bands)))
        shape = (2, -1, *size)
        return Level(mixture, alpha, planes[:6].reshape(shape), planes[6:].reshape(shape))

    def _begin(self, part: Area, mixture: Planes, alpha: Planes, planes: Planes) -> None:
        """Fills the rows of some cells by their means; `part` is in cells, and as wide as the planes."""
        left, top, right, bottom = part
        width, height = self._blend.photo.size
        area = (left * CELL_PX, top * CELL_PX, min(width, right * CELL_PX), min(height, bottom * CELL_PX))
        row = top - self._box[1]
        rows = np.s_[..., row : row + bottom - top, :]
        colors, levels = (np.asarray(each.reduce(CELL_PX, area)) for each in (self._blend.photo, self._blend.mixture))
        mixture[rows] = np.moveaxis(colors, -1, 0)
        alpha[rows] = zero_to_one(levels)
        weight = purity(alpha[rows])
        if self._hidden is not None:
            weight = weight * ~inside(self._hidden, part)
        planes[:6][rows] = (mixture[rows] * weight[:, np.newaxis]).reshape(6, *levels.shape)
        planes[6:][rows] = weight

    def _look_closer(self, chosen: Cells, planes: Planes) -> None:
        """Fills some cells of (8, h, w) by what `purest_colors` says of their pixels."""
        if not len(chosen.rows):
            return
        width, height = self._blend.photo.size
        first, last = int(chosen.rows[0]) * CELL_PX, int(chosen.rows[-1] + 1) * CELL_PX
        area = (0, first, width, min(height, last))
        pixels = copied(self._blend, area).reshape(-1)
        for cells in _chunks(chosen):
            packed, within = pixels.take(self._places(cells, area)), self._in_box(cells)
            at = within.rows * planes.shape[-1] + within.columns
            # One plane at a time, by places in it: numpy takes three times as long for all at once.
            for plane, values in zip(planes.reshape(len(planes), -1), purest_colors(packed), strict=True):
                plane[at] = values

    def _in_box(self, cells: Cells) -> Cells:
        return Cells(cells.rows - self._box[1], cells.columns - self._box[0])

    def _places(self, cells: Cells, area: Area) -> NDArray[np.intp]:
        """(16, N): where in the area their pixels are. At the photo's border some are named twice."""
        width, height = self._blend.photo.size
        left, top, right, _ = area
        within = np.arange(CELL_PX)[:, np.newaxis]
        rows = (np.minimum(cells.rows * CELL_PX + within, height - 1) - top) * (right - left)
        columns = np.minimum(cells.columns * CELL_PX + within, width - 1) - left
        places: NDArray[np.intp] = rows[:, np.newaxis] + columns
        return places.reshape(PIXELS_PER_CELL, -1)


def mixed_cells(blend: Blend, band: Band) -> NDArray[np.bool_]:
    """Of each cell of a band, whether one of its pixels is shown and is not the subject's alone."""
    top, bottom = band
    mixture = blend.mixture.crop((0, top, blend.mixture.width, bottom))
    mixed = mixture.point([255 * (FAINTEST < level < FULLEST) for level in range(256)])
    if blend.mixture is not blend.matte:
        # A softened edge shows pixels that the subject has no part in, and hides some that are its own.
        partly = mixture.point([255 * (level < FULLEST) for level in range(256)])
        matte = blend.matte.crop((0, top, blend.matte.width, bottom))
        mixed = ImageChops.multiply(partly, matte.point([255 * (level > FAINTEST) for level in range(256)]))
    # A single pixel of 16 is still 16 levels of the mean.
    return np.asarray(mixed.reduce(CELL_PX)) > 0


def hidden_cells(alpha: Image.Image) -> NDArray[np.bool_]:
    """Cells that are not opaque, and those around them."""
    opaque = alpha.point([0] * 255 + [255]).reduce(CELL_PX).point([255] * 255 + [0])
    return np.asarray(opaque.filter(ImageFilter.MaxFilter(2 * HIDDEN_MARGIN_CELLS + 1))) > 0


def box_around(found: list[Cells], size: tuple[int, int]) -> Area:
    """(left, top, right, bottom) in cells: all that were found, with a margin, inside a picture of `size` pixels."""
    columns, rows = (-(-length // CELL_PX) for length in size)
    left, right = min(int(each.columns.min()) for each in found), max(int(each.columns.max()) for each in found) + 1
    top, bottom = int(found[0].rows[0]), int(found[-1].rows[-1]) + 1
    upper_left = max(0, left - MARGIN_CELLS), max(0, top - MARGIN_CELLS)
    return *upper_left, min(columns, right + MARGIN_CELLS), min(rows, bottom + MARGIN_CELLS)


def _chunks(chosen: Cells) -> Iterator[Cells]:
    for first in range(0, len(chosen.rows), CELLS_AT_ONCE):
        last = first + CELLS_AT_ONCE
        yield Cells(chosen.rows[first:last], chosen.columns[first:last])
