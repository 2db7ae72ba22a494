"""The refinement of edges, on pictures whose true matte is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from service.models.decisions import Plane
from service.models.labels import Box, Size
from service.pixels.refinement import refine
from service.pixels.refinement.cascade import level_count

WIDTH, HEIGHT = 397, 301
CELL_PX = 8

RED, GREY = (176, 60, 48), (120, 124, 130)


def drawn(shape: str, *coordinates: float, width: int = 0) -> Plane:
    """(HEIGHT, WIDTH) 0 to 1, with smooth edges: a shape that ImageDraw knows."""
    canvas = Image.new("L", (4 * WIDTH, 4 * HEIGHT))
    pen = ImageDraw.Draw(canvas)
    scaled = [4 * number for number in coordinates]
    if shape == "line":
        pen.line(scaled, fill=255, width=4 * width)
    else:
        pen.ellipse(scaled, fill=255)
    return np.asarray(canvas.reduce(4), np.float32) / np.float32(255)


def photo(truth: Plane, foreground: NDArray[np.float32] | None = None) -> Image.Image:
    """The subject, red where nothing else is said, before grey, with a little noise."""
    noise = np.random.default_rng(7).normal(0, 3, (*truth.shape, 3))
    inside = np.array(RED, np.float32) if foreground is None else foreground
    colors = truth[..., np.newaxis] * inside + (1 - truth[..., np.newaxis]) * np.array(GREY, np.float32)
    return Image.fromarray((colors + noise).clip(0, 255).astype(np.uint8))


def coarse(truth: Plane, shift_px: float = 0.0, cell_px: int = CELL_PX) -> Plane:
    """What a network might answer: one number for each cell, and everything moved to the right."""
    size = (truth.shape[1] // cell_px, truth.shape[0] // cell_px)
    moved = np.asarray(
        Image.fromarray(truth).transform(truth.shape[::-1], Image.Transform.AFFINE, (1, 0, -shift_px, 0, 1, 0))
    )
    return np.asarray(Image.fromarray(moved).resize(size, Image.Resampling.BOX))


def refined(answer: Plane, picture: Image.Image) -> Plane:
    height, width = answer.shape
    return np.asarray(refine(answer, Box(0, 0, width, height), Size(width, height), picture), np.float32) / np.float32(
        255
    )


def bilinear(answer: Plane, truth: Plane) -> Plane:
    return np.asarray(Image.fromarray(answer).resize(truth.shape[::-1], Image.Resampling.BILINEAR))


def error(matte: Plane, truth: Plane) -> float:
    return float(np.abs(matte - truth).mean())


def wrong(matte: Plane, truth: Plane) -> int:
    """Pixels on the wrong side of one half."""
    return int(np.count_nonzero((matte >= 0.5) != (truth >= 0.5)))


def test_the_outline_of_a_disc_is_found_where_the_photo_has_it() -> None:
    truth = drawn("ellipse", 110, 60, 290, 240)
    answer = coarse(truth, shift_px=3)
    found, before = refined(answer, photo(truth)), bilinear(answer, truth)
    assert wrong(before, truth) > 500  # three pixels off, left and right
    assert wrong(found, truth) < wrong(before, truth) / 5
    assert error(found, truth) < error(before, truth) / 5


@pytest.mark.parametrize("cell_px", [3, 4, 6])
def test_a_thin_line_is_not_eaten(cell_px: int) -> None:
    truth = drawn("line", 40, 40, 350, 260, width=5)
    answer = coarse(truth, cell_px=cell_px)
    found, before = refined(answer, photo(truth)), bilinear(answer, truth)
    line = truth > 0.9
    assert found[line].mean() >= before[line].mean()
    assert wrong(found, truth) <= wrong(before, truth)
    assert error(found, truth) < error(before, truth)


def test_a_region_that_the_network_is_unsure_of_stays_flat() -> None:
    """The photo's texture must not be printed into it."""
    checkers = np.indices((HEIGHT, WIDTH)).sum(axis=0) // 6 % 2 * 200.0
    picture = Image.fromarray(checkers.astype(np.uint8)).convert("RGB")
    haze = np.linspace(0.35, 0.55, WIDTH // CELL_PX, dtype=np.float32)[np.newaxis].repeat(HEIGHT // CELL_PX, axis=0)
    found = refined(haze, picture)
    assert np.abs(found - bilinear(haze, found)).max() <= 1.5 / 255


def test_strong_texture_on_both_sides_of_an_edge_leaves_no_halo() -> None:
    truth = drawn("ellipse", 110, 60, 290, 240)
    checkers = np.indices((HEIGHT, WIDTH)).sum(axis=0) // 6 % 2 * 80.0
    picture = Image.fromarray(
        (np.asarray(photo(truth)) * 0.6 + checkers[..., np.newaxis]).clip(0, 255).astype(np.uint8)
    )
    found = refined(coarse(truth), picture)
    yy, xx = np.mgrid[:HEIGHT, :WIDTH]
    distance_px = np.hypot(xx - 200, yy - 150) - 90
    assert found[distance_px < -2 * CELL_PX].min() > 0.98
    assert found[distance_px > 2 * CELL_PX].max() < 0.02


def test_a_soft_edge_stays_soft() -> None:
    row = ((np.arange(WIDTH) - 150) / 60).clip(0, 1).astype(np.float32)
    ramp: Plane = row[np.newaxis].repeat(HEIGHT, axis=0)
    found = refined(coarse(ramp), photo(ramp))
    assert error(found, ramp) < 0.03
    assert 0.3 < found[:, 180].mean() < 0.7
    assert found[:, 180].std() < 0.1  # and smooth along itself


def test_a_haze_beside_the_subject_is_not_cut_from_it() -> None:
    """A network is sure of a face and unsure of the fur below: there must be no line between them."""
    truth = drawn("ellipse", 110, 60, 290, 240)
    columns = np.arange(WIDTH // CELL_PX)[np.newaxis]
    answer = np.maximum(coarse(truth), np.where(columns > 24, 0.4, 0).astype(np.float32))
    found, before = refined(answer, photo(truth)), bilinear(answer, truth)
    haze = (before > 0.35) & (before < 0.45)
    haze[:, :275] = False  # the left end of it lies beside the background, too
    assert haze.sum() > 10_000
    assert np.abs(found - before)[haze].max() < 0.2


def test_a_subject_that_looks_like_its_background_keeps_the_network_s_outline() -> None:
    """Within one pixel on the average, where a cell has eight."""
    truth = drawn("ellipse", 110, 60, 290, 240)
    same = np.full((HEIGHT, WIDTH, 3), GREY, np.float32)
    outline_px = np.pi * 180
    assert wrong(refined(coarse(truth), photo(truth, foreground=same)), truth) < outline_px


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_what_is_sure_stays_as_it_is(level: float) -> None:
    answer = np.full((30, 40), level, np.float32)
    noise = np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    assert (refined(answer, Image.fromarray(noise)) == level).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 9), st.integers(1, 9))
