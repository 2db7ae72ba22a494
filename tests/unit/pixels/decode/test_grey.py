"""Masks and mattes: of their colours only the light is read, and of the numbers only how much of white each is."""

import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from service.errors import TooManyPixels, UnsupportedImage
from service.pixels.decode import decode, decode_grey
from tests.pictures import encoded
from tests.unit.pixels.decode.samples import (
    GREY,
    MIN_IS_BLACK,
    MIN_IS_WHITE,
    RGB,
    RGBA,
    TIFF_RGB,
    page_of,
    png_of,
    tiff,
)

LIMIT = 1_000_000
LEVELS = np.tile(np.arange(256), (3, 1))
COLOURS = np.dstack([LEVELS] * 3)
WITH_ALPHA = np.dstack([COLOURS, np.full_like(LEVELS, 255)])
WIDE = ["u2", "u4", "u8", "i2", "i4", "i8"]
"""Integers in which programs leave what they have counted in 8 bits."""


def ramp(mode: str = "L") -> Image.Image:
    """0 on the left to 255 on the right."""
    return Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (3, 1))).convert(mode)


@pytest.mark.parametrize(
    ("mode", "format_"),
    [("L", "PNG"), ("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("L", "TIFF"), ("RGB", "BMP"), ("RGB", "GIF")],
)
def test_light_is_what_the_levels_are(mode: str, format_: str) -> None:
    grey = decode_grey(encoded(ramp(mode), format_), LIMIT)
    assert (grey.light.mode, grey.alpha) == ("L", None)
    assert np.array_equal(np.asarray(grey.light), np.asarray(ramp()))


def test_bits_are_black_and_white() -> None:
    grey = decode_grey(encoded(ramp().convert("1", dither=Image.Dither.NONE)), LIMIT)
    assert set(np.unique(np.asarray(grey.light))) == {0, 255}


def test_sixteen_bits_become_eight() -> None:
    deep = Image.fromarray(np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1)))
    assert np.array_equal(np.asarray(decode_grey(encoded(deep), LIMIT).light), np.asarray(ramp()))


def test_alpha_comes_beside_it() -> None:
    picture = Image.merge("LA", (ramp(), ramp().transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    grey = decode_grey(encoded(picture), LIMIT)
    assert grey.alpha is not None
    assert np.array_equal(np.asarray(grey.alpha)[:, ::-1], np.asarray(ramp()))
    assert np.array_equal(np.asarray(grey.light), np.asarray(ramp()))


def test_it_is_turned_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[274] = 6
    assert decode_grey(encoded(ramp(), exif=exif), LIMIT).size == (3, 256)


def test_too_many_pixels_are_refused_before_any_is_decoded() -> None:
    with pytest.raises(TooManyPixels):
        decode_grey(encoded(ramp()), 700)


def light_in(content: bytes) -> NDArray[Any]:
    return np.asarray(decode_grey(content, LIMIT).light)


@pytest.mark.parametrize("pixels", [LEVELS, COLOURS], ids=["grey", "colours"])
@pytest.mark.parametrize("type_", WIDE)
def test_wide_integers_that_stop_at_255_count_in_8_bits(type_: str, pixels: NDArray[Any]) -> None:
    """By their whole range, all of them would be black: so numpy's own type leaves a mask, in tifffile's hands."""
    photometric = MIN_IS_BLACK if pixels.ndim == 2 else TIFF_RGB
    content = tiff(page_of(pixels.astype(type_), photometric))
    assert np.array_equal(light_in(content), LEVELS)
    assert np.array_equal(np.asarray(decode(content, LIMIT).rgb)[..., 1], LEVELS)


@pytest.mark.parametrize("type_", ["u4", "u8", "i4", "i8"])
def test_integers_of_32_bits_and_more_that_stop_at_65535_count_in_16(type_: str) -> None:
    assert np.array_equal(light_in(tiff(page_of((LEVELS * 257).astype(type_), MIN_IS_BLACK))), LEVELS)


@pytest.mark.parametrize(
    ("pixels", "colour_type"), [(LEVELS, GREY), (COLOURS, RGB), (WITH_ALPHA, RGBA)], ids=["grey", "RGB", "RGBA"]
)
def test_a_png_of_16_bits_that_stops_at_255_counts_in_8(pixels: NDArray[Any], colour_type: int) -> None:
    """OpenCV writes one of any array of 16 bits."""
    content = png_of(pixels, 16, colour_type)
    assert np.array_equal(light_in(content), LEVELS)
    photo = decode(content, LIMIT)
    assert (photo.alpha, np.asarray(photo.rgb)[..., 1].tolist()) == (None, LEVELS.tolist())


@pytest.mark.parametrize("type_", WIDE)
def test_one_number_above_255_and_the_whole_range_counts(type_: str) -> None:
    numbers = LEVELS.astype(type_)
    numbers[-1, -1] = np.iinfo(numbers.dtype).max
    light = light_in(tiff(page_of(numbers, MIN_IS_BLACK)))
    assert (light[-1, -1], int(light[0].max()) <= 2) == (255, True)


def test_where_the_least_is_white_255_is_black() -> None:
    assert np.array_equal(light_in(tiff(page_of(LEVELS.astype("u2"), MIN_IS_WHITE))), 255 - LEVELS)


@pytest.mark.parametrize("type_", ["i1", "i2", "i4"])
def test_a_mask_with_numbers_below_zero_is_refused(type_: str) -> None:
    """As levels, their nought would be grey: painted, or half of a subject."""
    numbers = np.where(LEVELS > 100, 1, -1).astype(type_)
    with pytest.raises(UnsupportedImage, match="below zero"):
        decode_grey(tiff(page_of(numbers, MIN_IS_BLACK)), LIMIT)


TOLD = {
    "gAMA of linear light": (b"gAMA", struct.pack(">I", 100_000)),
    "cICP of linear light": (b"cICP", bytes([1, 8, 0, 1])),
    "cICP of PQ": (b"cICP", bytes([9, 16, 0, 1])),
}


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("told", list(TOLD.values()), ids=list(TOLD))
@pytest.mark.parametrize("colour_type", [GREY, RGB], ids=["grey", "RGB"])
def test_what_a_file_says_of_its_light_is_not_asked(depth: int, told: tuple[bytes, bytes], colour_type: int) -> None:
    """A matte says how much of a pixel is the subject's: a half is a half, whatever a screen would make of it."""
    numbers = (LEVELS if colour_type == GREY else COLOURS) * (257 if depth == 16 else 1)
    assert np.array_equal(light_in(png_of(numbers, depth, colour_type, told)), LEVELS)
