"""The subject with its own colours and straight alpha, a few rows of the picture at a time.

Rows that fit into the processor's cache are read, changed and written six times as fast as whole pictures, and at 12
megapixels no buffer of 48 MB is needed beside the result.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from service.pixels.bands import bands
from service.pixels.foreground import CELL_PX, Cells, Estimate, Level, Planes, purity, share
from service.pixels.threads import pixel_work

Pixels = NDArray[np.uint32]
"""Red in the lowest byte, alpha in the highest."""

LITTLE_ENDIAN = np.dtype("<u4")
"""The order in which Pillow's RGBA becomes `Pixels`."""

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


@dataclass(frozen=True)
class Rows:
    """Some rows of the subject."""

    top: int
    image: Image.Image
    """RGBA, as wide as the photo; transparent black where the matte is 0."""


@pixel_work
def subject_rows(blend: Blend, decontaminate: bool) -> Iterator[Rows]:
    """The subject from top to bottom, without rows that have nothing of it.

    With `decontaminate`, colours at the soft edge are the subject's own, else the photo's.
    """
    cells = _find_cells(blend) if decontaminate else _no_cells()
    unmix = _Unmixing(blend, cells) if len(cells.rows) else None
    for top, bottom in bands(blend.photo.height):
        area = (0, top, blend.photo.width, bottom)
        matte = blend.matte.crop(area)
        if matte.getbbox() is None:
            continue
        pixels = _pixels(blend.photo, area)
        if unmix is not None:
            unmix.in_rows(pixels, top, bottom)
        yield Rows(top, _as_image(pixels, matte))


def _pixels(picture: Image.Image, area: tuple[int, int, int, int]) -> Pixels:
    """(height * width,), to be changed in place."""
    return np.frombuffer(bytearray(picture.crop(area).tobytes("raw", "RGBX")), LITTLE_ENDIAN)


def _as_image(pixels: Pixels, matte: Image.Image) -> Image.Image:
    """Without a copy. What was cut away is not to be had from a file: PNG would keep colours under an alpha of 0."""
    alpha = np.asarray(matte).reshape(-1)
    pixels &= 0xFFFFFF
    pixels |= alpha.astype(np.uint32) << 24
    pixels *= alpha > 0
    return Image.frombuffer("RGBA", matte.size, pixels, "raw", "RGBA", 0, 1)


# --- where ------------------------------------------------------------------------------------------------------------


def _no_cells() -> Cells:
    return Cells(np.empty(0, np.intp), np.empty(0, np.intp))


def _find_cells(blend: Blend) -> Cells:
    """Those with pixels that are shown, and not the subject's alone."""
    mixed = blend.mixture.point([255 * (FAINTEST < level < FULLEST) for level in range(256)])
    if blend.mixture is not blend.matte:
        # A softened edge shows pixels that the subject has no part in, and hides some that are its own.
        partly = blend.mixture.point([255 * (level < FULLEST) for level in range(256)])
        mixed = ImageChops.multiply(partly, blend.matte.point([255 * (level > FAINTEST) for level in range(256)]))
    # A single pixel of 16 is still 16 levels of the mean.
    found = np.asarray(mixed.reduce(CELL_PX)) > 0
    return Cells(*np.nonzero(found & ~_hidden_cells(blend.hidden) if blend.hidden else found))


