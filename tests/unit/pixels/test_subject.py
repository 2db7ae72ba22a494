"""The subject's own colours, on mixtures whose parts are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from skimage import data, filters

from service.pixels.subject import Blend, cut_out, subject_rows

Levels = NDArray[np.float64]
Alpha = NDArray[np.uint8]

WIDTH, HEIGHT = 240, 180
RED, BLUE = (220, 30, 40), (20, 60, 200)


def disc() -> Alpha:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return levels_of((60 - np.hypot(x - 120, y - 90)) / 14 + 0.5)


def thin_line() -> Alpha:
    """A hair of two and a half pixels that grows out of a block."""
    large = Image.new("L", (WIDTH * 4, HEIGHT * 4))
    draw = ImageDraw.Draw(large)
    draw.rectangle((0, 0, 300, HEIGHT * 4), fill=255)
    draw.line((300, 200, 900, 500), fill=255, width=10)
    hair: Alpha = np.asarray(large.reduce(4))
    return hair


def gradient() -> Alpha:
    return levels_of(np.linspace(-0.2, 1.2, WIDTH)[np.newaxis].repeat(HEIGHT, axis=0))


def checkerboard() -> Alpha:
    y, x = np.mgrid[:HEIGHT, :WIDTH] // 30
    return levels_of(filters.gaussian(((x + y) % 2).astype(np.float64), 2))


MATTES = {"disc": disc, "thin line": thin_line, "gradient": gradient, "checkerboard": checkerboard}


def levels_of(alpha: Levels) -> Alpha:
    rounded: Alpha = np.rint(alpha.clip(0, 1) * 255).astype(np.uint8)
    return rounded


def mixed(fore: Levels, alpha: Alpha, back: Levels) -> Image.Image:
    share = alpha[..., np.newaxis] / 255
    return Image.fromarray(np.rint(share * fore + (1 - share) * back).astype(np.uint8))


def plain(color: tuple[int, int, int]) -> Levels:
    return np.full((HEIGHT, WIDTH, 3), color, np.float64)


def photo(pixels: NDArray[np.uint8]) -> Levels:
    return np.asarray(Image.fromarray(pixels).resize((WIDTH, HEIGHT)), np.float64)


def subject(blend: Blend, decontaminate: bool = True) -> Levels:
    result = Image.new("RGBA", blend.photo.size)
    for rows in subject_rows(blend, decontaminate):
        result.paste(rows.image, (rows.left, rows.top))
    return np.asarray(result, np.float64)


def blend_of(picture: Image.Image, alpha: Alpha) -> Blend:
    matte = Image.fromarray(alpha)
    return Blend(picture, matte, matte)


def error(found: Levels, fore: Levels, where: NDArray[np.bool_]) -> float:
    return float(abs(found[..., :3] - fore)[where].mean())


@pytest.mark.parametrize("name", ["disc", "thin line", "checkerboard"])
def test_plain_colours_come_apart(name: str) -> None:
    alpha = MATTES[name]()
    found = subject(blend_of(mixed(plain(RED), alpha, plain(BLUE)), alpha))
    visible = alpha >= 16
    assert (visible & (alpha < 240)).sum() > 100
    assert abs(found[..., :3] - RED)[visible].max() <= 40
    assert error(found, plain(RED), visible & (alpha < 255)) <= 4


def test_where_the_edge_is_as_wide_as_the_picture_a_good_part_of_the_other_colour_is_found() -> None:
    """So slow a change could as well be one of the subject's own colour."""
    alpha = gradient()
    blend = blend_of(mixed(plain(RED), alpha, plain(BLUE)), alpha)
    band = (alpha >= 16) & (alpha < 255)
    assert error(subject(blend), plain(RED), band) <= 0.7 * error(subject(blend, False), plain(RED), band)


