"""Doubles the answer's size until it is the photo's, and corrects what is unsure after each doubling.

What is sure stays as it is, and so does what lies far from any edge: the work grows with the length of the outline, not
with the picture. Each step works as the one before, whatever the size, so that one small network serves all of them.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.kernels.memory import image_bytes, image_floats
from service.models.labels import Box, Size
from service.pixels.bands import BAND_ROWS, bands
from service.pixels.refinement.compiled import compiled_cascade
from service.pixels.refinement.network import RefinementNetwork, built_in_network
from service.pixels.refinement.surroundings import (
    LEAST_RANGE,
    PERHAPS_INSIDE,
    SCALES,
    SURE_LEVELS,
    Coordinates,
    Level,
    Places,
    describe,
)
from service.pixels.threads import each_part

RANGE_REACH = 2
"""As far as `describe` looks on the coarsest level."""

LEVEL_ROWS = 512
"""Of floats, made levels at once."""

CHUNK = 1024
"""Pixels that are described at once. With 512 describing took 1.1 times as long a pixel, with 256 1.4 times."""


def refine(
    plane: NDArray[np.float32], box: Box, grid: Size, picture: Image.Image, network: RefinementNetwork | None = None
) -> Image.Image:
    """Mode L, as large as `picture` (RGB): the part `box` of `plane`, (h, w) probabilities that show it.

    `grid` is how many samples the network had for the picture; `plane` itself may have been enlarged since.
    """
    return next(refine_each([plane], box, grid, picture, network))


def refine_each(
    planes: Iterable[NDArray[np.float32]],
    box: Box,
    grid: Size,
    picture: Image.Image,
    network: RefinementNetwork | None = None,
) -> Iterator[Image.Image]:
    """As `refine`, of several planes, one after the other: the picture is made smaller once for all of them."""
    network = network or built_in_network()
    size = Size(*picture.size)
    count = level_count(grid, size) + SCALES - 1
    if (compiled := compiled_cascade(picture, count, network)) is not None:
        width, height = compiled.coarsest_size
        for plane in planes:
            yield Image.fromarray(compiled.refined(to_levels(sampled(plane, box, (width, height), size))))
        return
    pictures = halvings(picture, count)
    for plane in planes:
        yield _refined(coarsest_mattes(plane, box, pictures[:SCALES], size), pictures, network)


def _refined(mattes: list[Image.Image], pictures: Sequence[Image.Image], network: RefinementNetwork) -> Image.Image:
    """The last of `mattes`, which grow to as many as there are `pictures`."""
    for index in range(SCALES - 1, len(pictures)):
        if index == len(mattes):
            mattes.append(double(mattes[-1], pictures[index].size))
        scales = slice(index - SCALES + 1, index + 1)
        mattes[index] = correct(pictures[scales], mattes[scales], network)
    return mattes[-1]


def level_count(grid: Size, size: Size) -> int:
    """How many levels are corrected: the first has one to two pixels a sample along the axis with fewer samples."""
    ratio = max(size.width / grid.width, size.height / grid.height)
    return max(1, math.ceil(math.log2(ratio)))


def halvings(picture: Image.Image, count: int) -> list[Image.Image]:
    """The picture and its halves, rounded up; the smallest first."""
    pictures = [picture]
    while len(pictures) < count:
        pictures.append(pictures[-1].reduce(2))
    return pictures[::-1]


def coarsest_mattes(
    plane: NDArray[np.float32], box: Box, pictures: Sequence[Image.Image], size: Size
) -> list[Image.Image]:
    """The answer at the last of `pictures`' sizes, and its halves for the ones before."""
    levels = to_levels(sampled(plane, box, pictures[-1].size, size))
    return halvings(Image.fromarray(levels), len(pictures))


def sampled(plane: NDArray[np.float32], box: Box, level: tuple[int, int], size: Size) -> Image.Image:
    """Mode F, as large as `level`, a size to which `size` was halved: the part `box` of `plane`, which shows it all."""
    width, height = level
    factor = 2 ** round(math.log2(size.width / width)) if width > 1 else 1
    right = box.left + (box.right - box.left) * width * factor / size.width
    bottom = box.top + (box.bottom - box.top) * height * factor / size.height
    # The last pixels of a level, rounded up, can reach beyond the answer's lower and right edge.
    beyond = [(0, max(0, math.ceil(end) - length)) for end, length in zip((bottom, right), plane.shape, strict=True)]
    padded = Image.fromarray(np.pad(plane, beyond, mode="edge") if np.any(beyond) else plane)
    return padded.resize((width, height), Image.Resampling.BILINEAR, box=(box.left, box.top, right, bottom))


