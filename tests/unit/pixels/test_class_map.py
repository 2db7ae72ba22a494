"""Class maps of predictions whose classes meet."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from service.models.decisions import softmax
from service.models.labels import Box, ClassTable, LabelClass, Prediction, Scores, Size
from service.pixels.class_map import Decision, refined_decision
from service.pixels.decode import Photo
from service.pixels.matting import matte
from service.pixels.refinement import refine

WIDTH, HEIGHT = 128, 96
GRID = Size(16, 12)
BOX = Box(0, 0, *GRID)

GROUND, RIDER, HORSE = range(3)
CLASSES = ClassTable([LabelClass(number, str(number), (0, 0, 0)) for number in range(3)], ["1", "2"])

EDGE, SEAM = 45, 67
"""A row and a column of the photo: the ground is above the first, rider and horse meet at the second."""

RANDOM = np.random.default_rng(7)


def decided(probabilities: Scores, picture: Image.Image) -> Decision:
    return refined_decision(probabilities, BOX, GRID, picture)


def noise_photo() -> Image.Image:
    """Edges everywhere, for the refinement to make something of."""
    return Image.fromarray(RANDOM.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8))


def noise() -> Scores:
    return softmax(RANDOM.normal(0, 3, (3, GRID.height, GRID.width)).astype(np.float32))


def halves(left: list[float], right: list[float]) -> Scores:
    """Of each class, its probability in the left and in the right half."""
    probabilities = np.empty((len(left), GRID.height, GRID.width), np.float32)
    probabilities[..., : GRID.width // 2] = np.reshape(left, (-1, 1, 1))
    probabilities[..., GRID.width // 2 :] = np.reshape(right, (-1, 1, 1))
    return probabilities


def rider_and_horse() -> tuple[Scores, Image.Image]:
    """The network has the ground's edge three pixels too high, and where the two meet three pixels too far left."""
    photo = np.empty((HEIGHT, WIDTH, 3))
    photo[:] = (90, 200, 90)
    photo[EDGE:, :SEAM], photo[EDGE:, SEAM:] = (200, 40, 40), (70, 60, 50)
    x = np.clip((np.arange(GRID.width) * 8 + 4 - (SEAM - 3)) / 12 + 0.5, 0.02, 0.98)[np.newaxis]
    y = np.clip((np.arange(GRID.height) * 8 + 4 - (EDGE - 3)) / 12 + 0.5, 0.02, 0.98)[:, np.newaxis]
    probabilities = np.stack([np.repeat(1 - y, GRID.width, axis=1), y * (1 - x), y * x]).astype(np.float32)
    return probabilities, Image.fromarray((photo + RANDOM.normal(0, 4, photo.shape)).clip(0, 255).astype(np.uint8))


def shares_of(probabilities: Scores, picture: Image.Image) -> NDArray[np.float64]:
    """(C, H, W): of each class, its refined matte over the sum of all."""
    mattes = np.stack([np.asarray(refine(plane, BOX, GRID, picture), np.float64) for plane in probabilities])
    return np.asarray(mattes / mattes.sum(axis=0))


def test_mattes_refined_alone_gap_and_overlap() -> None:
    """What the class map is there for; were it otherwise, it would not be needed."""
    probabilities, picture = noise(), noise_photo()
    claimed = np.sum([np.asarray(refine(plane, BOX, GRID, picture), int) for plane in probabilities], axis=0)
    assert claimed.min() < 200
    assert claimed.max() > 310


@pytest.mark.parametrize("trial", range(3))
def test_the_largest_share_decides_and_is_the_confidence(trial: int) -> None:
    probabilities, picture = noise(), noise_photo()
    found, shares = decided(probabilities, picture), shares_of(probabilities, picture)
    assert np.abs(found.confidence - 255 * shares.max(axis=0)).max() <= 1
    assert found.confidence.min() >= 255 / 3 - 1
    won = np.take_along_axis(shares, found.labels[np.newaxis].astype(int), axis=0)[0]
    assert won == pytest.approx(shares.max(axis=0))


@pytest.mark.parametrize("trial", range(3))
def test_between_two_classes_the_confidence_is_at_least_a_half(trial: int) -> None:
    found = decided(softmax(RANDOM.normal(0, 3, (2, GRID.height, GRID.width)).astype(np.float32)), noise_photo())
    assert found.confidence.min() >= 127
    assert set(np.unique(found.labels)) == {0, 1}


def test_where_two_meet_before_a_third_each_pixel_has_the_class_that_the_photo_shows() -> None:
    found = decided(*rider_and_horse())
    assert (found.labels[: EDGE - 1] == GROUND).all()
    assert (found.labels[EDGE + 1 :, : SEAM - 1] == RIDER).all()
    assert (found.labels[EDGE + 1 :, SEAM + 1 :] == HORSE).all()


def test_nothing_of_the_ground_shows_through_the_seam_of_what_is_kept() -> None:
    probabilities, picture = rider_and_horse()
    seen = Prediction("softmax", np.log(probabilities.clip(1e-6)), BOX, Size(WIDTH, HEIGHT), CLASSES)
    both = np.asarray(matte(seen, (RIDER, HORSE), Photo(picture)))
    assert both[EDGE + 8 :].min() >= 245


def test_a_class_that_is_nowhere_the_likeliest_has_no_pixel_and_leaves_the_confidence_as_it_is() -> None:
    found = decided(halves([0.6, 0.1, 0.3], [0.1, 0.6, 0.3]), Image.new("RGB", (WIDTH, HEIGHT)))
    assert (found.labels[:, :40] == 0).all()
    assert (found.labels[:, -40:] == 1).all()
    away = np.hstack([found.confidence[:, :40], found.confidence[:, -40:]])
    # 0.6 of 0.7 is the first's, and 0.7 is that it is one of the two.
    assert np.abs(away - 255 * 0.6).max() <= 5


def test_one_class_everywhere_is_as_sure_as_the_network() -> None:
    found = decided(halves([0.1, 0.5, 0.4], [0.1, 0.8, 0.1]), noise_photo())
    assert (found.labels == 1).all()
    assert (found.confidence[:, 0] == round(255 * 0.5)).all()
    assert (found.confidence[:, -1] == round(255 * 0.8)).all()