@pytest.mark.parametrize("name", ["disc", "thin line", "checkerboard"])
def test_photos_come_apart_with_less_than_half_the_error_of_doing_nothing(name: str) -> None:
    alpha, fore, back = MATTES[name](), photo(data.coffee()), photo(data.astronaut())
    blend = blend_of(mixed(fore, alpha, back), alpha)
    band = (alpha > 0) & (alpha < 255)
    assert error(subject(blend), fore, band) <= 0.5 * error(subject(blend, decontaminate=False), fore, band)


@pytest.mark.parametrize("name", MATTES)
def test_alpha_is_the_matte_and_what_is_sure_is_the_photo(name: str) -> None:
    alpha = MATTES[name]()
    picture = mixed(photo(data.coffee()), alpha, plain(BLUE))
    found = subject(blend_of(picture, alpha))
    assert np.array_equal(found[..., 3], alpha)
    assert np.array_equal(found[alpha == 255][:, :3], np.asarray(picture)[alpha == 255])
    assert not found[alpha == 0].any()


@pytest.mark.parametrize("decontaminate", [True, False])
def test_a_cutout_is_all_rows_of_the_subject_in_one_picture(decontaminate: bool) -> None:
    mixture, wide = disc(), levels_of(filters.gaussian(disc() / 255.0, 6))
    picture = mixed(photo(data.coffee()), mixture, plain(BLUE))
    blend = Blend(picture, Image.fromarray(mixture), Image.fromarray(wide))
    assert np.array_equal(np.asarray(cut_out(blend, decontaminate)), subject(blend, decontaminate))


@pytest.mark.parametrize("level", [0, 1, 90, 254, 255])
def test_a_matte_of_one_level_keeps_the_photo(level: int) -> None:
    """Nothing says what is subject and what is not, so nothing is taken away from a plain picture."""
    alpha = np.full((HEIGHT, WIDTH), level, np.uint8)
    found = subject(blend_of(Image.fromarray(plain(RED).astype(np.uint8)), alpha))
    assert abs(found[..., :3] - (RED if level else (0, 0, 0))).max() <= 1


def test_a_softened_edge_shows_the_subject_s_colours_beyond_the_mixture() -> None:
    mixture = disc()
    wide = levels_of(filters.gaussian(mixture / 255.0, 6))
    picture = mixed(plain(RED), mixture, plain(BLUE))
    found = subject(Blend(picture, Image.fromarray(mixture), Image.fromarray(wide)))
    beyond = (mixture == 0) & (wide >= 16)
    assert beyond.sum() > 500
    assert abs(found[..., :3] - RED)[beyond].max() <= 20


def test_pixels_that_are_transparent_already_keep_their_colours_and_lend_them_to_nobody() -> None:
    """Straight colours are the subject's own; green under an alpha of 0 is nobody's."""
    alpha = disc()
    picture = mixed(plain(RED), alpha, plain(BLUE))
    picture.paste((0, 255, 0), (0, 0, WIDTH, 60))
    hidden = Image.new("L", (WIDTH, HEIGHT), 255)
    hidden.paste(0, (0, 0, WIDTH, 60))
    hidden.paste(128, (0, 60, WIDTH, 64))
    shown = np.minimum(alpha, np.asarray(hidden))
    found = subject(Blend(picture, Image.fromarray(shown), Image.fromarray(shown), hidden))
    half = (np.asarray(hidden) == 128) & (shown > 0)
    assert half.any()
    assert np.array_equal(found[half][:, :3], np.asarray(picture)[half])
    below = (np.arange(HEIGHT) > 80)[:, np.newaxis] & (alpha >= 16)
    assert abs(found[..., :3] - RED)[below].max() <= 40


@settings(deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_pictures_of_any_size_are_read_to_their_border(width: int, height: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    alpha = random.integers(0, 256, (height, width), np.uint8)
    picture = Image.new("RGB", (width, height), RED)
    found = subject(blend_of(picture, alpha))
    assert np.array_equal(found[..., 3], alpha)
    assert abs(found[..., :3] - RED)[alpha > 0].max() <= 1
