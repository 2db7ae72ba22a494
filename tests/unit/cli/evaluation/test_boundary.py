"""Boundary F, of shapes whose answer is known."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from service.cli.evaluation.boundary import boundary_f, edge_pixels, within
from service.models.labels import Mask

HEIGHT, WIDTH, EDGE = 40, 60, 30
ALL = np.ones((HEIGHT, WIDTH), np.bool_)


def left_of(column: int) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[:, :column] = True
    return mask


@pytest.mark.parametrize("distance_px", [0, 1, 2, 5])
def test_within_is_what_exact_distances_say(distance_px: int) -> None:
    mask = np.random.default_rng(7).random((30, 40)) < 0.01
    assert np.array_equal(within(mask, distance_px), distance_transform_edt(~mask) <= distance_px)


@pytest.mark.parametrize(("moved_px", "at_1_px", "at_2_px"), [(0, 1, 1), (1, 1, 1), (2, 0, 1), (-2, 0, 1), (3, 0, 0)])
def test_a_straight_edge_counts_up_to_the_tolerance(moved_px: int, at_1_px: int, at_2_px: int) -> None:
    found, truth = left_of(EDGE + moved_px), left_of(EDGE)
    assert [boundary_f(found, truth, ALL, tolerance_px) for tolerance_px in (1, 2)] == [at_1_px, at_2_px]


def test_what_is_found_beside_it_costs_precision() -> None:
    found = left_of(EDGE)
    found[10, EDGE + 8 : EDGE + 28] = True
    precision = HEIGHT / (HEIGHT + 20)
    assert boundary_f(found, left_of(EDGE), ALL, 2) == pytest.approx(2 * precision / (1 + precision))


def test_a_truth_without_an_edge_has_no_score_and_nothing_found_has_0() -> None:
    assert boundary_f(left_of(EDGE), ALL, ALL, 1) is None
    assert boundary_f(~ALL, left_of(EDGE), ALL, 1) == 0


def test_what_does_not_count_has_no_edges() -> None:
    counted = ALL.copy()
    counted[:, EDGE - 3 : EDGE + 3] = False
    assert not edge_pixels(left_of(EDGE), counted).any()
