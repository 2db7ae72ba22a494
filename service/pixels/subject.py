"""The subject with its own colours and straight alpha, a few rows of the picture at a time.

Rows that fit into the processor's cache are read, changed and written six times as fast as whole pictures, and at 12
megapixels no buffer of 48 MB is needed beside the result.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from service.kernels import Part, compiled_kernels
from service.kernels.memory import image_bytes, packed_pixels
from service.pixels.bands import bands
from service.pixels.foreground import CELL_PX, Around, Cells, Estimate, Level, Planes, purity
from service.pixels.packed import (
    ALPHA_BYTE,
    LITTLE_ENDIAN,
    PIXELS_PER_CELL,
    Pixels,
    packed_colors,
    purest_colors,
    unmixed,
    zero_to_one,
)
from service.pixels.threads import each_part, in_parts, pixel_work

Area = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels."""

Number = TypeVar("Number", bound=np.generic)

MARGIN_CELLS = 16
"""Around the soft edge: its colours come from there."""

FAINTEST, FULLEST = 3, 252
"""Levels of alpha. Cells that have nothing between are left alone: networks leave a haze over large areas."""

CELLS_AT_ONCE = 512
"""Their arrays of 100 kB stay in the cache, and no memory is mapped for them."""

HIDDEN_MARGIN_CELLS = 2


@dataclass(frozen=True)
class Blend:
    """A photo, and how its pixels are mixed from subject and background."""

    photo: Image.Image
    """RGB"""
    mixture: Image.Image
    """L: how much of each pixel's light comes from the subject."""
    matte: Image.Image
    """L: how much of the subject is shown. It is `mixture`, unless its edge was made softer."""
    hidden: Image.Image | None = None
    """L: the photo's own alpha. Where it is under 255, colours are the subject's already, or nobody's."""

    @cached_property
    def colors(self) -> Pixels | None:
        """(H, W) of the photo where it lies, if it can be had without a copy."""
        return packed_pixels(self.photo)

    @cached_property
    def levels(self) -> NDArray[np.uint8]:
        """(H, W) of the mixture."""
        return image_bytes(self.mixture)


@dataclass(frozen=True)
class Rows:
    """Some rows of the subject, without the columns on either side that have nothing of it."""

    left: int
    top: int
    image: Image.Image
    """RGBA; transparent black where the matte is 0."""


@pixel_work
def subject_rows(blend: Blend, decontaminate: bool) -> Iterator[Rows]:
    """The subject from top to bottom, without rows that have nothing of it.

    With `decontaminate`, colours at the soft edge are the subject's own, else the photo's.
    """
    cells = _find_cells(blend) if decontaminate else _no_cells()
    unmix = _Unmixing(blend, cells) if len(cells.rows) else None
    width, height = blend.photo.size

    def in_band(band: tuple[int, int]) -> Rows | None:
        top, bottom = band
        shown = blend.matte.crop((0, top, width, bottom)).getbbox()
        if shown is None:
            return None
        left, right = shown[0] // CELL_PX * CELL_PX, min(width, -(-shown[2] // CELL_PX) * CELL_PX)
        area = (left, top, right, bottom)
        pixels = _pixels(blend, area)
        if unmix is not None:
            pixels = unmix.in_rows(pixels, area)
        matte = None if blend.matte is blend.mixture else blend.matte.crop(area)
        return Rows(left, top, _as_image(pixels, matte, (right - left, bottom - top)))

    return (rows for rows in in_parts(in_band, list(bands(height))) if rows is not None)


def _pixels(blend: Blend, area: Area) -> Pixels:
    """(height * width,), the mixture in the place of alpha; maybe not to be written to."""
    kernels, colors = compiled_kernels(), blend.colors
    if kernels is not None and colors is not None:
        return kernels.join(_inside(colors, area), _inside(blend.levels, area)).reshape(-1)
    pixels = blend.photo.crop(area)
    pixels.putalpha(blend.mixture.crop(area))
    return image_bytes(pixels).view(LITTLE_ENDIAN).reshape(-1)


def _inside(array: NDArray[Number], area: Area) -> NDArray[Number]:
    left, top, right, bottom = area
    return array[top:bottom, left:right]


