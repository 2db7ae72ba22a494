"""Effects on small pictures whose right answer can be written down."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from skimage import data, filters

from service.models.decisions import Plane
from service.models.labels import Size
from service.operations import LIVE_EFFECTS
from service.operations.blur_background import SIGMA_AT_FULL_STRENGTH, BlurBackgroundOptions, blur_background
from service.operations.color_pop import ColorPopOptions, color_pop
from service.operations.effect import Effect, Scene
from service.operations.options import parse_options
from service.operations.remove_background import RemoveBackgroundOptions, cutout
from service.operations.replace_background import ReplaceBackgroundOptions, replace_background
from service.pixels.backdrop import Fit, fit_backdrop
from service.pixels.decode import Photo

SIZE = Size(160, 100)
RED, GREY = (230, 20, 20), (120, 120, 120)
FITS: tuple[Fit, ...] = ("cover", "contain", "stretch", "tile")

AS_IT_WAS = {"decontaminate": "false"}
"""The photo's own pixels at a soft edge: what they are mixed to can be written down."""

Levels = NDArray[np.float64]


def disc(size: Size = SIZE, radius: float = 25) -> Plane:
    """1 inside and 0 outside, left of the middle."""
    y, x = np.mgrid[: size.height, : size.width]
    inside: Plane = (np.hypot(x - size.width * 0.4, y - size.height / 2) < radius).astype(np.float32)
    return inside


def gradient(size: Size = SIZE) -> Plane:
    """Every alpha from 0 to 1, from left to right."""
    return np.linspace(0, 1, size.width, dtype=np.float32)[None].repeat(size.height, axis=0)


def scene(photo: Image.Image, alpha: Plane, backdrop: Photo | None = None) -> Scene:
    pictures = {} if backdrop is None else {"background": backdrop}
    return Scene(Photo(photo), Image.fromarray(np.rint(alpha * 255).astype(np.uint8)), pictures)


def noise(size: Size = SIZE) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (size.height, size.width, 3), np.uint8))


def levels(picture: Image.Image) -> Levels:
    return np.asarray(picture, np.float64)


def distance(found: Image.Image, expected: Levels) -> float:
    assert found.size == expected.shape[1::-1]
    return float(abs(levels(found) - expected).max())


def over(foreground: Levels, matte: Plane, background: Levels) -> Levels:
    """C = aF + (1 - a)B."""
    alpha = matte.astype(np.float64)[..., None]
    mixed: Levels = alpha * foreground + (1 - alpha) * background
    return mixed


# --- cutout -----------------------------------------------------------------------------------------------------------


def test_a_cutout_has_the_photo_s_colours_and_the_matte_as_straight_alpha() -> None:
    photo = noise()
    result = cutout(scene(photo, gradient()), parse_options(RemoveBackgroundOptions, AS_IT_WAS))
    assert result.mode == "RGBA"
    colors, alpha = np.asarray(result)[..., :3], np.asarray(result)[..., 3]
    assert np.array_equal(alpha, np.rint(gradient() * 255))
    assert np.array_equal(colors[alpha > 0], np.asarray(photo)[alpha > 0])
    assert not colors[alpha == 0].any()  # whoever is cut out must not be found under the transparent pixels


def test_the_matte_alone_is_grey() -> None:
    result = cutout(scene(noise(), gradient()), parse_options(RemoveBackgroundOptions, {"output": "matte"}))
    assert result.mode == "L"
    assert np.array_equal(np.asarray(result), np.rint(gradient() * 255))


@pytest.mark.parametrize(
    ("margin", "box"),
    [
        ("0", (50, 30, 90, 60)),
        ("7", (43, 23, 97, 67)),
        ("7px", (43, 23, 97, 67)),
        ("10%", (46, 26, 94, 64)),
        ("45", (5, 0, 135, 100)),
        ("9999", (0, 0, 160, 100)),
    ],
)
@pytest.mark.parametrize("output", ["cutout", "matte"])
def test_cropping_keeps_the_subject_and_its_margin(output: str, margin: str, box: tuple[int, int, int, int]) -> None:
    soft = np.zeros(SIZE[::-1], np.float32)
    soft[30:60, 50:90] = 1
    seen = scene(noise(), soft)
    whole = cutout(seen, parse_options(RemoveBackgroundOptions, {"output": output}))
    options = parse_options(RemoveBackgroundOptions, {"output": output, "crop": True, "margin": margin})
    assert np.array_equal(np.asarray(cutout(seen, options)), np.asarray(whole.crop(box)))


def test_cropping_to_no_subject_keeps_the_whole_picture() -> None:
    empty = scene(noise(), np.zeros(SIZE[::-1], np.float32))
    assert cutout(empty, parse_options(RemoveBackgroundOptions, {"crop": True})).size == SIZE


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


# --- the four fits ----------------------------------------------------------------------------------------------------


def quarters(size: Size) -> Image.Image:
    """Black, red above right, green below left, yellow below right."""
    y, x = np.mgrid[: size.height, : size.width]
    right, below = 255 * (x >= size.width / 2), 255 * (y >= size.height / 2)
    return Image.fromarray(np.dstack([right, below, 0 * right]).astype(np.uint8))


def seen_at(picture: Image.Image, *places: tuple[float, float]) -> list[tuple[int, ...]]:
    """The colours at places given as fractions of the width and height."""
    width, height = picture.size
    return [tuple(np.asarray(picture)[int(y * height), int(x * width)].tolist()) for x, y in places]


BLACK_, RED_, GREEN_, YELLOW_ = (0, 0, 0), (255, 0, 0), (0, 255, 0), (255, 255, 0)
CORNERS = ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9))


