"""Ways from a prediction to a matte, and what is done to a prediction before."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from benchmarks.quality.network import reduced
from benchmarks.quality.ways import BASELINE, PEER, TOGETHER, WAYS, Shot
from service.models.labels import Box, ClassTable, LabelClass, Prediction, Scores, Size
from service.pixels.decode import Photo

ALL_WAYS = WAYS | TOGETHER

CLASSES = ClassTable([LabelClass(0, "background", (0, 0, 0)), LabelClass(1, "subject", (9, 9, 9))], ["subject"])
CAT = Photo(Image.fromarray(data.chelsea()))


def shot_of(scores: Scores, photo: Photo = CAT) -> Shot:
    def look(picture: Image.Image) -> Prediction:
        return Prediction("sigmoid", scores, Box(0, 0, *scores.shape[:0:-1]), Size(*picture.size), CLASSES)

    return Shot(photo, look(photo.rgb), (1,), look, outline=look)


def disc() -> Scores:
    """A soft disc in the middle, at 64 x 64."""
    y, x = np.ogrid[:64, :64]
    soft: Scores = (1 / (1 + np.exp(np.hypot(x - 32, y - 32) - 16)))[np.newaxis].astype(np.float32)
    return soft


@pytest.mark.parametrize("name", list(ALL_WAYS))
def test_every_way_makes_a_matte_as_large_as_the_photo_with_the_subject_in_its_place(name: str) -> None:
    made = ALL_WAYS[name](shot_of(disc()))
    assert (made.mode, made.size) == ("L", CAT.rgb.size)
    middle, corner = made.getpixel((CAT.rgb.width // 2, CAT.rgb.height // 2)), made.getpixel((0, 0))
    assert (middle, corner) == (255, 0)


def test_the_peer_stretches_what_the_baseline_leaves_faint() -> None:
    faint = shot_of(disc() * np.float32(0.3))
    assert WAYS[BASELINE](faint).getextrema() == (0, 76)
    assert WAYS[PEER](faint).getextrema() == (0, 255)


def test_the_peer_s_way_of_a_flat_answer_is_nothing_rather_than_not_a_number() -> None:
    assert WAYS[PEER](shot_of(np.full((1, 8, 8), 0.4, np.float32))).getextrema() == (0, 0)


def test_a_reduced_answer_is_the_mean_over_each_area_and_shows_the_same_part() -> None:
    scores = np.arange(32, dtype=np.float32).reshape(2, 4, 4)
    small, box = reduced(scores, Box(0, 1, 4, 3), side_px=2)
    assert small.shape == (2, 2, 2)
    assert small[0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert (small[1] - small[0] == 16).all()
    assert box == Box(0, 0.5, 2, 1.5)