def _as_image(pixels: Pixels, matte: Image.Image | None, size: tuple[int, int]) -> Image.Image:
    """With `matte` for alpha where it is not there already.

    What was cut away is not to be had from a file: PNG would keep colours under an alpha of 0.
    """
    if matte is not None:
        pixels = pixels & ~ALPHA_BYTE
        pixels |= image_bytes(matte).reshape(-1).astype(np.uint32) << 24
    kernels = compiled_kernels()
    if kernels is not None and pixels.flags.writeable:
        kernels.forget_unseen(pixels)
    else:
        pixels = pixels * (pixels > ~ALPHA_BYTE)
    return Image.frombuffer("RGBA", size, pixels, "raw", "RGBA", 0, 1)


# --- where ------------------------------------------------------------------------------------------------------------


def _no_cells() -> Cells:
    return Cells(np.empty(0, np.intp), np.empty(0, np.intp))


def _find_cells(blend: Blend) -> Cells:
    """Those with pixels that are shown, and not the subject's alone."""
    cells = np.nonzero(_mixed(blend) & ~_hidden_cells(blend.hidden) if blend.hidden else _mixed(blend))
    return Cells(*map(np.ascontiguousarray, cells))


def _mixed(blend: Blend) -> NDArray[np.bool_]:
    """Of each cell, whether such a pixel is in it."""
    kernels = compiled_kernels()
    if kernels is not None and blend.mixture is blend.matte:
        return kernels.any_between(blend.levels, FAINTEST, FULLEST).view(np.bool_)
    mixed = blend.mixture.point([255 * (FAINTEST < level < FULLEST) for level in range(256)])
    if blend.mixture is not blend.matte:
        # A softened edge shows pixels that the subject has no part in, and hides some that are its own.
        partly = blend.mixture.point([255 * (level < FULLEST) for level in range(256)])
        mixed = ImageChops.multiply(partly, blend.matte.point([255 * (level > FAINTEST) for level in range(256)]))
    # A single pixel of 16 is still 16 levels of the mean.
    return np.asarray(mixed.reduce(CELL_PX)) > 0


def _hidden_cells(alpha: Image.Image) -> NDArray[np.bool_]:
    """Cells that are not opaque, and those around them."""
    opaque = alpha.point([0] * 255 + [255]).reduce(CELL_PX).point([255] * 255 + [0])
    return np.asarray(opaque.filter(ImageFilter.MaxFilter(2 * HIDDEN_MARGIN_CELLS + 1))) > 0


