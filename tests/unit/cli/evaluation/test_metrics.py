"""The metrics of `silhouette models evaluate`, against values worked out by hand."""

import numpy as np
import pytest

from service.cli.evaluation.metrics import (
    Overlap,
    class_overlaps,
    f_beta,
    max_f_beta,
    mean_absolute_error,
    mean_iou,
    overlap,
    precision_and_recall,
    score_subject,
    summarise,
    total,
)
from service.models.decisions import Plane
from service.models.labels import Mask

NOTHING = np.zeros((2, 2), np.bool_)


def matte(*rows: list[float]) -> Plane:
    return np.array(rows, np.float32)


def mask(*rows: list[int]) -> Mask:
    return np.array(rows, np.bool_)


def test_the_mean_absolute_error_is_that_of_the_soft_matte() -> None:
    # |1 - 1|, |0.5 - 1|, |0.25 - 0|, |0 - 0|
    error = mean_absolute_error(matte([1, 0.5], [0.25, 0]), mask([1, 1], [0, 0]))
    assert error == pytest.approx(0.75 / 4)


def test_an_overlap_counts_shared_pixels_and_all_pixels() -> None:
    found = overlap(mask([1, 1, 0], [0, 1, 0]), mask([0, 1, 1], [0, 1, 0]))
    assert found == Overlap(intersection=2, union=4)
    assert found.iou == 0.5


def test_two_empty_masks_agree_and_one_empty_mask_does_not() -> None:
    assert overlap(NOTHING, NOTHING).iou == 1
    assert overlap(NOTHING, ~NOTHING).iou == 0


def test_precision_and_recall_follow_the_threshold() -> None:
    # Levels 255, 204, 51 and 0. Up to 51, three are found, two of them right; up to 204, two, one of them right.
    precision, recall = precision_and_recall(matte([1, 0.8], [0.2, 0]), mask([1, 0], [1, 0]))
    assert precision.shape == recall.shape == (255,)
    assert precision[[0, 50]] == pytest.approx(2 / 3)
    assert recall[[0, 50]] == pytest.approx(1)
    assert precision[[51, 203]] == pytest.approx(1 / 2)
    assert recall[[51, 203]] == pytest.approx(1 / 2)
    assert (precision[[204, 254]] == 1).all()
    assert (recall[[204, 254]] == 0.5).all()


def test_a_picture_without_a_subject_divides_by_nothing() -> None:
    precision, recall = precision_and_recall(matte([1, 0], [0, 0]), NOTHING)
    assert not precision.any()
    assert not recall.any()


def test_f_beta_weighs_precision_with_beta_squared_of_0_3() -> None:
    # 1.3 * 0.8 * 0.5 / (0.3 * 0.8 + 0.5) = 0.52 / 0.74; swapped, 0.52 / 0.95
    scores = f_beta(np.array([0.8, 0.5, 0]), np.array([0.5, 0.8, 0]))
    assert scores.tolist() == pytest.approx([0.52 / 0.74, 0.52 / 0.95, 0])


def test_max_f_beta_averages_precision_and_recall_over_pictures_before_f() -> None:
    perfect = score_subject(matte([1, 0], [0, 0]), mask([1, 0], [0, 0]), mask([1, 0], [0, 0]))
    half = score_subject(matte([1, 1], [0, 0]), mask([1, 1], [0, 0]), mask([1, 0], [1, 0]))
    # Precision (1 + 0.5) / 2 and recall (1 + 0.5) / 2 at every threshold.
    assert max_f_beta([perfect, half]) == pytest.approx(0.75)
    # At all thresholds the first finds a quarter of what it should, precisely; at most 102 the second is perfect.
    strict = score_subject(matte([1, 0], [0, 0]), NOTHING, mask([1, 1], [1, 1]))
    faint = score_subject(matte([0.4, 0.4], [0, 0]), NOTHING, mask([1, 1], [0, 0]))
    # Precision 1, recall (0.25 + 1) / 2 = 0.625. Averaging each picture's F instead: (1.3 / 2.2 + 1) / 2 = 0.795.
    assert max_f_beta([strict, faint]) == pytest.approx(1.3 * 0.625 / (0.3 + 0.625))


def test_the_summary_tells_pictures_from_pixels() -> None:
    small_miss = score_subject(matte([0, 0], [0, 0]), NOTHING, mask([1, 0], [0, 0]))
    large_hit = score_subject(matte([1, 1], [1, 1]), ~NOTHING, ~NOTHING)
    summary = summarise([small_miss, large_hit])
    assert summary.mean_absolute_error == pytest.approx((1 / 4 + 0) / 2)
    assert summary.mean_iou == pytest.approx((0 + 1) / 2)
    assert summary.dataset_iou == pytest.approx(4 / (1 + 4))
    assert summary.below_half == 0.5


def test_classes_are_counted_each_on_its_own_and_added_up_over_pictures() -> None:
    first = class_overlaps(np.array([[0, 1, 1]], np.uint8), np.array([[0, 1, 2]], np.uint8), [1, 2])
    second = class_overlaps(np.array([[2, 2, 0]], np.uint8), np.array([[2, 2, 1]], np.uint8), [1, 2])
    assert first == [Overlap(1, 2), Overlap(0, 1)]
    assert second == [Overlap(0, 1), Overlap(2, 2)]
    classes = [total(overlaps) for overlaps in zip(first, second, strict=True)]
    assert classes == [Overlap(1, 3), Overlap(2, 3)]
    assert mean_iou(classes) == pytest.approx((1 / 3 + 2 / 3) / 2)


def test_a_class_that_is_nowhere_does_not_count() -> None:
    assert mean_iou([Overlap(1, 2), Overlap(0, 0)]) == 0.5
    assert mean_iou([Overlap(0, 0)]) == 1


def test_pixels_to_ignore_are_left_out_by_whoever_calls() -> None:
    soft, truth = matte([1, 1], [0, 0.5]), mask([1, 0], [0, 1])
    counted = mask([1, 0], [1, 1])
    score = score_subject(soft[counted], (soft >= 0.5)[counted], truth[counted])
    assert score.absolute_error == pytest.approx(0.5 / 3)
    assert score.overlap == Overlap(2, 2)
