"""Mattes of scores whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from service.decisions import class_probabilities
from service.labels import Box, ClassTable, Head, LabelClass, Prediction, Scores, Size
from service.matting import SUBJECT_PROBABILITY, has_subject, matte, subject_box, to_8_bit

CLASSES = ClassTable([LabelClass(number, f"class {number}", (0, 0, 0)) for number in range(4)], ["class 1"])


def prediction(scores: Scores, size: Size, head: Head = "sigmoid", box: Box | None = None) -> Prediction:
    return Prediction(head, scores, box or Box(0, 0, *scores.shape[:0:-1]), size, CLASSES)


def ramp() -> Prediction:
    """Probabilities from 0 to 1 from left to right, one sample a pixel."""
    return prediction(np.linspace(0, 1, 101, dtype=np.float32).reshape(1, 1, 101).repeat(3, axis=1), Size(101, 3))


def test_a_sigmoid_head_is_a_matte_already() -> None:
    assert matte(ramp(), (1,), None)[1] == pytest.approx(np.linspace(0, 1, 101))


def test_the_background_of_a_sigmoid_head_is_the_rest() -> None:
    assert matte(ramp(), (0,), None)[1] == pytest.approx(np.linspace(1, 0, 101))


@pytest.mark.parametrize("head", ["sigmoid", "softmax"])
def test_all_classes_together_are_everything(head: Head) -> None:
    noise = np.random.default_rng(7).random((1 if head == "sigmoid" else 4, 9, 9), np.float32)
    seen = prediction(noise, Size(40, 30), head)
    assert matte(seen, range(2 if head == "sigmoid" else 4), None) == pytest.approx(np.ones((30, 40)))


def test_the_matte_is_not_stretched_to_find_a_subject() -> None:
    """A faint picture stays faint: a per-picture minimum and maximum would make a subject of noise."""
    faint = prediction(np.linspace(0.01, 0.2, 64, dtype=np.float32).reshape(1, 8, 8), Size(8, 8))
    soft = matte(faint, (1,), None)
    assert soft.max() == pytest.approx(0.2)
    assert not has_subject(soft)


def test_the_alpha_of_the_input_multiplies_into_the_matte() -> None:
    alpha = Image.fromarray(np.array([[0] * 50 + [128] * 25 + [255] * 26] * 3, np.uint8))
    expected = np.linspace(0, 1, 101) * np.array([0] * 50 + [128 / 255] * 25 + [1] * 26)
    assert matte(ramp(), (1,), alpha)[2] == pytest.approx(expected, abs=1e-6)


@given(
    arrays.arrays(np.float32, (4, 3, 5), elements=st.floats(-80, 80, width=32)),
    st.integers(1, 60),
    st.integers(1, 60),
    st.sets(st.integers(0, 3), min_size=1),
)
def test_any_logits_make_a_matte_of_the_image_s_size(scores: Scores, width: int, height: int, kept: set[int]) -> None:
    soft = matte(prediction(scores, Size(width, height), "softmax"), sorted(kept), None)
    assert soft.shape == (height, width)
    assert soft.dtype == np.float32
    assert soft.min() >= 0
    assert soft.max() <= 1


@pytest.mark.parametrize("size", [Size(2000, 500), Size(300, 900), Size(7, 5), Size(5000, 1)])
def test_probabilities_sum_to_1_at_no_more_than_the_image_s_size(size: Size) -> None:
    noise = np.random.default_rng(7).normal(size=(4, 9, 9)).astype(np.float32)
    probabilities, box = class_probabilities(prediction(noise, size, "softmax"))
    _, height, width = probabilities.shape
    assert probabilities.sum(axis=0) == pytest.approx(np.ones((height, width)), abs=1e-5)
    assert width <= size.width
    assert height <= size.height
    assert box == (0, 0, width, height)


def test_softmax_comes_after_enlarging() -> None:
    """Between two sure samples of opposite kinds, logits cross steeply where probabilities would be a long ramp."""
    scores = np.zeros((4, 1, 2), np.float32)
    scores[1, 0] = [20, -20]
    scores[2:] = -50
    soft = matte(prediction(scores, Size(200, 1), "softmax"), (1,), None)[0]
    assert soft[85] > 0.9
    assert soft[115] < 0.1


def test_only_the_box_of_the_scores_shows_the_image() -> None:
    scores = np.zeros((1, 10, 10), np.float32)
    scores[:, :5] = 1  # the picture above, padding below
    soft = matte(prediction(scores, Size(30, 15), box=Box(0, 0, 10, 4)), (1,), None)
    assert soft == pytest.approx(np.ones((15, 30)))


@pytest.mark.parametrize(("peak", "found"), [(0.0, False), (0.49, False), (SUBJECT_PROBABILITY, True), (1.0, True)])
def test_one_sample_that_is_likely_foreground_is_a_subject(peak: float, found: bool) -> None:
    soft = np.zeros((6, 8), np.float32)
    soft[2, 3] = peak
    assert has_subject(soft) is found


def test_the_box_is_around_the_visible_subject_and_not_around_its_haze() -> None:
    soft = np.full((20, 30), 0.04, np.float32)
    soft[5:9, 10:25] = 0.8
    assert subject_box(soft) == (10, 5, 25, 9)


def test_without_a_subject_there_is_no_box() -> None:
    assert subject_box(np.zeros((20, 30), np.float32)) is None


def test_8_bits_are_rounded_and_not_cut_off() -> None:
    soft = np.array([[0.0, 0.4 / 255, 0.6 / 255, 127.6 / 255, 1.0]], np.float32)
    picture = to_8_bit(soft)
    assert picture.mode == "L"
    assert np.asarray(picture).tolist() == [[0, 0, 1, 128, 255]]
