"""What is painted grows as far as it should, and nothing else changes."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from skimage import data

from service.models.labels import Size
from service.pixels.correction import Correction, Line, correct, drawn
from service.pixels.correction.geodesic import FAR, distances, steps
from service.pixels.correction.growth import REACH, brush_radius
from service.pixels.correction.walker import BELIEF, Ties, walked

Levels = NDArray[np.uint8]


def exact(colours: NDArray[np.float32], start: NDArray[np.bool_], px: float, contrast: float) -> NDArray[np.float64]:
    """By Dijkstra, over the graph of all pixels."""
    height, width = start.shape
    number = np.arange(height * width).reshape(height, width)
    step = steps(colours, px, contrast)
    ends = [
        (number[:, :-1], number[:, 1:], step.right),
        (number[:-1], number[1:], step.down),
        (number[:-1, :-1], number[1:, 1:], step.down_right),
        (number[:-1, 1:], number[1:, :-1], step.down_left),
    ]
    one, other, cost = (np.concatenate([part[index].ravel() for part in ends]) for index in range(3))
    graph = coo_matrix((cost.astype(np.float64), (one, other)), (number.size, number.size))
    away = dijkstra(graph.tocsr(), directed=False, indices=number[start], min_only=True)
    found: NDArray[np.float64] = away.reshape(height, width)
    return found


@pytest.mark.parametrize("name", ["astronaut", "coffee", "cat"])
def test_sweeping_finds_the_shortest_ways_of_real_photos(name: str) -> None:
    picture = Image.fromarray(getattr(data, name)()).resize((70, 50), Image.Resampling.BOX)
    colours = np.asarray(picture, np.float32) / np.float32(255)
    start = np.zeros((2, 50, 70), np.bool_)
    start[0, 20:23, 30:40] = start[1, 40, 5] = True
    found = distances(start, steps(colours, 0.2, 40.0))
    for one, other in zip(found, start, strict=True):
        right = exact(colours, other, 0.2, 40.0)
        assert (one >= right - 1e-6).all()
        assert ((one < REACH) == (right < REACH)).mean() > 0.999


def test_from_nowhere_everything_is_far() -> None:
    start = np.zeros((1, 5, 7), np.bool_)
    assert (distances(start, steps(np.zeros((5, 7, 3), np.float32), 1.0, 1.0)) >= FAR).all()


def test_walks_end_where_the_equations_of_all_pixels_together_say() -> None:
    random = np.random.default_rng(3)
    colours, believed = random.random((9, 7, 3), np.float32) * np.float32(0.1), random.random((9, 7), np.float32)
    known, is_open = (random.random((9, 7)) < share for share in (0.5, 0.6))
    ties = Ties.of(colours)
    share = walked(known.astype(np.float32), is_open, believed, ties)
    away = BELIEF * (share - believed) + ties.from_neighbours(np.ones_like(share)) * share - ties.from_neighbours(share)
    assert np.array_equal(share[~is_open], known[~is_open])
    assert abs(away[is_open]).max() < 1e-3


def test_a_brush_is_as_wide_as_its_widest_place() -> None:
    layer = Image.new("L", (60, 40))
    draw = ImageDraw.Draw(layer)
    draw.line([(5, 5), (55, 5)], fill=255, width=4)
    draw.circle((30, 25), 9, fill=255)
    assert brush_radius(np.asarray(layer) > 0) == pytest.approx(9, abs=0.8)


SIZE = Size(1600, 1200)


def large() -> tuple[Image.Image, Image.Image]:
    """A photo of a grey disc on white, with a dark bar beside it; and the matte of the disc alone."""
    photo, soft = Image.new("RGB", SIZE, (240, 240, 240)), Image.new("L", SIZE)
    ImageDraw.Draw(photo).circle((500, 600), 300, fill=(90, 90, 90))
    ImageDraw.Draw(photo).rectangle((800, 560, 1000, 640), fill=(40, 40, 90))
    ImageDraw.Draw(soft).circle((500, 600), 300, fill=255)
    return photo, soft


def bar(*, keep: bool = True) -> Correction:
    """A stroke on the dark bar."""
    layers = drawn([Line([(830, 600), (970, 600)], 25)], SIZE)
    return Correction(keep=layers) if keep else Correction(remove=layers)


def test_a_stroke_fills_what_has_its_colour_and_ends_at_the_edge() -> None:
    photo, soft = large()
    after = np.asarray(correct(soft, photo, bar()))
    assert (after[566:634, 806:994] == 255).all()
    assert (after[:548, 830:] == 0).all()
    assert (after[:, 1012:] == 0).all()


def test_no_seam_is_left_between_a_stroke_and_the_subject_that_it_adds_to() -> None:
    photo, soft = large()
    draw = ImageDraw.Draw(photo)
    draw.rectangle((700, 560, 1000, 640), fill=(40, 40, 90))
    draw.rectangle((796, 560, 803, 640), fill=(230, 230, 60))
    ImageDraw.Draw(soft).rectangle((700, 560, 795, 640), fill=255)
    assert (np.asarray(correct(soft, photo, bar()))[566:634, 700:994] == 255).all()


def test_removing_gives_back_what_keeping_gave() -> None:
    photo, soft = large()
    kept = correct(soft, photo, bar())
    assert (np.asarray(correct(kept, photo, bar(keep=False)))[566:634, 812:] < 3).all()


def test_what_is_farther_than_its_reach_stays_as_it_is_to_the_bit() -> None:
    photo, _ = large()
    rng = np.random.default_rng(5)
    haze = Image.fromarray(rng.integers(0, 256, SIZE[::-1], np.uint8))
    changed = np.asarray(correct(haze, photo, bar())) != np.asarray(haze)
    rows, columns = np.nonzero(changed)
    most = 25 * (REACH + 1.5)
    assert rows.min() > 600 - most
    assert rows.max() < 600 + most
    assert columns.min() > 830 - most
    assert columns.max() < 970 + most


def test_two_strokes_meet_at_the_edge_between_them() -> None:
    photo, _ = large()
    soft = Image.new("L", photo.size)
    keep, remove = (drawn([Line([(x, 600)], 30)], Size(*photo.size)) for x in (740, 850))
    after = np.asarray(correct(soft, photo, Correction(keep=keep, remove=remove)))
    assert after[600, 790] > 200
    assert after[600, 806] < 50


def test_a_line_is_as_wide_as_its_brush_and_round_at_its_ends() -> None:
    (drawn_layer,) = drawn([Line([(20, 30), (60, 30)], 8)], Size(100, 60))
    layer = np.asarray(drawn_layer)
    rows, columns = np.nonzero(layer)
    assert (rows.min(), rows.max()) == pytest.approx((22, 37), abs=1)
    assert (columns.min(), columns.max()) == pytest.approx((12, 67), abs=1)
    assert layer[23, 13] == 0


def test_a_layer_of_a_large_photo_is_drawn_smaller_and_is_in_the_same_place() -> None:
    size = Size(8000, 4000)
    (layer,) = drawn([Line([(6000, 1000)], 200)], size)
    assert max(layer.size) <= 2048
    area = Correction(keep=(layer,)).painted_area(size)
    assert area == pytest.approx((5800, 800, 6200, 1200), abs=10)


def test_a_click_grows_like_a_broader_brush() -> None:
    photo, soft = large()
    (layer,) = drawn([Line([(900, 600)], 6)], SIZE)
    fine, broad = (correct(soft, photo, Correction(keep=(layer,), least_radius_px=least)) for least in (0.0, 30.0))
    assert (np.asarray(fine)[570:630, 810:990] == 0).any()
    assert (np.asarray(broad)[570:630, 810:990] == 255).all()


def test_broad_brushes_are_drawn_coarsely_and_miss_their_edge_by_a_hundredth_of_their_radius() -> None:
    """A disc takes time by its rows, also by those outside of the photo: 5,000 of the broadest took seconds."""
    size = Size(1600, 1200)
    layers = drawn([Line([(0, 0)], radius_px) for radius_px in (1500, 700, 10)], size)
    assert [layer.width for layer in layers] == [200, 400, 1600]
    keep, _ = Correction(keep=layers).painted((0, 0, *size), size, size)
    down, across = np.ogrid[: size.height, : size.width]
    away = np.hypot(down + 0.5, across + 0.5)
    assert keep[away < 0.99 * 1500].all()
    assert not keep[away > 1.01 * 1500].any()
