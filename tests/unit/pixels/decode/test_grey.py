"""Masks and mattes: of their colours only the light is read."""

import numpy as np
import pytest
from PIL import Image

from service.errors import TooManyPixels
from service.pixels.decode import decode_grey
from tests.pictures import encoded

LIMIT = 1_000_000


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