def test_any_size_of_picture_and_answer_gives_a_matte_of_the_picture_s_size(
    width: int, height: int, columns: int, rows: int
) -> None:
    answer = np.random.default_rng(width).random((rows, columns), np.float32)
    assert refined(answer, Image.new("RGB", (width, height))).shape == (height, width)


def test_only_the_box_of_an_answer_shows_the_picture() -> None:
    truth = drawn("ellipse", 110, 60, 290, 240)
    answer = coarse(truth)
    height, width = answer.shape
    padded = np.pad(answer, ((2, 5), (3, 4)))
    box = Box(3, 2, 3 + width, 2 + height)
    found = np.asarray(refine(padded, box, Size(width, height), photo(truth)), np.float32) / np.float32(255)
    assert error(found, truth) < error(bilinear(answer, truth), truth) / 2


def test_an_answer_that_was_enlarged_before_stays_in_its_place_up_to_the_right_border() -> None:
    """As logits are before they become probabilities. A level of 13 pixels of 32 each reaches 19 pixels beyond 397."""
    answer = np.zeros((HEIGHT, WIDTH), np.float32)
    answer[:, 350:] = 1
    plain = Image.new("RGB", (WIDTH, HEIGHT), GREY)
    found = np.asarray(refine(answer, Box(0, 0, WIDTH, HEIGHT), Size(10, 8), plain))[HEIGHT // 2]
    assert np.flatnonzero(found >= 128)[0] == pytest.approx(350, abs=5)


@pytest.mark.parametrize(
    ("grid", "size", "levels"),
    [
        ((320, 320), (320, 240), 1),
        ((320, 320), (640, 300), 1),
        ((320, 320), (641, 300), 2),
        ((320, 320), (4000, 3000), 4),
    ],
)
def test_each_level_but_the_first_doubles_the_answer(grid: tuple[int, int], size: tuple[int, int], levels: int) -> None:
    assert level_count(Size(*grid), Size(*size)) == levels