def _hidden_cells(alpha: Image.Image) -> NDArray[np.bool_]:
    """Cells that are not opaque, and those around them."""
    opaque = alpha.point([0] * 255 + [255]).reduce(CELL_PX).point([255] * 255 + [0])
    return np.asarray(opaque.filter(ImageFilter.MaxFilter(2 * HIDDEN_MARGIN_CELLS + 1))) > 0


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
        self._box = _around(cells, blend.photo.size)
        self._estimate = Estimate(self._finest())

    def in_rows(self, pixels: Pixels, top: int, bottom: int) -> None:
        alpha = self._alpha(top, bottom)
        for cells in self._chunks(top, bottom):
            places = self._places(cells, top)
            fore, back = self._estimate.at(self._in_box(cells))
            unexplained = _channels(pixels.take(places))
            unexplained -= back
            unexplained -= alpha.take(places) * (fore - back)
            fore += share(alpha.take(places)) * unexplained
            pixels[places] = _packed(fore)

    def _finest(self) -> Level:
        """One value a cell. Where a cell has no part in the soft edge, its mean says all there is to say."""
        left, top, right, bottom = self._box
        width, height = self._blend.photo.size
        area = (left * CELL_PX, top * CELL_PX, min(width, right * CELL_PX), min(height, bottom * CELL_PX))
        colors = np.asarray(self._blend.photo.reduce(CELL_PX, area))
        mixture = np.moveaxis(colors, -1, 0).astype(np.float32, order="C")
        alpha = _zero_to_one(self._blend.mixture.reduce(CELL_PX, area))
        weight = purity(alpha)[:, np.newaxis]
        if self._blend.hidden:
            weight = weight * ~_hidden_cells(self._blend.hidden)[top:bottom, left:right]
        finest = Level(mixture, alpha, mixture * weight, weight)
        self._look_closer(finest)
        return finest

    def _look_closer(self, finest: Level) -> None:
        for top, bottom in bands(self._blend.photo.height):
            chunks = list(self._chunks(top, bottom))
            if not chunks:
                continue
            pixels = _pixels(self._blend.photo, (0, top, self._blend.photo.width, bottom))
            alpha = self._alpha(top, bottom)
            for cells in chunks:
                places, inside = self._places(cells, top), self._in_box(cells)
                colors = _channels(pixels.take(places))
                for side, weight in enumerate(purity(alpha.take(places))):
                    finest.pure[side, :, *inside] = (colors * weight).mean(axis=1).T
                    finest.weight[side, 0, *inside] = weight.mean(axis=0)

    def _alpha(self, top: int, bottom: int) -> Planes:
        return _zero_to_one(self._blend.mixture.crop((0, top, self._blend.photo.width, bottom))).reshape(-1)

    def _chunks(self, top: int, bottom: int) -> Iterator[Cells]:
        chosen = self._cells.between(top // CELL_PX, -(-bottom // CELL_PX))
        for first in range(0, len(chosen.rows), CELLS_AT_ONCE):
            last = first + CELLS_AT_ONCE
            yield Cells(chosen.rows[first:last], chosen.columns[first:last])

    def _in_box(self, cells: Cells) -> Cells:
        return Cells(cells.rows - self._box[1], cells.columns - self._box[0])

    def _places(self, cells: Cells, top: int) -> NDArray[np.intp]:
        """(16, N): where in the rows from `top` their pixels are. At the photo's border some are named twice."""
        width, height = self._blend.photo.size
        within = np.arange(CELL_PX)[:, np.newaxis]
        rows = np.minimum(cells.rows * CELL_PX + within, height - 1) - top
        columns = np.minimum(cells.columns * CELL_PX + within, width - 1)
        places: NDArray[np.intp] = rows[:, np.newaxis] * width + columns
        return places.reshape(CELL_PX * CELL_PX, -1)


def _zero_to_one(alpha: Image.Image) -> Planes:
    scaled: Planes = np.asarray(alpha) * np.float32(1 / 255)
    return scaled


def _channels(packed: Pixels) -> Planes:
    """(...,) to (3, ...)."""
    return np.stack([packed & 255, packed >> 8 & 255, packed >> 16 & 255]).astype(np.float32)


def _packed(colors: Planes) -> Pixels:
    """(3, ...) to (...,), rounded."""
    red, green, blue = (colors + 0.5).clip(0, 255).astype(np.uint32)
    packed: Pixels = red | green << 8 | blue << 16
    return packed
