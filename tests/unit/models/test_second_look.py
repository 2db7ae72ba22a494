"""Two predictions made into one, on answers that are known."""

from dataclasses import replace

import numpy as np
import pytest

from service.models.decisions import SOFTMAX_SIDE_PX, Plane, upsample
from service.models.labels import Box, ClassTable, Head, LabelClass, Prediction, Scores, Size
from service.models.second_look import MAX_CANVAS_SIDE_PX, averaged, closer, subject_crop

CLASSES = ClassTable([LabelClass(0, "background", (0, 0, 0)), LabelClass(1, "subject", (0, 0, 0))], ["subject"])


def seen(scores: Scores, size: Size, box: Box | None = None) -> Prediction:
    return Prediction("sigmoid", scores, box or Box(0, 0, scores.shape[2], scores.shape[1]), size, CLASSES)


def shown(prediction: Prediction, size: Size) -> Plane:
    return upsample(prediction.scores[0], prediction.box, size)


def with_subject(left: int, top: int, right: int, bottom: int, width: int = 40, height: int = 20) -> Prediction:
    """Of a photo with ten pixels to each sample."""
    scores = np.zeros((1, height, width), np.float32)
    scores[0, top:bottom, left:right] = 1
    return seen(scores, Size(10 * width, 10 * height))


def test_the_mean_with_the_mirror_image_cancels_what_depends_on_the_side() -> None:
    there = np.linspace(0, 1, 8, dtype=np.float32)[np.newaxis, np.newaxis].repeat(6, axis=1)
    mean = averaged(seen(there, Size(80, 60)), seen(there, Size(80, 60)))
    assert mean.scores == pytest.approx(np.full((1, 6, 8), 0.5))


def test_the_mean_of_padded_answers_is_that_of_the_parts_that_show_the_photo() -> None:
    there, back = np.full((1, 9, 9), 7, np.float32), np.full((1, 9, 9), 7, np.float32)
    there[0, :6, :8], back[0, :6, :8] = 0.2, 0.6
    box = Box(0, 0, 8, 6)
    mean = averaged(seen(there, Size(80, 60), box), seen(back, Size(80, 60), box))
    assert shown(mean, Size(80, 60)) == pytest.approx(np.full((60, 80), 0.4))


def test_a_small_subject_is_looked_at_with_a_margin_around_it() -> None:
    left, top, right, bottom = subject_crop(with_subject(10, 5, 20, 15), (1,)) or pytest.fail("no crop")
    assert (left, top) == (85, 35)
    assert (right, bottom) == (216, 166)


def test_a_subject_at_the_border_is_not_looked_at_beyond_it() -> None:
    assert (subject_crop(with_subject(0, 0, 8, 8), (1,)) or pytest.fail("no crop"))[:2] == (0, 0)


@pytest.mark.parametrize("subject", [(0, 0, 0, 0), (2, 1, 38, 19)])
def test_no_subject_and_one_that_fills_the_photo_are_not_worth_a_second_look(
    subject: tuple[int, int, int, int],
) -> None:
    assert subject_crop(with_subject(*subject), (1,)) is None


def test_a_closer_look_shows_its_crop_and_the_first_one_what_is_around_it() -> None:
    first = seen(np.zeros((1, 20, 40), np.float32), Size(400, 200))
    look = seen(np.ones((1, 20, 20), np.float32), Size(100, 100))
    both = shown(closer(first, look, (100, 50, 200, 150)), Size(400, 200))
    assert both[70:130, 120:180] == pytest.approx(np.full((60, 60), 0.7), abs=1e-5)
    assert both[:, :98].max() == both[:, 202:].max() == both[:48].max() == both[152:].max() == 0
    assert np.abs(np.diff(both[100])).max() < 0.25  # no seam


def test_a_closer_look_raises_the_resolution() -> None:
    """A line of two pixels is a third of a sample in the first answer, and two thirds of one in the second."""
    first = seen(np.zeros((1, 20, 40), np.float32), Size(400, 200))
    stripes = np.indices((20, 20)).sum(axis=0)[np.newaxis] % 2
    both = closer(first, seen(stripes.astype(np.float32), Size(100, 100)), (100, 50, 200, 150))
    _, height, width = both.scores.shape
    assert (width, height) == (80, 40)
    assert np.ptp(both.scores) > 0.6


@pytest.mark.parametrize(("head", "most"), [("sigmoid", MAX_CANVAS_SIDE_PX), ("softmax", SOFTMAX_SIDE_PX)])
def test_what_both_looks_take_does_not_grow_with_the_photo(head: Head, most: int) -> None:
    """A subject of a hundredth of the side of a photo with 48 megapixels, as it once took 192 MB a class."""
    planes = 1 if head == "sigmoid" else 2
    first = replace(seen(np.zeros((planes, 20, 40), np.float32), Size(8000, 6000)), head=head)
    look = replace(seen(np.ones((planes, 320, 320), np.float32), Size(80, 60)), head=head)
    both = closer(first, look, (4000, 3000, 4080, 3060))
    assert max(both.scores.shape) <= most
    assert both.scores.max() == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize("left", [0, 4999, 9990])
def test_a_subject_that_is_next_to_nothing_in_a_very_long_photo_is_still_there(left: int) -> None:
    first = seen(np.zeros((1, 20, 40), np.float32), Size(10_000, 300))
    look = seen(np.ones((1, 320, 320), np.float32), Size(8, 2))
    both = closer(first, look, (left, 100, left + 8, 102))
    assert both.scores.max() > 0
