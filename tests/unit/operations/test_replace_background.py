"""Colours and pictures behind the subject, and the soft edge between them."""

import numpy as np
import pytest
from PIL import Image
from skimage import data, filters

from service.models.decisions import Plane
from service.models.labels import Size
from service.operations.options import parse_options
from service.operations.replace_background import ReplaceBackgroundOptions, replace_background
from service.pixels.decode import Photo
from tests.unit.operations.scenes import (
    AS_IT_WAS,
    GREY,
    RED,
    SIZE,
    disc,
    distance,
    gradient,
    levels,
    noise,
    over,
    scene,
)

# --- new background ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("matte", [disc(), gradient()], ids=["disc", "gradient"])
def test_a_colour_behind_is_mixed_by_alpha_to_one_level(matte: Plane) -> None:
    photo = noise()
    result = replace_background(
        scene(photo, matte), parse_options(ReplaceBackgroundOptions, AS_IT_WAS | {"color": "#1e90ff"})
    )
    assert result.mode == "RGB"
    assert distance(result, over(levels(photo), matte, np.array([0x1E, 0x90, 0xFF], np.float64))) <= 1


@pytest.mark.parametrize("matte", [disc(), gradient()], ids=["disc", "gradient"])
def test_a_picture_behind_is_mixed_by_alpha_to_one_level(matte: Plane) -> None:
    photo, backdrop = noise(), data.astronaut()[: SIZE.height, : SIZE.width]
    seen = scene(photo, matte, Photo(Image.fromarray(backdrop)))
    result = replace_background(seen, parse_options(ReplaceBackgroundOptions, AS_IT_WAS))
    assert result.mode == "RGB"
    assert distance(result, over(levels(photo), matte, backdrop.astype(np.float64))) <= 1


def test_behind_a_plain_subject_is_exactly_the_colour() -> None:
    result = replace_background(scene(noise(), disc()), parse_options(ReplaceBackgroundOptions, {"color": "teal"}))
    assert (np.asarray(result)[disc() == 0] == (0, 128, 128)).all()
    assert (np.asarray(result)[disc() == 1] == np.asarray(noise())[disc() == 1]).all()


def test_a_transparent_background_leaves_a_cutout() -> None:
    photo = noise()
    result = replace_background(
        scene(photo, gradient()), parse_options(ReplaceBackgroundOptions, AS_IT_WAS | {"color": "transparent"})
    )
    assert result.mode == "RGBA"
    assert np.array_equal(np.asarray(result)[..., 3], np.rint(gradient() * 255))
    visible = np.asarray(result)[..., 3] > 0
    assert abs(levels(result)[..., :3] - levels(photo))[visible].max() <= 1


def test_a_half_transparent_colour_follows_porter_and_duff() -> None:
    """Straight alpha: out = a + b(1 - a), C = (aF + b(1 - a)B) / out."""
    photo, behind, opacity = noise(), np.array([0.0, 128.0, 255.0]), 0x80 / 255
    result = replace_background(
        scene(photo, gradient()), parse_options(ReplaceBackgroundOptions, AS_IT_WAS | {"color": "#0080ff80"})
    )
    alpha = np.rint(gradient() * 255).astype(np.float64)[..., None] / 255
    out = alpha + opacity * (1 - alpha)
    colors = (alpha * levels(photo) + opacity * (1 - alpha) * behind) / out
    assert distance(result, np.dstack([colors, out * 255])) <= 1.5


# --- what all soft edges have in common -------------------------------------------------------------------------------


def test_a_red_subject_over_white_has_no_grey_fringe() -> None:
    soft = filters.gaussian(disc(), 2).astype(np.float32)
    photo = Image.fromarray(np.rint(over(np.array(RED, float), soft, np.array(GREY, float))).astype(np.uint8))
    expected = over(np.array(RED, float), soft, np.array([255.0, 255.0, 255.0]))
    clean, fringed = (
        distance(replace_background(scene(photo, soft), parse_options(ReplaceBackgroundOptions, options)), expected)
        for options in ({"color": "white"}, AS_IT_WAS | {"color": "white"})
    )
    assert clean <= 8 < 25 < fringed


def test_light_wraps_around_the_edge_and_leaves_the_middle() -> None:
    size = Size(400, 300)
    photo, matte = Image.new("RGB", size, (40, 40, 40)), disc(size, 90)
    dark, lit = (
        levels(replace_background(scene(photo, matte), parse_options(ReplaceBackgroundOptions, options)))
        for options in ({"color": "white"}, {"color": "white", "light_wrap": "0.5"})
    )
    assert np.array_equal(dark[matte == 0], lit[matte == 0])
    assert lit[150, 160].tolist() == [40, 40, 40]
    assert lit[150, 160 + 87, 0] > 60
    assert (np.diff(lit[150, 160 : 160 + 87, 0]) >= -1).all()


def test_without_light_in_the_background_nothing_wraps() -> None:
    photo = Image.new("RGB", SIZE, RED)
    dark = {"color": "black", "light_wrap": "1"}
    result = levels(replace_background(scene(photo, disc()), parse_options(ReplaceBackgroundOptions, dark)))
    assert (result[disc() == 1] == RED).all()


def test_light_through_a_transparent_background_is_only_what_there_is() -> None:
    clear = {"color": "#ffffff00", "light_wrap": "1"}
    result = levels(replace_background(scene(noise(), disc()), parse_options(ReplaceBackgroundOptions, clear)))
    assert np.array_equal(result[disc() == 1][:, :3], levels(noise())[disc() == 1])


def test_the_backdrop_is_left_as_it_was() -> None:
    backdrop = noise()
    seen = scene(Image.new("RGB", SIZE, RED), disc(), Photo(backdrop))
    replace_background(seen, parse_options(ReplaceBackgroundOptions, {"fit": "stretch"}))
    assert np.array_equal(levels(backdrop), levels(noise()))
