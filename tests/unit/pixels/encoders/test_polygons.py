"""Polygons, held against scikit-image's connected components."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage import data
from skimage.measure import label
from skimage.transform import resize

from service.errors import TooManyVertices
from service.models.labels import Mask, Size
from service.pixels.encoders import polygons
from service.pixels.encoders.polygons import Polygon, Ring

shapes = arrays.array_shapes(min_dims=2, max_dims=2, max_side=16)
CHECKERBOARD = np.indices((9, 8)).sum(axis=0) % 2 == 1
TARGET = np.maximum.outer(abs(np.arange(-5, 6)), abs(np.arange(-5, 6))) % 2 == 1
"""Squares in squares: each ring of foreground lies in the hole of another."""


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    """From nearly empty through noise to nearly full: many holes need more foreground than background."""
    noise = draw(arrays.arrays(np.uint8, shapes, elements=st.integers(0, 9), fill=st.nothing()))
    return noise < draw(st.integers(0, 10))


def draw_mask(*rows: str) -> Mask:
    return np.array([[pixel == "#" for pixel in row] for row in rows])


def size_of(mask: Mask) -> Size:
    height, width = mask.shape
    return Size(width, height)


def filled(found: list[Polygon], size: Size) -> Mask:
    """By the even-odd rule, of all rings at once.

    Every point ends one vertical edge, so an odd number of points above means that a vertical edge passes here, and an
    odd number of vertical edges to the left means inside.
    """
    parity = np.zeros((size.height + 1, size.width + 1), np.uint8)
    points = [point for polygon in found for ring in (polygon["exterior"], *polygon["holes"]) for point in ring]
    x, y = np.array(points, np.intp).reshape(-1, 2).T
    np.bitwise_xor.at(parity, (y, x), 1)  # a plain assignment would count double points once
    inside = np.bitwise_xor.accumulate(np.bitwise_xor.accumulate(parity, axis=0), axis=1)
    return inside[:-1, :-1].astype(np.bool_)


def doubled_area(ring: Ring) -> int:
    """The shoelace formula; positive for a ring that runs clockwise as seen with y down."""
    x, y = np.array(ring).T
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def components(mask: Mask) -> list[Mask]:
    numbered, count = label(mask, connectivity=1, return_num=True)
    return [numbered == number for number in range(1, count + 1)]


def count_holes(mask: Mask) -> int:
    background = np.pad(~mask, 1, constant_values=True)
    return int(label(background, connectivity=2).max()) - 1


def portrait(size: Size) -> Mask:
    mask: Mask = resize(data.astronaut()[..., 0] > 150, (size.height, size.width), order=0)
    return mask


@given(masks())
@example(CHECKERBOARD)
@example(~CHECKERBOARD)
@example(TARGET)
def test_decoding_gives_back_the_very_same_mask(mask: Mask) -> None:
    assert np.array_equal(filled(polygons.encode(mask), size_of(mask)), mask)


@given(masks())
@example(CHECKERBOARD)
@example(~CHECKERBOARD)
@example(TARGET)
def test_each_polygon_with_its_holes_is_one_4_connected_component(mask: Mask) -> None:
    """A hole given to the wrong polygon shows here: the mask as a whole would be the same."""
    found = {filled([polygon], size_of(mask)).tobytes() for polygon in polygons.encode(mask)}
    assert found == {component.tobytes() for component in components(mask)}
    assert len(polygons.encode(mask)) == len(found)


@given(masks())
@example(CHECKERBOARD)
def test_there_are_as_many_holes_as_8_connected_islands_of_background(mask: Mask) -> None:
    for component in components(mask):
        (polygon,) = polygons.encode(component)
        assert len(polygon["holes"]) == count_holes(component)


@given(masks())
@example(TARGET)
def test_exteriors_run_clockwise_on_screen_and_holes_counter_clockwise(mask: Mask) -> None:
    for polygon in polygons.encode(mask):
        assert doubled_area(polygon["exterior"]) > 0
        assert all(doubled_area(hole) < 0 for hole in polygon["holes"])


@given(masks())
@example(CHECKERBOARD)
def test_rings_turn_at_every_point(mask: Mask) -> None:
    for polygon in polygons.encode(mask):
        for ring in (polygon["exterior"], *polygon["holes"]):
            steps = np.roll(ring, -1, axis=0) - ring
            is_horizontal = steps[:, 1] == 0
            assert ((steps != 0).sum(axis=1) == 1).all()
            assert (is_horizontal != np.roll(is_horizontal, 1)).all()


def test_a_frame_is_a_square_with_a_square_hole() -> None:
    frame = draw_mask(
        "......",
        ".####.",
        ".#..#.",
        ".####.",
    )
    assert polygons.encode(frame) == [
        {"exterior": [[1, 1], [5, 1], [5, 4], [1, 4]], "holes": [[[4, 2], [2, 2], [2, 3], [4, 3]]]}
    ]


def test_pixels_that_touch_at_a_corner_are_separate_polygons() -> None:
    diagonal = draw_mask(
        "#.",
        ".#",
    )
    assert [polygon["exterior"] for polygon in polygons.encode(diagonal)] == [
        [[0, 0], [1, 0], [1, 1], [0, 1]],
        [[1, 1], [2, 1], [2, 2], [1, 2]],
    ]


def test_holes_that_touch_at_a_corner_are_one_hole() -> None:
    mask = draw_mask(
        "####",
        "#.##",
        "##.#",
        "####",
    )
    (polygon,) = polygons.encode(mask)
    assert len(polygon["holes"]) == 1


def test_an_empty_mask_has_no_polygons() -> None:
    empty = np.zeros((3, 4), np.bool_)
    assert polygons.encode(empty) == []
    assert np.array_equal(filled([], Size(4, 3)), empty)


@pytest.mark.parametrize("size", [Size(1920, 1080), Size(70_000, 40)])
def test_a_real_mask_comes_back_exactly(size: Size) -> None:
    """The second is wider than 16 bits can count."""
    mask = portrait(size)
    assert np.array_equal(filled(polygons.encode(mask), size), mask)


def test_noise_of_several_bands_comes_back_exactly() -> None:
    noise = np.random.default_rng(seed=0).random((400, 900)) < 0.5
    assert np.array_equal(filled(polygons.encode(noise, max_vertices=noise.size), size_of(noise)), noise)


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_bands_of_any_height_give_the_same_polygons(rows: int) -> None:
    """Each of `rows` rows: a mask so wide that no more are searched at once."""
    tile = np.random.default_rng(seed=1).random((9, 64)) < 0.6
    mask = np.zeros((9, polygons.BAND_PIXELS // rows), np.bool_)
    mask[:, 5:69] = tile
    narrow = [ring for polygon in polygons.encode(mask[:, :75]) for ring in (polygon["exterior"], *polygon["holes"])]
    wide = [ring for polygon in polygons.encode(mask) for ring in (polygon["exterior"], *polygon["holes"])]
    assert wide == narrow


def test_noise_is_refused_before_anything_is_made_of_it() -> None:
    """4 megapixels, 3 million points: all of it took 658 MB and half a minute."""
    noise = np.random.default_rng(seed=0).random((2000, 2000)) < 0.5
    tracemalloc.start()
    with pytest.raises(TooManyVertices, match="encoding=rle"):
        polygons.encode(noise)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 25e6


def test_a_mask_may_have_as_many_vertices_as_that_and_no_more() -> None:
    plus = draw_mask(".#.", "###", ".#.")
    assert len(polygons.encode(plus, max_vertices=12)) == 1
    with pytest.raises(TooManyVertices):
        polygons.encode(plus, max_vertices=11)


def test_the_masks_of_one_answer_share_the_limit() -> None:
    labels = np.array([[1, 2, 1, 2]], np.uint8)
    assert [len(found) for found in polygons.encode_classes(labels, (1, 2, 3), max_vertices=16)] == [2, 2, 0]
    with pytest.raises(TooManyVertices):
        polygons.encode_classes(labels, (1, 2, 3), max_vertices=15)
