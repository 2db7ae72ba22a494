"""Label maps, held against the plain way: enlarge the scores of every class, then ask which is highest."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from service.models.decisions import candidates, classes_in, confidence, label_map, mask_of, softmax, upsample
from service.models.labels import VOID, Box, ClassTable, Head, LabelClass, LabelMap, Prediction, Scores, Size

sides = st.integers(1, 70)
sizes = st.builds(Size, sides, sides)


def table(count: int) -> ClassTable:
    classes = [LabelClass(number, f"class {number}", (number, number, number)) for number in range(count)]
    return ClassTable(classes, [entry.name for entry in classes[1:]])


def prediction(scores: Scores, size: Size, head: Head = "softmax", box: Box | None = None) -> Prediction:
    count, height, width = scores.shape
    return Prediction(head, scores, box or Box(0, 0, width, height), size, table(max(count, 2)))


@st.composite
def softmax_predictions(draw: st.DrawFn) -> Prediction:
    """Any aspect; the image fills all of the scores, or a part of them as after padding or with aligned corners."""
    shape = draw(st.tuples(st.integers(2, 6), st.integers(1, 7), st.integers(1, 7)))
    scores = draw(arrays.arrays(np.float32, shape, elements=st.integers(-9, 9).map(lambda level: level / 2)))
    _, height, width = shape
    near, far = draw(st.tuples(st.floats(0, 0.4), st.floats(0.6, 1)))
    box = draw(st.just(Box(0, 0, width, height)) | st.just(Box(near * width, near * height, far * width, far * height)))
    return prediction(scores, draw(sizes), box=box)


def enlarged(seen: Prediction) -> NDArray[np.float32]:
    """(C, H, W) in double precision from Pillow's own filter: no class left out."""
    planes = [
        Image.fromarray(plane).resize(seen.size, Image.Resampling.BILINEAR, box=seen.box) for plane in seen.scores
    ]
    return np.stack([np.asarray(plane) for plane in planes])


@settings(max_examples=300)
@given(softmax_predictions())
def test_every_pixel_has_the_class_with_the_highest_enlarged_logit(seen: Prediction) -> None:
    labels = label_map(seen, 0.5)
    planes = enlarged(seen)
    assert labels.shape == (seen.size.height, seen.size.width)
    assert labels.dtype == np.uint8
    # By value and not by id: where two classes tie, either is right.
    assert np.array_equal(np.take_along_axis(planes, labels[None].astype(int), axis=0)[0], planes.max(axis=0))


@given(sizes, st.sampled_from(["softmax", "sigmoid"]))
@example(Size(1, 70), "softmax")
@example(Size(70, 1), "sigmoid")
def test_the_label_map_has_the_size_of_the_image(size: Size, head: Head) -> None:
    scores = np.zeros((1 if head == "sigmoid" else 3, 5, 9), np.float32)
    seen = prediction(scores, size, head)
    assert label_map(seen, 0.5).shape == (size.height, size.width)
    assert confidence(seen, 0.5).shape == (size.height, size.width)


def test_a_class_that_wins_only_between_the_samples_is_found() -> None:
    left, right, between = ([9.0, 0.0], [0.0, 9.0], [7.0, 7.0])
    scores = np.array([[left], [right], [between]], np.float32)
    assert 2 not in scores.argmax(axis=0)
    assert 2 in label_map(prediction(scores, Size(40, 4)), 0.5)


def test_a_class_that_can_win_nowhere_is_left_out() -> None:
    scores = np.array([[[9.0, 5.0]], [[1.0, 6.0]], [[0.0, 4.0]]], np.float32)
    assert candidates(scores) == [0, 1]


@pytest.mark.parametrize("axis", ["columns", "rows"])
@given(size=st.builds(Size, st.integers(2, 90), st.integers(2, 90)))
def test_between_classes_1_and_3_there_is_no_2(axis: str, size: Size) -> None:
    scores = np.full((4, 6, 6), -5, np.float32)
    scores[1, :, :3] = scores[3, :, 3:] = 5
    if axis == "rows":
        scores = scores.swapaxes(1, 2).copy()
    assert set(np.unique(label_map(prediction(scores, size), 0.5))) == {1, 3}


