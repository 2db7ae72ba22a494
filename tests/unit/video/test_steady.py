"""Mattes stand still where the picture does, in both directions of time, and what moves is taken as it is."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from service.models.decisions import Plane
from service.video.steady import REACH_FRAMES, Matted, Steadier

SIDE_PX = 128


def scene(picture: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """As a network sees it, with a little noise."""
    small = np.asarray(Image.fromarray(picture).resize((SIDE_PX, SIDE_PX)), np.float32)
    return (small + np.random.default_rng(seed).normal(0, 3, small.shape)).clip(0, 255).astype(np.uint8)


def disc(x: float, jitter: float = 0.0, seed: int = 0) -> Plane:
    rows, columns = np.indices((SIDE_PX, SIDE_PX))
    distance = np.hypot(columns - x, rows - SIDE_PX / 2) - 30
    wobble = np.random.default_rng(seed).normal(0, jitter, (SIDE_PX, SIDE_PX))
    plane: Plane = (1 / (1 + np.exp(distance / 3)) + wobble).clip(0, 1).astype(np.float32)
    return plane


def with_disc(x: float, seed: int) -> NDArray[np.uint8]:
    """The coffee, and somebody orange in front of it."""
    mask = Image.fromarray((disc(x) * 255).astype(np.uint8))
    cup = Image.fromarray(scene(data.coffee(), seed))
    return np.asarray(Image.composite(Image.new("RGB", (SIDE_PX, SIDE_PX), (255, 120, 40)), cup, mask))


def steadied(planes: Sequence[Plane], pictures: Sequence[NDArray[np.uint8]], strength: float = 1.0) -> list[Plane]:
    steadier: Steadier[int] = Steadier(strength)
    gone: list[tuple[int, Plane]] = []
    for number, (plane, picture) in enumerate(zip(planes, pictures, strict=True)):
        gone += steadier.take(Matted(number, plane, picture))
    gone += steadier.end()
    assert [number for number, _ in gone] == list(range(len(planes)))
    return [plane for _, plane in gone]


def flicker(planes: Sequence[Plane]) -> float:
    return float(np.mean([np.abs(after - before).mean() for before, after in itertools.pairwise(planes)]))


def test_a_still_scene_loses_90_percent_of_its_flicker() -> None:
    raw = [disc(64, 0.05, seed) for seed in range(30)]
    smooth = steadied(raw, [scene(data.astronaut(), seed) for seed in range(30)])
    assert flicker(smooth[REACH_FRAMES:-REACH_FRAMES]) < 0.1 * flicker(raw[REACH_FRAMES:-REACH_FRAMES])


@pytest.mark.parametrize("step_px", [1.0, 4.0])
def test_nothing_is_behind_and_no_ghost_follows_what_moves(step_px: float) -> None:
    places = [20 + step_px * number for number in range(20)]
    smooth = steadied([disc(x) for x in places], [with_disc(x, seed) for seed, x in enumerate(places)])
    now, before, after = disc(places[10]), disc(places[9]), disc(places[11])
    error = np.abs(smooth[10] - now).mean()
    assert error < 0.2 * min(np.abs(before - now).mean(), np.abs(after - now).mean())


def test_a_cut_is_looked_across_from_neither_side() -> None:
    planes = [disc(30)] * 6 + [disc(95)] * 6
    pictures = [scene(data.astronaut(), seed) for seed in range(6)] + [scene(data.coffee(), seed) for seed in range(6)]
    for smooth, plane in zip(steadied(planes, pictures), planes, strict=True):
        np.testing.assert_allclose(smooth, plane, atol=1e-6)


def test_a_matte_that_is_wrong_once_is_mended_by_those_around_it() -> None:
    planes = [disc(64) for _ in range(13)]
    planes[6] = np.zeros_like(planes[6])
    smooth = steadied(planes, [scene(data.astronaut(), seed) for seed in range(13)])
    assert smooth[6][64, 64] > 0.85


def test_without_strength_nothing_waits_and_nothing_changes() -> None:
    steadier: Steadier[int] = Steadier(0.0)
    plane = disc(64, 0.05)
    ((number, same),) = steadier.take(Matted(0, plane, scene(data.astronaut(), 0)))
    assert number == 0
    np.testing.assert_array_equal(same, plane)


def test_a_film_of_one_frame_is_a_film() -> None:
    assert len(steadied([disc(64)], [scene(data.astronaut(), 0)])) == 1
