"""The rest is blurred, and nothing of the subject gets into it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data, filters

from service.models.decisions import Plane
from service.models.labels import Size
from service.operations.blur_background import SIGMA_AT_FULL_STRENGTH, BlurBackgroundOptions, blur_background
from service.operations.options import parse_options
from tests.unit.operations.scenes import GREY, RED, SIZE, Levels, disc, levels, noise, over, scene


def blurred(photo: Image.Image, matte: Plane, strength: float) -> Levels:
    return levels(blur_background(scene(photo, matte), parse_options(BlurBackgroundOptions, {"strength": strength})))


def red_on_grey(matte: Plane) -> Image.Image:
    return Image.composite(Image.new("RGB", SIZE, RED), Image.new("RGB", SIZE, GREY), Image.fromarray(matte == 1))


@pytest.mark.parametrize("strength", [0.01, 0.05, 0.25, 0.6, 1.0])
def test_the_subject_does_not_bleed_into_the_blur(strength: float) -> None:
    result = blurred(red_on_grey(disc()), disc(), strength)
    assert abs(result[disc() == 0] - GREY).max() <= 3  # a narrow blur is computed in eight bits
    assert (result[disc() == 1] == RED).all()


@pytest.mark.parametrize("strength", [0.05, 0.25, 1.0])
def test_a_soft_edge_does_not_bleed_beyond_itself(strength: float) -> None:
    soft = filters.gaussian(disc(), 1.0).astype(np.float32)
    soft = np.where(soft < 1 / 255, 0, soft)
    photo = Image.fromarray(np.rint(over(np.array(RED, float), soft, np.array(GREY, float))).astype(np.uint8))
    inside = filters.gaussian(disc(), 3) > 0.02
    assert abs(blurred(photo, soft, strength)[~inside] - GREY).max() <= 4


@pytest.mark.parametrize("strength", [0.02, 0.05, 0.25, 1.0])
@pytest.mark.parametrize("softness_px", [1, 4])
def test_no_red_of_a_soft_subject_is_left_a_pixel_beyond_its_matte(softness_px: float, strength: float) -> None:
    y, x = np.mgrid[: SIZE.height, : SIZE.width]
    soft = ((30 - np.hypot(x - 80, y - 50)) / softness_px + 0.5).clip(0, 1).astype(np.float32)
    photo = Image.fromarray(np.rint(over(np.array(RED, float), soft, np.array(GREY, float))).astype(np.uint8))
    beyond = np.hypot(x - 80, y - 50) > 30 + softness_px / 2 + 1
    assert abs(blurred(photo, soft, strength)[beyond] - GREY).max() <= 6


@pytest.mark.parametrize("strength", [0.1, 0.25, 0.5])
def test_far_from_the_subject_it_is_a_plain_gaussian_blur(strength: float) -> None:
    photo = data.astronaut()[:, :300]
    size = Size(300, 512)
    sigma_px = strength * SIGMA_AT_FULL_STRENGTH * max(size)
    subject = np.zeros(size[::-1], np.float32)
    subject[:60, :60] = 1
    plain = filters.gaussian(photo, sigma_px, mode="nearest", preserve_range=True, channel_axis=-1)
    far = np.s_[round(60 + 3 * sigma_px) :, :]
    difference = abs(blurred(Image.fromarray(photo), subject, strength)[far] - plain[far])
    assert difference[:-20, 20:-20].max() <= 6
    assert difference.max() <= 25  # Pillow's narrow blur repeats the border anew for each of its three boxes
    assert difference.mean() <= 1


def test_without_a_subject_everything_is_blurred_and_keeps_its_brightness() -> None:
    photo = data.chelsea()
    result = blurred(Image.fromarray(photo), np.zeros(photo.shape[:2], np.float32), 0.5)
    assert result.std() < photo.std()
    assert abs(result.mean() - photo.mean()) < 1


def test_a_picture_that_is_all_subject_stays_as_it_is() -> None:
    photo = noise()
    assert np.array_equal(blurred(photo, np.ones(SIZE[::-1], np.float32), 0.5), levels(photo))


def test_more_strength_blurs_more() -> None:
    photo = Image.fromarray(data.chelsea())
    nothing = np.zeros(data.chelsea().shape[:2], np.float32)
    spreads = [blurred(photo, nothing, strength).std() for strength in (0.02, 0.1, 0.3, 1.0)]
    assert spreads == sorted(spreads, reverse=True)


def test_the_blur_does_not_shift_the_picture() -> None:
    """A bright line stays where it is, also where the size is no multiple of the reduced picture."""
    photo = Image.new("RGB", (403, 297), (0, 0, 0))
    photo.paste((255, 255, 255), (300, 0, 306, 297))
    result = blurred(photo, np.zeros((297, 403), np.float32), 0.4)[150, :, 0]
    center = (result * (np.arange(403) + 0.5)).sum() / result.sum()
    assert abs(center - 303) < 0.6


@given(size=st.builds(Size, st.integers(1, 50), st.integers(1, 50)), strength=st.floats(0.001, 1))
def test_pictures_of_any_size_are_blurred(size: Size, strength: float) -> None:
    result = blurred(Image.new("RGB", size, GREY), np.zeros(size[::-1], np.float32), strength)
    assert abs(result - np.full((size.height, size.width, 3), GREY)).max() <= 1
