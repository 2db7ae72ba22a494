"""Polygons, held against scikit-image's connected components."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage import data
from skimage.measure import label
from skimage.transform import resize

from service.models.labels import Mask, Size
from service.pixels.encoders import polygons
from service.pixels.encoders.polygons import Ring

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
    assert np.array_equal(polygons.decode(polygons.encode(mask), size_of(mask)), mask)


@given(masks())
@example(CHECKERBOARD)
@example(~CHECKERBOARD)
@example(TARGET)
def test_each_polygon_with_its_holes_is_one_4_connected_component(mask: Mask) -> None:
    """A hole given to the wrong polygon shows here: the mask as a whole would be the same."""
    found = {polygons.decode([polygon], size_of(mask)).tobytes() for polygon in polygons.encode(mask)}
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
    assert np.array_equal(polygons.decode([], Size(4, 3)), empty)


@pytest.mark.parametrize("size", [Size(1920, 1080), Size(70_000, 40)])
def test_a_real_mask_comes_back_exactly(size: Size) -> None:
    """The second is wider than 16 bits can count."""
    mask = portrait(size)
    assert np.array_equal(polygons.decode(polygons.encode(mask), size), mask)


def test_large_noise_comes_back_exactly() -> None:
    noise = np.random.default_rng(seed=0).random((360, 640)) < 0.5
    assert np.array_equal(polygons.decode(polygons.encode(noise), size_of(noise)), noise)
