"""Boundary F and the error at the edge, of shapes whose answer is known."""

import numpy as np
import pytest

from benchmarks.quality.edges import BAND_PX, EdgeScore, TrueEdge
from service.cli.evaluation.boundary import edge_pixels
from service.models.decisions import Plane
from service.models.labels import Mask

HEIGHT, WIDTH, EDGE = 40, 60, 30
ALL = np.ones((HEIGHT, WIDTH), np.bool_)


def left_of(column: int) -> Mask:
    """A straight edge: what is left of `column` is the subject."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[:, :column] = True
    return mask


def disc(center_x: int, radius: float) -> Mask:
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    within: Mask = (x - center_x) ** 2 + (y - HEIGHT // 2) ** 2 <= radius**2
    return within


def soft(mask: Mask) -> Plane:
    return mask.astype(np.float32)


def score(found: Mask, truth: Mask, counted: Mask = ALL) -> EdgeScore:
    edge = TrueEdge.of(truth, counted)
    assert edge is not None
    return edge.score(soft(found), found)


@pytest.mark.parametrize("truth", [left_of(EDGE), disc(EDGE, 12), ~disc(EDGE, 12)], ids=["line", "disc", "hole"])
def test_the_truth_itself_is_perfect(truth: Mask) -> None:
    assert score(truth, truth) == EdgeScore(bf1=1, bf2=1, error=0)


@pytest.mark.parametrize(("moved_px", "bf1", "bf2"), [(1, 1, 1), (2, 0, 1), (3, 0, 0), (-1, 1, 1), (-3, 0, 0)])
def test_a_straight_edge_counts_up_to_the_tolerance_and_not_beyond(moved_px: int, bf1: int, bf2: int) -> None:
    found = score(left_of(EDGE + moved_px), left_of(EDGE))
    assert (found.bf1, found.bf2) == (bf1, bf2)
    # The band has BAND_PX columns on either side.
    assert found.error == pytest.approx(abs(moved_px) / (2 * BAND_PX))


def test_distances_are_diagonal_too() -> None:
    """A single pixel moved along the diagonal is 1.41 pixels away."""
    truth, found = np.zeros((2, 9, 9), np.bool_)
    truth[4, 4] = found[5, 5] = True
    moved = score(found, truth, np.ones((9, 9), np.bool_))
    assert (moved.bf1, moved.bf2) == (0, 1)


def test_a_thin_line_that_is_eaten_costs_its_length_in_recall() -> None:
    truth = left_of(EDGE)
    truth[10, EDGE + 8 : EDGE + 28] = True  # 20 pixels, every one an edge, far from the other edge
    eaten = score(left_of(EDGE), truth)
    recall = HEIGHT / (HEIGHT + 20)
    assert eaten.bf1 == eaten.bf2 == pytest.approx(2 * recall / (1 + recall))


def test_a_thin_line_that_is_not_there_costs_its_length_in_precision() -> None:
    found = left_of(EDGE)
    found[10, EDGE + 8 : EDGE + 28] = True
    precision = HEIGHT / (HEIGHT + 20)
    assert score(found, left_of(EDGE)).bf1 == pytest.approx(2 * precision / (1 + precision))


def test_the_frame_of_the_picture_is_no_edge() -> None:
    edge = edge_pixels(left_of(EDGE), ALL)
    assert edge[:, EDGE - 1].all()
    assert edge.sum() == HEIGHT


@pytest.mark.parametrize("truth", [ALL, ~ALL], ids=["all", "nothing"])
def test_a_truth_without_an_edge_has_no_score(truth: Mask) -> None:
    assert TrueEdge.of(truth, ALL) is None


def test_an_edge_found_where_nothing_counts_costs_nothing() -> None:
    counted = ALL.copy()
    counted[:5] = False
    found = left_of(EDGE)
    found[2, EDGE + 10 :] = True
    assert score(found, left_of(EDGE), counted) == EdgeScore(1, 1, 0)
    assert score(found, left_of(EDGE)).bf1 < 1


def test_the_error_at_the_edge_looks_no_further_than_the_band() -> None:
    edge, matte = TrueEdge.of(left_of(EDGE), ALL), soft(left_of(EDGE))
    assert edge is not None
    assert edge.band.sum() == 2 * BAND_PX * HEIGHT
    matte[:, EDGE + BAND_PX] = 1
    assert edge.score(matte, left_of(EDGE)).error == 0
    matte[:, EDGE + BAND_PX - 1] = 1
    assert edge.score(matte, left_of(EDGE)).error == pytest.approx(1 / (2 * BAND_PX))
