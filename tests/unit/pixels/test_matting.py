"""Mattes of scores whose answer is known."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from service.models.decisions import Plane, class_probabilities, upsample
from service.models.labels import Box, ClassTable, Head, LabelClass, Prediction, Scores, Size
from service.pixels.decode import Photo
from service.pixels.matting import decide, has_subject, matte, subject_box

CLASSES = ClassTable([LabelClass(number, f"class {number}", (0, 0, 0)) for number in range(4)], ["class 1"])


HALF_A_LEVEL = 0.5001 / 255


def prediction(scores: Scores, size: Size, head: Head = "sigmoid", box: Box | None = None) -> Prediction:
    return Prediction(head, scores, box or Box(0, 0, *scores.shape[:0:-1]), size, CLASSES)


def plain_matte(seen: Prediction, class_ids: Sequence[int], alpha: Image.Image | None = None) -> Image.Image:
    """Without refinement, which would follow the edges of a photo."""
    return matte(seen, class_ids, Photo(Image.new("RGB", seen.size), alpha), refine="off")


def alpha_of(soft: Image.Image) -> Plane:
    """0 to 1."""
    assert soft.mode == "L"
    alpha: Plane = np.asarray(soft, np.float32) / np.float32(255)
    return alpha


def in_levels(alpha: Plane) -> Image.Image:
    return Image.fromarray(np.rint(alpha * 255).astype(np.uint8))


def ramp() -> Prediction:
    """Probabilities from 0 to 1 from left to right, one sample a pixel."""
    return prediction(np.linspace(0, 1, 101, dtype=np.float32).reshape(1, 1, 101).repeat(3, axis=1), Size(101, 3))


def test_a_sigmoid_head_is_a_matte_already() -> None:
    assert alpha_of(plain_matte(ramp(), (1,)))[1] == pytest.approx(np.linspace(0, 1, 101), abs=HALF_A_LEVEL)


def test_the_background_of_a_sigmoid_head_is_the_rest() -> None:
    assert alpha_of(plain_matte(ramp(), (0,)))[1] == pytest.approx(np.linspace(1, 0, 101), abs=HALF_A_LEVEL)


@pytest.mark.parametrize("head", ["sigmoid", "softmax"])
def test_all_classes_together_are_everything(head: Head) -> None:
    noise = np.random.default_rng(7).random((1 if head == "sigmoid" else 4, 9, 9), np.float32)
    seen = prediction(noise, Size(40, 30), head)
    everything = plain_matte(seen, range(2 if head == "sigmoid" else 4))
    assert alpha_of(everything) == pytest.approx(np.ones((30, 40)), abs=HALF_A_LEVEL)


def test_the_matte_is_not_stretched_to_find_a_subject() -> None:
    """A faint picture stays faint: a per-picture minimum and maximum would make a subject of noise."""
    faint = prediction(np.linspace(0.01, 0.2, 64, dtype=np.float32).reshape(1, 8, 8), Size(8, 8))
    soft = plain_matte(faint, (1,))
    assert alpha_of(soft).max() == pytest.approx(0.2, abs=HALF_A_LEVEL)
    assert not has_subject(soft)


def test_the_alpha_of_the_input_multiplies_into_the_matte() -> None:
    alpha = Image.fromarray(np.array([[0] * 50 + [128] * 25 + [255] * 26] * 3, np.uint8))
    expected = np.linspace(0, 1, 101) * np.array([0] * 50 + [128 / 255] * 25 + [1] * 26)
    assert alpha_of(plain_matte(ramp(), (1,), alpha))[2] == pytest.approx(expected, abs=3 * HALF_A_LEVEL)


@given(
    arrays.arrays(np.float32, (4, 3, 5), elements=st.floats(-80, 80, width=32)),
    st.integers(1, 60),
    st.integers(1, 60),
    st.sets(st.integers(0, 3), min_size=1),
)
def test_any_logits_make_a_matte_of_the_image_s_size(scores: Scores, width: int, height: int, kept: set[int]) -> None:
    soft = plain_matte(prediction(scores, Size(width, height), "softmax"), sorted(kept))
    assert (soft.mode, soft.size) == ("L", (width, height))


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
    soft = plain_matte(prediction(scores, Size(200, 1), "softmax"), (1,))
    row = alpha_of(soft)[0]
    assert row[85] > 0.9
    assert row[115] < 0.1


def test_only_the_box_of_the_scores_shows_the_image() -> None:
    scores = np.zeros((1, 10, 10), np.float32)
    scores[:, :5] = 1  # the picture above, padding below
    soft = plain_matte(prediction(scores, Size(30, 15), box=Box(0, 0, 10, 4)), (1,))
    assert alpha_of(soft) == pytest.approx(np.ones((15, 30)))


@pytest.mark.parametrize(("peak", "found"), [(0.0, False), (0.49, False), (0.5, True), (1.0, True)])
def test_one_sample_that_is_likely_foreground_is_a_subject(peak: float, found: bool) -> None:
    soft = np.zeros((6, 8), np.float32)
    soft[2, 3] = peak
    assert has_subject(in_levels(soft)) is found


def test_the_box_is_around_the_visible_subject_and_not_around_its_haze() -> None:
    soft = np.full((20, 30), 0.04, np.float32)
    soft[5:9, 10:25] = 0.8
    assert subject_box(in_levels(soft)) == (10, 5, 25, 9)


def test_without_a_subject_there_is_no_box() -> None:
    assert subject_box(Image.new("L", (30, 20))) is None


def test_a_matte_is_within_one_and_a_half_levels_of_the_exact_one() -> None:
    """Rounded at the network's size, because four times fewer bytes are enlarged then."""
    noise = np.random.default_rng(7).random((1, 20, 20), np.float32)
    exact = upsample(noise[0], Box(0, 0, 20, 20), Size(333, 211))
    found = alpha_of(plain_matte(prediction(noise, Size(333, 211)), (1,)))
    assert float(np.abs(found - exact).max()) <= 3 * HALF_A_LEVEL


@pytest.mark.parametrize("head", ["sigmoid", "softmax"])
def test_confidence_has_the_edges_of_the_labels_it_belongs_to(head: Head) -> None:
    """The photo's edge is three pixels right of where the coarse answer has it; both follow the photo."""
    picture = Image.new("RGB", (128, 96), (120, 120, 120))
    picture.paste((230, 20, 20), (0, 0, 67, 96))
    sure = np.zeros((12, 16), np.float32)
    sure[:, :8] = 1
    scores = sure[np.newaxis] if head == "sigmoid" else np.stack([8 - 16 * sure, 16 * sure - 8])
    seen = prediction(scores, Size(128, 96), head)
    decided = decide(seen, 0.5, Photo(picture))
    subject = np.asarray(matte(seen, (1,), Photo(picture)))
    inside = decided.labels == 1
    assert inside[48, :66].all()
    assert not inside[48, 69:].any()
    assert np.abs(decided.confidence[inside].astype(int) - subject[inside]).max() <= 1
    assert decided.confidence.min() >= 126


def test_confidence_without_refinement_is_the_network_s_own() -> None:
    decided = decide(ramp(), 0.5, Photo(Image.new("RGB", ramp().size)), refine="off")
    probability = np.linspace(0, 1, 101)
    assert decided.confidence[1] == pytest.approx(255 * np.maximum(probability, 1 - probability), abs=0.6)
