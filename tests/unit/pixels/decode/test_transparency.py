"""Transparency is kept, and what lies under it is forgotten."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from service.models.labels import Size
from service.pixels.decode import decode
from tests.pictures import encoded
from tests.unit.pixels.decode.samples import (
    GREEN,
    GREY,
    MANY,
    RED,
    RGB,
    alpha_of,
    colours_of,
    png,
    png_of,
)


def packed(levels: NDArray[np.uint8], bits: int) -> bytes:
    """Rows of levels of so few bits, each with the filter type 0 before it."""
    each = levels[..., np.newaxis] >> np.arange(bits - 1, -1, -1) & 1
    rows = np.packbits(each.reshape(len(levels), -1).astype(np.uint8), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in rows)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_one_level_of_grey_that_stands_for_transparent_becomes_alpha(bits: int) -> None:
    levels = np.arange(min(1 << bits, 16), dtype=np.uint8).reshape(1, -1)
    content = png(Size(levels.shape[1], 1), bits, GREY, packed(levels, bits), (b"tRNS", b"\0\1"))
    photo = decode(content, MANY)
    assert alpha_of(photo)[0].tolist() == [0 if level == 1 else 255 for level in levels[0]]
    shown = np.rint(levels[0] * (255 / ((1 << bits) - 1)))
    assert np.array_equal(colours_of(photo)[0, levels[0] != 1, 0], shown[levels[0] != 1])


def test_one_level_of_16_bit_grey_that_stands_for_transparent_is_that_level_alone() -> None:
    levels = np.array([[0x1233, 0x1234, 0x1235, 0xFFFF]])
    photo = decode(png_of(levels, 16, GREY, (b"tRNS", b"\x12\x34")), MANY)
    assert alpha_of(photo)[0].tolist() == [255, 0, 255, 255]


def test_one_colour_of_16_bits_that_stands_for_transparent_is_that_colour_alone() -> None:
    colours = np.array([[[0x1234, 0xABCD, 0x00FF], [0x1234, 0xABCD, 0x00FE], [0xFFFF, 0, 0], [0x1234, 0, 0x00FF]]])
    photo = decode(png_of(colours, 16, RGB, (b"tRNS", b"\x12\x34\xab\xcd\x00\xff")), MANY)
    assert alpha_of(photo)[0].tolist() == [0, 255, 255, 255]
    assert np.abs(colours_of(photo)[0, 1:] - colours[0, 1:] / 257).max() <= 1


def test_a_key_that_says_too_little_leaves_the_picture_opaque_or_refused() -> None:
    content = png_of(np.zeros((2, 2, 3)), 8, RGB, (b"tRNS", b"\0"))
    assert decode(content, MANY).alpha is None


def cutout(hidden: tuple[int, int, int]) -> Image.Image:
    """Red on the right; whatever is hidden on the left."""
    picture = Image.new("RGBA", (61, 33), (*hidden, 0))
    picture.paste((*RED, 255), (40, 0, 61, 33))
    return picture


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("hidden", [GREEN, (0, 0, 0), (255, 255, 255)])
def test_no_colour_from_under_alpha_0_is_left_in_the_photo(format_: str, hidden: tuple[int, int, int]) -> None:
    options = {"lossless": True, "exact": True} if format_ == "WEBP" else {}
    photo = decode(encoded(cutout(hidden), format_, **options), MANY)
    assert np.abs(colours_of(photo) - np.array(RED)).max() <= 4
    assert alpha_of(photo)[0, [0, 39, 40, 60]].tolist() == [0, 0, 255, 255]


def animated(*frames: Image.Image) -> bytes:
    return encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100, lossless=True)


def test_what_lies_around_a_hard_edged_subject_is_clear_in_an_animated_webp_too() -> None:
    """Its header says that it has no alpha: of each frame the opaque part alone is stored."""
    content = animated(cutout((0, 0, 0)), cutout((0, 0, 0)).transpose(Image.Transpose.ROTATE_180))
    assert not content[20] & 0x10
    photo = decode(content, MANY)
    assert photo.frames == 2
    assert alpha_of(photo)[0, [0, 39, 40, 60]].tolist() == [0, 0, 255, 255]
    assert np.array_equal(colours_of(photo)[0, 40:], [RED] * 21)


def test_an_animated_webp_that_is_seen_everywhere_has_no_alpha() -> None:
    assert decode(animated(Image.new("RGB", (61, 33), RED), Image.new("RGB", (61, 33), GREEN)), MANY).alpha is None


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_hidden_colours_never_come_through_whatever_is_visible(width: int, height: int, seed: int) -> None:
    """Visible pixels are blue to some degree, hidden ones red: nothing red is left."""
    random = np.random.default_rng(seed)
    alpha = random.choice([0, 0, 0, 3, 128, 255], (height, width)).astype(np.uint8)
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[..., 2] = random.integers(0, 256, (height, width))
    pixels[alpha == 0] = (255, 0, 0, 0)
    pixels[..., 3] = alpha
    photo = decode(encoded(Image.fromarray(pixels)), MANY)
    shown = colours_of(photo)
    if alpha.any():
        assert shown[..., 0].max() == 0
        visible = alpha > 0
        assert np.array_equal(shown[visible], pixels[visible][:, :3])
    else:
        assert (shown == 255).all()


def test_a_picture_that_is_seen_everywhere_is_left_as_it_is() -> None:
    pixels = np.random.default_rng(1).integers(1, 256, (20, 30, 4)).astype(np.uint8)
    assert np.array_equal(colours_of(decode(encoded(Image.fromarray(pixels)), MANY)), pixels[..., :3])


def test_what_is_shown_to_a_network_is_made_once() -> None:
    photo = decode(encoded(cutout(GREEN)), MANY)
    assert photo.on_white() is photo.on_white()
    assert np.asarray(photo.on_white())[5, [5, 50]].tolist() == [[255, 255, 255], list(RED)]
