"""Still scenes keep their mattes, moving ones get new ones, and a cut forgets all."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from service.models.decisions import Plane
from service.pixels.motion import LEAST_NOISE_LEVELS, MOST_NOISE_LEVELS, change, motion, noise
from service.stream.smoothing import Smoother

SIDE_PX = 256
STRENGTH = 0.9


def photo(picture: NDArray[np.uint8], sigma: float = 0.0, seed: int = 0) -> NDArray[np.uint8]:
    """As the network sees it, with the noise that is left when a sensor's picture was made smaller."""
    small = np.asarray(Image.fromarray(picture).resize((SIDE_PX, SIDE_PX)), np.float32)
    random = np.random.default_rng(seed)
    return (small + random.normal(0, sigma, small.shape)).clip(0, 255).astype(np.uint8)


def disc(x: float, jitter: float = 0.0, seed: int = 0) -> Plane:
    """A soft subject around column `x`, whose edge the network does not see twice in the same place."""
    rows, columns = np.indices((SIDE_PX, SIDE_PX))
    distance = np.hypot(columns - x, rows - SIDE_PX / 2) - 60
    wobble = np.random.default_rng(seed).normal(0, jitter, (SIDE_PX, SIDE_PX))
    plane: Plane = (1 / (1 + np.exp(distance / 4)) + wobble).clip(0, 1).astype(np.float32)
    return plane


def change_a_frame(planes: list[Plane]) -> float:
    return float(np.mean([np.abs(after - before).mean() for before, after in itertools.pairwise(planes)]))


def painted_disc(x: float, sigma: float, seed: int) -> NDArray[np.uint8]:
    """The coffee with somebody orange in front of it."""
    cup = photo(data.coffee())
    mask = Image.fromarray((disc(x) * 255).astype(np.uint8))
    scene = Image.composite(Image.new("RGB", (SIDE_PX, SIDE_PX), (255, 120, 40)), Image.fromarray(cup), mask)
    noisy = np.asarray(scene) + np.random.default_rng(seed).normal(0, sigma, (SIDE_PX, SIDE_PX, 3))
    return noisy.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [0.0, 3.0, 8.0])
def test_a_still_scene_loses_80_percent_of_its_flicker(sigma: float) -> None:
    smoother = Smoother()
    raw = [disc(128, jitter=0.05, seed=seed) for seed in range(30)]
    smooth = [
        smoother.smooth(plane, photo(data.astronaut(), sigma, seed), STRENGTH)[0] for seed, plane in enumerate(raw)
    ]
    assert change_a_frame(smooth[5:]) < 0.2 * change_a_frame(raw[5:])


@pytest.mark.parametrize("step_px", [2.0, 8.0])
def test_the_matte_of_a_moving_subject_is_less_than_a_frame_behind(step_px: float) -> None:
    smoother = Smoother()
    places = [40 + step_px * i for i in range(20)]
    for seed, x in enumerate(places):
        smooth, _ = smoother.smooth(disc(x), painted_disc(x, 3.0, seed), STRENGTH)
    now, before = disc(places[-1]), disc(places[-2])
    assert np.abs(smooth - now).mean() < 0.25 * np.abs(before - now).mean()


def test_without_strength_nothing_is_changed() -> None:
    smoother = Smoother()
    for seed in range(3):
        plane = disc(128, jitter=0.05, seed=seed)
        np.testing.assert_allclose(smoother.smooth(plane, photo(data.astronaut()), 0.0)[0], plane, atol=1e-6)


def test_a_scene_cut_is_seen_once_and_forgets_the_former_matte() -> None:
    smoother, cuts = Smoother(), list[bool]()
    for seed, picture in enumerate([data.astronaut()] * 5 + [data.coffee()] * 5):
        plane = disc(60 if seed < 5 else 200)
        smooth, is_cut = smoother.smooth(plane, photo(picture, 4.0, seed), STRENGTH)
        cuts.append(is_cut)
        if is_cut:
            np.testing.assert_array_equal(smooth, plane)
    assert cuts == [False] * 5 + [True] + [False] * 4


def test_mattes_of_another_size_begin_anew() -> None:
    smoother = Smoother()
    smoother.smooth(disc(60), photo(data.astronaut()), STRENGTH)
    other = np.ones((8, 8), np.float32)
    np.testing.assert_array_equal(smoother.smooth(other, photo(data.astronaut()), STRENGTH)[0], other)


def test_a_picture_of_another_shape_is_another_scene() -> None:
    smoother = Smoother()
    smoother.smooth(disc(60), photo(data.astronaut()), STRENGTH)
    assert smoother.smooth(disc(200), photo(data.astronaut())[:128], STRENGTH)[1]


def test_another_exposure_is_no_motion() -> None:
    blocks = np.asarray(Image.fromarray(photo(data.coffee())).reduce(8), np.float32)
    darker = blocks * 0.9
    assert motion(change(darker, blocks) / LEAST_NOISE_LEVELS).max() < 0.05


def test_one_block_that_moves_opens_its_neighbours_and_no_others() -> None:
    levels = np.zeros((9, 9), np.float32)
    levels[4, 4] = 100.0
    found = motion(levels)
    assert (found[3:6, 3:6] == 1).all()
    assert found.sum() == 9


def test_a_picture_that_moves_as_a_whole_is_not_taken_for_noise() -> None:
    everything = np.full((32, 32), 40.0, np.float32)
    seen = 1.0
    for _ in range(5):
        seen = noise(everything, seen)
    assert seen < 1.2
    assert noise(everything, 100.0) == MOST_NOISE_LEVELS
    assert noise(np.zeros((32, 32), np.float32), 1.0) == LEAST_NOISE_LEVELS


def test_an_edge_does_not_swim_around_its_place() -> None:
    smoother, exact = Smoother(), disc(128)
    for seed in range(40):
        plane = disc(128, jitter=0.1, seed=seed)
        smooth, _ = smoother.smooth(plane, photo(data.coffee(), 4.0, seed), STRENGTH)
    edge = (exact > 0.25) & (exact < 0.75)
    assert edge.sum() > 1000
    assert np.abs(smooth - exact)[edge].mean() < 0.35 * np.abs(plane - exact)[edge].mean()