def test_the_border_lies_where_the_logits_cross() -> None:
    """Interpolated scores put the border at the crossing; enlarged labels would put it midway between the samples."""
    scores = np.array([[[0.0, 0.0]], [[3.0, -1.0]]], np.float32)
    labels = label_map(prediction(scores, Size(200, 1)), 0.5)
    # The samples lie at x = 50 and 150; 3 - 4t is 0 at t = 3/4, and that is x = 125.
    assert abs(int(labels.sum()) - 125) <= 1


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_a_sigmoid_head_is_foreground_from_the_threshold_on(threshold: float) -> None:
    probability = np.linspace(0, 1, 11, dtype=np.float32).reshape(1, 1, 11)
    labels = label_map(prediction(probability, Size(11, 1), "sigmoid"), threshold)
    assert np.array_equal(labels[0], probability[0, 0] >= threshold)
    assert set(np.unique(labels)) == {0, 1}


def test_the_confidence_of_a_sigmoid_head_is_that_of_the_decision() -> None:
    probability = np.array([[[0.0, 0.2, 0.5, 0.8, 1.0]]], np.float32)
    seen = prediction(probability, Size(5, 1), "sigmoid")
    assert confidence(seen, 0.5)[0] == pytest.approx([1.0, 0.8, 0.5, 0.8, 1.0])
    assert confidence(seen, 0.1)[0] == pytest.approx([1.0, 0.2, 0.5, 0.8, 1.0])


@given(softmax_predictions())
def test_the_confidence_of_a_softmax_head_is_a_probability(seen: Prediction) -> None:
    sure = confidence(seen, 0.5)
    assert sure.min() >= 1 / len(seen.scores) - 1e-6
    assert sure.max() <= 1 + 1e-6


def test_the_confidence_of_a_softmax_head_at_its_own_size_is_that_of_the_winner() -> None:
    scores = np.array([[[0.0, 5.0]], [[0.0, 1.0]], [[0.0, 1.0]]], np.float32)
    expected = [1 / 3, 1 / (1 + 2 * np.exp(-4.0))]
    assert confidence(prediction(scores, Size(2, 1)), 0.5)[0] == pytest.approx(expected, abs=1e-6)


def test_softmax_does_not_overflow() -> None:
    probabilities = softmax(np.array([[[1e4, -1e4]], [[1e4 - 1, 1e4]]], np.float32))
    assert probabilities.sum(axis=0) == pytest.approx(1)
    assert probabilities[0, 0] == pytest.approx([1 / (1 + np.exp(-1)), 0], abs=1e-6)


@given(sizes)
def test_enlarging_a_constant_changes_nothing(size: Size) -> None:
    plane = np.full((4, 6), 0.25, np.float32)
    assert np.array_equal(upsample(plane, Box(0.5, 0.3, 4.7, 3.1), size), np.full(size[::-1], 0.25, np.float32))


def test_a_mask_is_the_union_of_its_classes() -> None:
    labels = np.array([[0, 1, 2, 3, VOID]], np.uint8)
    assert mask_of(labels, (1, 3)).tolist() == [[False, True, False, True, False]]
    assert not mask_of(labels, ()).any()


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2)), st.sets(st.integers(0, 255)))
@example(np.arange(256, dtype=np.uint8).reshape(16, 16), set(range(1, 21)))
def test_a_mask_is_where_any_of_its_classes_is_few_or_many(labels: LabelMap, class_ids: set[int]) -> None:
    assert np.array_equal(mask_of(labels, tuple(class_ids)), np.isin(labels, list(class_ids)))


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2)))
def test_the_classes_of_a_label_map_are_those_of_its_pixels(labels: LabelMap) -> None:
    assert classes_in(labels) == np.unique(labels).tolist()