def to_levels(plane: Image.Image) -> NDArray[np.uint8]:
    """(h, w) of mode F, some rows at a time: each step over a whole plane of floats takes four times the result."""
    floats = image_floats(plane)
    levels = np.empty(floats.shape, np.uint8)
    for top in range(0, len(floats), LEVEL_ROWS):
        rows = slice(top, top + LEVEL_ROWS)
        levels[rows] = np.rint(floats[rows].clip(0, 1) * 255)
    return levels


def double(matte: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Enlarged by two, less the half pixel by which it may reach beyond `size`."""
    return matte.resize(size, Image.Resampling.BILINEAR, box=(0, 0, size[0] / 2, size[1] / 2))


def unsure(coarsest: Image.Image, middle: Image.Image) -> NDArray[np.bool_]:
    """(h, w) of the matte `middle`, twice as large as `coarsest`: what is unsure, or beside it, near an edge.

    Elsewhere `describe` has no trust in what the network would say.
    """
    levels, below = image_bytes(middle), image_bytes(coarsest)
    doubtful = _spread((levels > SURE_LEVELS) & (levels < 255 - SURE_LEVELS), 1, np.maximum)
    highest, lowest = (_spread(below, RANGE_REACH, extreme) for extreme in (np.maximum, np.minimum))
    is_edge = (highest - lowest >= LEAST_RANGE * 255) & (lowest <= PERHAPS_INSIDE * 255)
    is_edge = is_edge.repeat(2, axis=0).repeat(2, axis=1)
    found: NDArray[np.bool_] = doubtful & is_edge[: middle.height, : middle.width]
    return found


def _spread(values: NDArray[Any], reach: int, extreme: np.ufunc) -> NDArray[Any]:
    """(h, w): the largest or smallest value up to `reach` pixels away in both directions, faster than Pillow."""
    height, width = values.shape
    padded = np.pad(values, reach, mode="edge")
    tall = padded[:height]
    for offset in range(1, 2 * reach + 1):
        tall = extreme(tall, padded[offset : offset + height])
    wide = tall[:, :width]
    for offset in range(1, 2 * reach + 1):
        wide = extreme(wide, tall[:, offset : offset + width])
    return wide


def correct(pictures: Sequence[Image.Image], mattes: Sequence[Image.Image], network: RefinementNetwork) -> Image.Image:
    """The last of three `mattes`, corrected where the one before, of half its size, is unsure."""
    width, height = mattes[-1].size
    corrected = np.zeros((height + (height & 1), width + (width & 1)), np.uint8)
    corrected[:height, :width] = image_bytes(mattes[-1])

    def correct_band(doubtful: Doubts) -> None:
        for levels, places in doubtful:
            rows, columns = four(places)
            corrected[rows, columns] = network.correct(corrected[rows, columns], describe(levels, places))

    each_part(correct_band, doubts(pictures, mattes))
    return Image.fromarray(np.ascontiguousarray(corrected[:height, :width]))


Doubts = Iterator[tuple[Sequence[Level], Places]]
"""Unsure pixels, a `CHUNK` at a time, with what `describe` needs."""


def doubts(pictures: Sequence[Image.Image], mattes: Sequence[Image.Image]) -> list[Doubts]:
    """The unsure pixels of the second of three levels, band by band; the finest level is never copied as a whole."""
    coarsest, middle = (Level.pack(picture, matte) for picture, matte in zip(pictures[:2], mattes[:2], strict=True))
    is_unsure = unsure(*mattes[:2])

    def of_band(top: int, bottom: int) -> Doubts:
        rows, columns = np.nonzero(is_unsure[top:bottom])
        if not len(rows):
            return
        places = Places.of(rows + top, columns)
        beside = 2 * int(columns.min()), 2 * int(columns.max()) + 2
        finest = Level.pack(pictures[2], mattes[2], (beside[0], 2 * top, beside[1], 2 * (top + BAND_ROWS)))
        for start in range(0, len(rows), CHUNK):
            yield (finest, middle, coarsest), Places(*(each[start : start + CHUNK] for each in places))

    return [of_band(top, bottom) for top, bottom in bands(middle.size.height)]


def four(places: Places) -> tuple[Coordinates, Coordinates]:
    """(n, 4) rows and columns of the pixels that each place is split into; some may lie just outside the picture."""
    first = places.first_of_four()
    rows = first.rows[:, np.newaxis] + places.down[:, np.newaxis] * (0, 0, 1, 1)
    columns = first.columns[:, np.newaxis] + places.right[:, np.newaxis] * (0, 1, 0, 1)
    return rows, columns
