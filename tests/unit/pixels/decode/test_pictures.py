"""Every format and mode is upright, in sRGB and eight bits, without metadata."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from service.models.labels import Size
from service.pixels.decode import decode
from tests.pictures import encoded
from tests.unit.pixels.decode.samples import (
    BLUE,
    GREEN,
    MANY,
    PHOTO_FORMATS,
    RED,
    STORED_AS,
    YELLOW,
    corners,
    linear_grey_profile,
    metadata,
    png,
    profile_with_red_and_green_swapped,
    shows_corners,
)

# --- orientation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("format_", PHOTO_FORMATS)
def test_every_orientation_gives_the_same_upright_picture(format_: str, orientation: int) -> None:
    stored = Image.fromarray(np.ascontiguousarray(STORED_AS[orientation](np.asarray(corners()))))
    photo = decode(encoded(stored, format_, exif=metadata(orientation=orientation)), MANY)
    assert shows_corners(photo, tolerance=30)


@pytest.mark.parametrize("orientation", STORED_AS)
def test_alpha_is_turned_with_its_picture(orientation: int) -> None:
    upright = np.dstack([np.asarray(corners()), np.full((64, 96), 255, np.uint8)])
    upright[:32, :48, 3] = 0
    stored = Image.fromarray(np.ascontiguousarray(STORED_AS[orientation](upright)))
    photo = decode(encoded(stored, exif=metadata(orientation=orientation)), MANY)
    assert photo.alpha is not None
    assert np.array_equal(np.asarray(photo.alpha), upright[..., 3])


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\x09\0"])
@pytest.mark.filterwarnings("ignore")  # Pillow warns of corrupt EXIF; the service does not stop at warnings
def test_a_picture_with_broken_exif_is_still_a_picture(exif: bytes) -> None:
    assert shows_corners(decode(encoded(corners(), "JPEG", exif=exif), MANY), tolerance=30)


# --- colour -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", PHOTO_FORMATS)
def test_colours_are_converted_from_the_embedded_profile_to_srgb(format_: str) -> None:
    stored = Image.new("RGB", (32, 32), (255, 0, 0))
    photo = decode(encoded(stored, format_, icc_profile=profile_with_red_and_green_swapped()), MANY)
    red, green, blue = np.asarray(photo.rgb)[16, 16].tolist()
    assert green > 240
    assert red < 15
    assert blue < 15


def test_the_profile_of_a_picture_with_alpha_is_used_too() -> None:
    stored = Image.new("RGBA", (8, 8), (255, 0, 0, 100))
    photo = decode(encoded(stored, icc_profile=profile_with_red_and_green_swapped()), MANY)
    assert np.asarray(photo.rgb)[4, 4, 1] > 240
    assert photo.alpha is not None
    assert np.asarray(photo.alpha)[4, 4] == 100


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_grey_profile_is_used_for_grey(mode: str) -> None:
    stored = Image.new(mode, (8, 8), 128 if mode == "L" else (128, 100))
    photo = decode(encoded(stored, icc_profile=linear_grey_profile()), MANY)
    assert abs(np.asarray(photo.rgb).astype(int) - 188).max() <= 2  # half the light is level 188 in sRGB


@pytest.mark.parametrize(
    "profile",
    [b"not a profile", linear_grey_profile(), profile_with_red_and_green_swapped()[:200]],
    ids=["garbage", "for grey", "cut short"],
)
def test_a_profile_that_does_not_fit_is_ignored(profile: bytes) -> None:
    assert shows_corners(decode(encoded(corners(), icc_profile=profile), MANY), tolerance=0)


def test_cmyk_becomes_the_colours_it_shows() -> None:
    assert shows_corners(decode(encoded(corners().convert("CMYK"), "JPEG", quality=95), MANY), tolerance=30)


def test_lab_becomes_the_colours_it_shows() -> None:
    lab = ImageCms.createProfile("LAB")
    picture = ImageCms.profileToProfile(corners(), ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    assert picture is not None
    assert shows_corners(decode(encoded(picture, "TIFF"), MANY), tolerance=15)  # 8-bit Lab is coarse


# --- bits and modes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_and_not_clipped(format_: str) -> None:
    levels = np.linspace(0, 65535, 256 * 4).astype(np.uint16).reshape(4, 256)
    photo = decode(encoded(Image.fromarray(levels), format_), MANY)
    assert abs(np.asarray(photo.rgb)[..., 0] - levels / 257).max() <= 1
    assert photo.rgb.mode == "RGB"


def test_big_endian_16_bit_grey_is_read_in_its_own_byte_order() -> None:
    levels = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256)
    stored = Image.frombytes("I;16B", (256, 1), levels.astype(">u2").tobytes())
    photo = decode(encoded(stored, "TIFF"), MANY)
    assert abs(np.asarray(photo.rgb)[..., 0] - levels / 257).max() <= 1


def test_16_bit_colour_is_scaled_and_not_clipped() -> None:
    levels = np.linspace(0, 65535, 64 * 3).astype(">u2").reshape(1, 64, 3)
    photo = decode(png(Size(64, 1), 16, 2, b"\0" + levels.tobytes()), MANY)
    assert abs(np.asarray(photo.rgb) - levels / 257).max() <= 1
    assert photo.alpha is None


def test_16_bit_colour_keeps_its_alpha() -> None:
    levels = np.full((1, 4, 4), 65535, ">u2")
    levels[0, :, 3] = [0, 257 * 80, 257 * 200, 65535]
    photo = decode(png(Size(4, 1), 16, 6, b"\0" + levels.tobytes()), MANY)
    assert photo.alpha is not None
    assert np.asarray(photo.alpha).tolist() == [[0, 80, 200, 255]]


@pytest.mark.parametrize("format_", ["PNG", "GIF"])
def test_a_palette_with_a_transparent_colour_has_alpha(format_: str) -> None:
    picture = Image.new("P", (8, 4), 1)
    picture.putpalette([0, 0, 0, *RED, *BLUE])
    picture.paste(2, (4, 0, 8, 4))
    photo = decode(encoded(picture, format_, transparency=2), MANY)
    assert photo.alpha is not None
    assert np.asarray(photo.alpha).tolist() == [[255] * 4 + [0] * 4] * 4
    assert np.asarray(photo.rgb)[0, 0].tolist() == list(RED)


def test_a_palette_with_an_alpha_per_colour_keeps_each() -> None:
    picture = Image.new("P", (3, 1))
    picture.putpalette([*RED, *GREEN, *BLUE])
    picture.putdata([0, 1, 2])
    photo = decode(encoded(picture, "PNG", transparency=bytes([10, 128, 255])), MANY)
    assert photo.alpha is not None
    assert np.asarray(photo.alpha).tolist() == [[10, 128, 255]]
    assert np.asarray(photo.rgb).tolist() == [[list(RED), list(GREEN), list(BLUE)]]


@pytest.mark.parametrize(("mode", "key"), [("RGB", RED), ("L", 7)])
def test_a_colour_that_stands_for_transparent_becomes_alpha(mode: str, key: Any) -> None:
    picture = Image.new(mode, (2, 1))
    picture.putpixel((1, 0), key)
    photo = decode(encoded(picture, "PNG", transparency=key), MANY)
    assert photo.alpha is not None
    assert np.asarray(photo.alpha).tolist() == [[255, 0]]


def test_grey_with_alpha_keeps_both() -> None:
    picture = Image.fromarray(np.array([[[9, 0], [100, 128], [200, 255]]], np.uint8))
    assert picture.mode == "LA"
    photo = decode(encoded(picture), MANY)
    assert np.asarray(photo.rgb)[0, 1:, 0].tolist() == [100, 200]
    assert photo.alpha is not None
    assert np.asarray(photo.alpha).tolist() == [[0, 128, 255]]


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "BMP"])
def test_1_bit_is_black_and_white(format_: str) -> None:
    bits = np.indices((5, 7)).sum(axis=0) % 2 == 1
    photo = decode(encoded(Image.fromarray(bits), format_), MANY)
    assert np.array_equal(np.asarray(photo.rgb), np.repeat(bits[..., None] * np.uint8(255), 3, axis=2))


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF"])
def test_colours_under_transparent_pixels_are_not_multiplied(format_: str) -> None:
    pixels = np.dstack([np.asarray(corners()), np.full((64, 96), 60, np.uint8)])
    options = {"lossless": True, "exact": True} if format_ == "WEBP" else {}
    photo = decode(encoded(Image.fromarray(pixels), format_, **options), MANY)
    assert np.array_equal(np.asarray(photo.rgb), pixels[..., :3])
    assert photo.alpha is not None
    assert np.array_equal(np.asarray(photo.alpha), pixels[..., 3])


def test_alpha_that_hides_nothing_is_dropped() -> None:
    picture = corners().convert("RGBA")
    assert decode(encoded(picture), MANY).alpha is None


def test_transparent_pixels_are_shown_to_a_network_on_white() -> None:
    picture = Image.new("RGBA", (2, 1), (*RED, 0))
    picture.putpixel((1, 0), (*RED, 255))
    assert np.asarray(decode(encoded(picture), MANY).on_white()).tolist() == [[[255, 255, 255], list(RED)]]


# --- several frames ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(format_: str) -> None:
    frames = [Image.new("RGB", (96, 64), color) for color in (BLUE, YELLOW)]
    content = encoded(corners(), format_, save_all=True, append_images=frames)
    assert shows_corners(decode(content, MANY), tolerance=40)


def test_a_stereo_photo_gives_its_first_picture() -> None:
    content = encoded(corners(), "MPO", save_all=True, append_images=[Image.new("RGB", (96, 64), BLUE)])
    assert shows_corners(decode(content, MANY), tolerance=30)


# --- metadata ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_no_metadata_is_left(mode: str) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "where I live")
    picture = corners().convert("RGBA")
    picture.putalpha(100)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = encoded(picture.convert(mode), exif=metadata(), icc_profile=profile, dpi=(300, 300), pnginfo=text)
    photo = decode(content, MANY)
    for plane in filter(None, (photo.rgb, photo.alpha)):
        assert plane.info == {}
        assert not plane.getexif()
        assert b"where I live" not in encoded(plane)