def _means_of_cells(blend: Blend, area: Area) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(h, w, 3) of the photo and (h, w) of the mixture."""
    kernels, colors = compiled_kernels(), blend.colors
    if kernels is None or colors is None:
        return np.asarray(blend.photo.reduce(CELL_PX, area)), np.asarray(blend.mixture.reduce(CELL_PX, area))
    means = kernels.shrink(_inside(colors, area), CELL_PX, CELL_PX)
    levels = kernels.shrink(_inside(blend.levels, area), CELL_PX, CELL_PX)
    return means.view(np.uint8).reshape(*means.shape, 4)[..., :3], levels


def _around(cells: Cells, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) in cells: all of `cells`, with a margin, inside a picture of `size` pixels."""
    columns, rows = (-(-length // CELL_PX) for length in size)
    left, right = cells.columns.min() - MARGIN_CELLS, cells.columns.max() + 1 + MARGIN_CELLS
    top, bottom = cells.rows.min() - MARGIN_CELLS, cells.rows.max() + 1 + MARGIN_CELLS
    return max(0, int(left)), max(0, int(top)), min(columns, int(right)), min(rows, int(bottom))


# --- what -------------------------------------------------------------------------------------------------------------


class _Unmixing:
    """Puts F in the place of I."""

    def __init__(self, blend: Blend, cells: Cells) -> None:
        self._blend = blend
        self._cells = cells
        self._kernels = compiled_kernels()
        self._box = _around(cells, blend.photo.size)
        self._corner = (self._box[1], self._box[0])
        self._estimate = Estimate(self._finest())

    def in_rows(self, pixels: Pixels, area: Area) -> Pixels:
        """The pixels of some rows, with F in the place of I."""
        chosen = self._in_rows_of(area)
        if not len(chosen.rows):
            return pixels
        pixels = pixels if pixels.flags.writeable else pixels.copy()
        estimate = self._estimate.around(self._in_box(chosen))
        if self._kernels is None:
            self._unmix_with_numpy(pixels, area, chosen, estimate)
        else:
            row, column = self._corner
            corner = (row + estimate.top, column + estimate.left)
            self._kernels.unmix(_part(pixels, area), chosen.rows, chosen.columns, estimate.both, corner)
        return pixels

    def _unmix_with_numpy(self, pixels: Pixels, area: Area, chosen: Cells, estimate: Around) -> None:
        for cells in _chunks(chosen):
            places = self._places(cells, area)
            packed = pixels.take(places)
            colors = packed_colors(unmixed(packed, *estimate.at(self._in_box(cells)))) | packed & ALPHA_BYTE
            # From the last to the first, as a copy, or numpy chooses the order: of what has one place at the photo's
            # border, the first is what lies inside.
            pixels[places[::-1].copy()] = colors[::-1]

    def _finest(self) -> Level:
        """One value a cell. Where a cell has no part in the soft edge, its mean says all there is to say."""
        left, top, right, bottom = self._box
        width, height = self._blend.photo.size
        area = (left * CELL_PX, top * CELL_PX, min(width, right * CELL_PX), min(height, bottom * CELL_PX))
        colors, levels = _means_of_cells(self._blend, area)
        mixture = np.moveaxis(colors, -1, 0).astype(np.float32, order="C")
        alpha = zero_to_one(levels)
        weight = purity(alpha)
        if self._blend.hidden:
            weight = weight * ~_hidden_cells(self._blend.hidden)[top:bottom, left:right]
        planes = np.empty((8, *alpha.shape), np.float32)
        np.multiply(mixture, weight[:, np.newaxis], out=planes[:6].reshape(2, 3, *alpha.shape))
        planes[6:] = weight
        self._look_closer(planes)
        shape = (2, -1, *alpha.shape)
        return Level(mixture, alpha, planes[:6].reshape(shape), planes[6:].reshape(shape))

    def _look_closer(self, planes: Planes) -> None:
        """Fills the soft edge's cells of (8, h, w): what `purest_colors` says of them."""
        width, height = self._blend.photo.size

        def look(band: tuple[int, int]) -> None:
            top, bottom = band
            chosen = self._in_rows_of((0, top, width, bottom))
            if not len(chosen.rows):
                return
            left, right = int(chosen.columns.min()), int(chosen.columns.max()) + 1
            area = (left * CELL_PX, top, min(width, right * CELL_PX), bottom)
            pixels = _pixels(self._blend, area)
            if self._kernels is None:
                self._look_with_numpy(pixels, area, chosen, planes)
            else:
                part = _part(pixels, area)
                self._kernels.purest_colors(part, chosen.rows, chosen.columns, planes, self._corner)

        each_part(look, list(bands(height)))

    def _look_with_numpy(self, pixels: Pixels, area: Area, chosen: Cells, planes: Planes) -> None:
        for cells in _chunks(chosen):
            packed, inside = pixels.take(self._places(cells, area)), self._in_box(cells)
            at = inside.rows * planes.shape[-1] + inside.columns
            # One plane at a time, by places in it: numpy takes three times as long for all at once.
            for plane, values in zip(planes.reshape(len(planes), -1), purest_colors(packed), strict=True):
                plane[at] = values

    def _in_rows_of(self, area: Area) -> Cells:
        """The cells in the area's rows; its top is where a cell begins."""
        _, top, _, bottom = area
        return self._cells.between(top // CELL_PX, -(-bottom // CELL_PX))

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


def _part(pixels: Pixels, area: Area) -> Part:
    left, top, right, bottom = area
    return Part(pixels.reshape(bottom - top, right - left), (top // CELL_PX, left // CELL_PX))


def _chunks(chosen: Cells) -> Iterator[Cells]:
    for first in range(0, len(chosen.rows), CELLS_AT_ONCE):
        last = first + CELLS_AT_ONCE
        yield Cells(chosen.rows[first:last], chosen.columns[first:last])