@given(
    backdrop=st.builds(Size, st.integers(1, 400), st.integers(1, 400)),
    size=st.builds(Size, st.integers(1, 60), st.integers(1, 60)),
    fit=st.sampled_from(FITS),
    has_alpha=st.booleans(),
)
def test_every_fit_of_any_backdrop_has_the_photo_s_size(backdrop: Size, size: Size, fit: Fit, has_alpha: bool) -> None:
    alpha = Image.new("L", backdrop, 90) if has_alpha else None
    fitted = fit_backdrop(Photo(Image.new("RGB", backdrop, RED), alpha), size, fit)
    assert fitted.size == size
    assert (fitted.alpha is not None) == has_alpha


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("backdrop", [Size(3000, 1), Size(1, 3000)])
def test_a_backdrop_as_thin_as_a_hair_fits(fit: Fit, backdrop: Size) -> None:
    assert fit_backdrop(Photo(Image.new("RGB", backdrop, RED)), SIZE, fit).size == SIZE


def test_cover_keeps_the_aspect_and_fills_everything() -> None:
    fitted = fit_backdrop(Photo(quarters(Size(400, 100))), Size(100, 100), "cover").rgb
    assert seen_at(fitted, *CORNERS) == [BLACK_, RED_, GREEN_, YELLOW_]
    # A quarter of the backdrop's width is shown, around its middle: the border stays in the middle.
    assert seen_at(fitted, (0.45, 0.1), (0.55, 0.1)) == [BLACK_, RED_]


def test_contain_shows_all_of_it_between_black_bars() -> None:
    fitted = fit_backdrop(Photo(Image.new("RGB", (200, 100), RED)), Size(100, 100), "contain").rgb
    assert seen_at(fitted, (0.5, 0.1), (0.02, 0.5), (0.98, 0.5), (0.5, 0.9)) == [BLACK_, RED, RED, BLACK_]
    assert abs(int((levels(fitted)[..., 0] > 128).sum()) - 5000) <= 200


def test_stretch_ignores_the_aspect() -> None:
    fitted = fit_backdrop(Photo(quarters(Size(400, 50))), Size(100, 100), "stretch").rgb
    assert seen_at(fitted, *CORNERS) == [BLACK_, RED_, GREEN_, YELLOW_]


def test_tiles_repeat_from_the_upper_left_corner_at_their_own_size() -> None:
    tile = noise(Size(37, 23))
    fitted = fit_backdrop(Photo(tile), SIZE, "tile").rgb
    y, x = np.mgrid[: SIZE.height, : SIZE.width]
    assert np.array_equal(np.asarray(fitted), np.asarray(tile)[y % 23, x % 37])


def test_tiny_tiles_are_quick() -> None:
    """A backdrop of one pixel is a valid request; a paste per tile would take minutes for a large photo."""
    started = time.thread_time()
    fitted = fit_backdrop(Photo(Image.new("RGB", (1, 1), RED)), Size(1000, 1000), "tile").rgb
    assert time.thread_time() - started < 1
    assert fitted.getcolors() == [(1000 * 1000, RED)]


def test_a_transparent_backdrop_does_not_bleed_its_hidden_colours() -> None:
    """Right of the middle is green that nobody can see; resized straight, it would tint the edge."""
    backdrop = Image.new("RGB", (40, 40), RED)
    backdrop.paste((0, 255, 0), (20, 0, 40, 40))
    alpha = Image.new("L", (40, 40), 255)
    alpha.paste(0, (20, 0, 40, 40))
    fitted = levels(fit_backdrop(Photo(backdrop, alpha), Size(90, 90), "stretch").with_alpha())
    visible = fitted[..., 3] > 32
    assert fitted[visible][:, 1].max() <= 20 + 8


# --- blur -------------------------------------------------------------------------------------------------------------


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


# --- colour pop -------------------------------------------------------------------------------------------------------


def test_the_subject_keeps_its_colours_and_the_rest_is_grey() -> None:
    photo = Image.fromarray(data.astronaut()[: SIZE.height, : SIZE.width])
    result = np.asarray(color_pop(scene(photo, disc()), parse_options(ColorPopOptions, {})))
    assert (result[disc() == 1] == np.asarray(photo)[disc() == 1]).all()
    rest = result[disc() == 0]
    assert (rest == rest[:, :1]).all()
    luma = np.asarray(photo)[disc() == 0] @ [0.299, 0.587, 0.114]
    assert abs(rest[:, 0] - luma).max() <= 1


@pytest.mark.parametrize("saturation", [0.0, 0.3, 1.0])
def test_saturation_is_mixed_between_grey_and_colour(saturation: float) -> None:
    photo = noise()
    result = color_pop(scene(photo, gradient()), parse_options(ColorPopOptions, {"saturation": saturation}))
    luma = levels(photo) @ np.array([0.299, 0.587, 0.114])
    rest = saturation * levels(photo) + (1 - saturation) * luma[..., None]
    assert distance(result, over(levels(photo), gradient(), rest)) <= 2


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", LIVE_EFFECTS.values(), ids=LIVE_EFFECTS)
def test_an_effect_leaves_the_photo_and_its_size_as_they_were(effect: Effect[Any]) -> None:
    photo = noise()
    result = effect.compose(scene(photo, gradient()), parse_options(effect.options, {}))
    assert result.size == SIZE
    assert np.array_equal(np.asarray(photo), np.asarray(noise()))


@pytest.mark.parametrize("effect", LIVE_EFFECTS.values(), ids=LIVE_EFFECTS)
def test_an_effect_on_a_single_pixel_works(effect: Effect[Any]) -> None:
    pixel = scene(Image.new("RGB", (1, 1), RED), np.ones((1, 1), np.float32))
    assert np.asarray(effect.compose(pixel, parse_options(effect.options, {})))[0, 0, :3].tolist() == list(RED)


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
