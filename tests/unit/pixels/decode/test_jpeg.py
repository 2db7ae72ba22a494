"""JPEG as webcams, archives and print shops write it."""

import pytest
from PIL import Image

from service.errors import TruncatedImage, UnsupportedImage
from service.pixels.decode import decode
from tests.pictures import encoded
from tests.unit.pixels.decode.samples import MANY, arithmetic_jpeg, corners, shows_corners

REAL = Image.effect_mandelbrot((160, 128), (-2, -1.5, 1, 1.5), 50)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_with_every_block_and_no_end_is_whole(mode: str, progressive: bool, missing: int) -> None:
    jpeg = encoded(REAL.convert(mode), "JPEG", progressive=progressive)
    assert decode(jpeg[:-missing], MANY).rgb.tobytes() == decode(jpeg, MANY).rgb.tobytes()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("kept", [0.4, 0.8, 0.97])
def test_a_jpeg_without_all_its_blocks_is_truncated(kept: float, progressive: bool) -> None:
    jpeg = encoded(REAL.convert("RGB"), "JPEG", progressive=progressive)
    with pytest.raises(TruncatedImage):
        decode(jpeg[: int(len(jpeg) * kept)], MANY)


def test_a_buffer_with_zeros_behind_the_picture_is_whole() -> None:
    jpeg = encoded(corners(), "JPEG", quality=95)
    assert shows_corners(decode(jpeg[:-2] + bytes(500), MANY), tolerance=30)


def test_arithmetic_coding_is_read_however_long_it_is() -> None:
    jpeg = arithmetic_jpeg()
    first_restart = jpeg.index(b"\xff\xd0")
    long = jpeg[:first_restart] + b"\xff" * 200_000 + jpeg[first_restart:]
    assert shows_corners(decode(jpeg, MANY), tolerance=30)
    assert shows_corners(decode(long, MANY), tolerance=30)


def test_an_arithmetic_jpeg_without_its_end_is_whole_and_without_its_half_is_not() -> None:
    jpeg = arithmetic_jpeg()
    assert shows_corners(decode(jpeg[:-2], MANY), tolerance=30)
    with pytest.raises(TruncatedImage):
        decode(jpeg[: (jpeg.index(b"\xff\xda") + len(jpeg)) // 2], MANY)


def test_the_tables_that_webcams_leave_out_are_the_standard_ones() -> None:
    """Motion JPEG leaves out the Huffman tables; libjpeg-turbo knows them."""
    jpeg = encoded(corners(), "JPEG", quality=95, optimize=False)
    kept, place = jpeg[:2], 2
    while jpeg[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
        kept += b"" if jpeg[place + 1] == 0xC4 else jpeg[place:end]
        place = end
    assert shows_corners(decode(kept + jpeg[place:], MANY), tolerance=30)


def frame_start(jpeg: bytes) -> int:
    return jpeg.index(b"\xff\xc0")


@pytest.mark.parametrize(
    ("place", "value", "name"),
    [
        (1, 0xC3, "lossless JPEG"),
        (1, 0xC5, "hierarchical JPEG"),
        (1, 0xF7, "JPEG-LS"),
        (4, 12, "JPEG of 12 bits"),
        (9, 2, "JPEG of 2 components"),
    ],
)
def test_other_kinds_of_jpeg_are_refused_by_their_names(place: int, value: int, name: str) -> None:
    jpeg = bytearray(encoded(corners(), "JPEG"))
    jpeg[frame_start(bytes(jpeg)) + place] = value
    with pytest.raises(UnsupportedImage, match=name):
        decode(bytes(jpeg), MANY)


def test_a_stereo_photo_is_one_picture_and_no_animation() -> None:
    content = encoded(corners(), "MPO", save_all=True, append_images=[Image.new("RGB", (96, 64))])
    photo = decode(content, MANY)
    assert shows_corners(photo, tolerance=30)
    assert photo.frames == 1
