"""Edges that are moved and softened: a disc has a radius, so the right answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageChops
from skimage import filters
from skimage.morphology import dilation

from service.pixels.edges import feather, shift_edge

SIZE = 240


def disc(radius_px: float, softness_px: float = 1) -> Image.Image:
    """In the middle; alpha falls from 1 to 0 over `softness_px`."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    alpha = ((radius_px - np.hypot(x, y)) / softness_px + 0.5).clip(0, 1)
    return Image.fromarray(np.rint(alpha * 255).astype(np.uint8))


def radius_of(matte: Image.Image) -> float:
    """Of the disc with this area."""
    return float(np.sqrt(np.asarray(matte, np.float64).sum() / 255 / np.pi))


@pytest.mark.parametrize("distance_px", [-40, -12.5, -3, -1, -0.5, 0, 0.25, 1, 1.5, 4, 17, 50])
@pytest.mark.parametrize("softness_px", [1, 8])
def test_a_disc_grows_and_shrinks_by_the_distance(distance_px: float, softness_px: float) -> None:
    moved = shift_edge(disc(60, softness_px), distance_px)
    assert abs(radius_of(moved) - radius_of(disc(60 + distance_px, softness_px))) <= 0.3


@pytest.mark.parametrize("radius_px", [1, 2, 3, 5, 8, 13])
def test_it_is_the_largest_level_of_a_disc(radius_px: int) -> None:
    levels = np.random.default_rng(5).integers(0, 256, (90, 70), np.uint8)
    y, x = np.mgrid[-radius_px : radius_px + 1, -radius_px : radius_px + 1]
    expected = dilation(levels, x * x + y * y <= radius_px * radius_px)
    assert np.array_equal(np.asarray(shift_edge(Image.fromarray(levels), radius_px)), expected)


def test_growing_the_subject_is_shrinking_the_rest() -> None:
    grown, shrunk = shift_edge(disc(40, 5), 3.5), shift_edge(ImageChops.invert(disc(40, 5)), -3.5)
    assert np.array_equal(np.asarray(grown), 255 - np.asarray(shrunk))


def test_a_subject_at_the_border_stays_there() -> None:
    matte = Image.new("L", (100, 80))
    matte.paste(255, (0, 0, 50, 80))
    shrunk: NDArray[np.uint8] = np.asarray(shift_edge(matte, -10))
    assert (shrunk[:, :40] == 255).all()
    assert not shrunk[:, 40:].any()


@pytest.mark.parametrize("sigma_px", [0.5, 3, 10])
def test_feathering_is_a_gaussian(sigma_px: float) -> None:
    exact = filters.gaussian(np.asarray(disc(70)) / 255, sigma_px, mode="nearest") * 255
    assert abs(np.asarray(feather(disc(70), sigma_px)) - exact).max() <= 6


def test_nothing_asked_for_changes_nothing() -> None:
    assert np.array_equal(np.asarray(feather(shift_edge(disc(50, 6), 0), 0)), np.asarray(disc(50, 6)))


@given(st.integers(1, 30), st.integers(1, 30), st.floats(-50, 50), st.floats(0, 100))
def test_mattes_of_any_size_keep_it(width: int, height: int, distance_px: float, sigma_px: float) -> None:
    matte = Image.new("L", (width, height), 200)
    edited = feather(shift_edge(matte, distance_px), sigma_px)
    assert edited.size == (width, height)
    assert set(np.unique(np.asarray(edited))) <= {199, 200, 201}
