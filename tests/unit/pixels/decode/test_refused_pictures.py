"""What is broken, no picture, or too large is refused for what it is."""

import struct

import pytest
from PIL import Image

from service.errors import TooManyPixels, TruncatedImage, UndecodableImage, UnsupportedImage
from service.models.labels import Size
from service.pixels.decode import decode
from tests.pictures import encoded
from tests.unit.pixels.decode.samples import MANY, PHOTO_FORMATS, corners, png


def real_pictures() -> dict[str, bytes]:
    picture = Image.effect_mandelbrot((64, 48), (-2, -1.5, 1, 1.5), 50).convert("RGB")
    return {format_: encoded(picture, format_) for format_ in (*PHOTO_FORMATS, "GIF", "BMP")}


REAL = real_pictures()


@pytest.mark.parametrize("format_", REAL)
@pytest.mark.filterwarnings("ignore")  # Pillow warns of truncated TIFF files; the service does not stop at warnings
def test_a_picture_that_ends_too_early_is_undecodable(format_: str) -> None:
    with pytest.raises(UndecodableImage):
        decode(REAL[format_][: len(REAL[format_]) * 2 // 3], MANY)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "BMP"])
def test_a_picture_whose_pixels_end_too_early_is_called_truncated(format_: str) -> None:
    with pytest.raises(TruncatedImage):
        decode(REAL[format_][:-100], MANY)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
        b"%PDF-1.7\n",
        encoded(Image.new("RGB", (4, 4)), "ICO"),
        encoded(Image.new("RGB", (4, 4)), "PPM"),
    ],
    ids=["nothing", "text", "EPS", "SVG", "PDF", "ICO", "PPM"],
)
def test_what_is_no_photo_format_is_unsupported(content: bytes) -> None:
    with pytest.raises(UnsupportedImage):
        decode(content, MANY)


def claiming(size: Size) -> dict[str, bytes]:
    """Small files whose headers promise a large picture, and whose pixels are garbage."""
    gif, bmp = bytearray(REAL["GIF"]), bytearray(REAL["BMP"])
    gif[6:10] = struct.pack("<HH", *size)
    bmp[18:26] = struct.pack("<ii", *size)
    return {"PNG": png(size, 8, 2, b"garbage"), "GIF": bytes(gif), "BMP": bytes(bmp)}


@pytest.mark.parametrize("format_", ["PNG", "GIF", "BMP"])
def test_too_many_pixels_are_seen_on_the_header(format_: str) -> None:
    with pytest.raises(TooManyPixels, match=r"8000 x 7000 .* 50 megapixels"):
        decode(claiming(Size(8000, 7000))[format_], 50_000_000)


@pytest.mark.parametrize("format_", ["PNG", "GIF", "BMP"])
@pytest.mark.filterwarnings("ignore")  # Pillow's own warning from 89 megapixels on
@pytest.mark.parametrize("size", [Size(11_000, 11_000), Size(60_000, 60_000)])
def test_a_decompression_bomb_has_too_many_pixels(format_: str, size: Size) -> None:
    with pytest.raises(TooManyPixels):
        decode(claiming(size)[format_], 50_000_000)


def test_exactly_as_many_pixels_as_allowed_are_read() -> None:
    assert decode(encoded(corners()), 96 * 64).size == Size(96, 64)
    with pytest.raises(TooManyPixels):
        decode(encoded(corners()), 96 * 64 - 1)
