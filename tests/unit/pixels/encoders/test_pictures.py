"""PNG, WebP and JPEG, read back with Pillow."""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin
from skimage import data

from service.errors import NotAcceptable
from service.pixels.encoders.pictures import PICTURE_ENCODERS, jpeg, png, webp


def astronaut(mode: str = "RGB") -> Image.Image:
    image = Image.fromarray(data.astronaut()).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def reopen(encoded: bytes) -> Image.Image:
    image = Image.open(BytesIO(encoded))
    image.load()
    return image


def mean_error(encoded: bytes, image: Image.Image) -> float:
    decoded = np.asarray(reopen(encoded).convert(image.mode), np.float64)
    return float(np.abs(decoded - np.asarray(image)).mean())


def full_of_metadata() -> Image.Image:
    image = astronaut()
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    image.info = {
        "icc_profile": b"a camera's profile",
        "exif": exif.tobytes(),
        "xmp": b"where I live",
        "comment": b"where I live",
        "transparency": (0, 0, 0),
        "dpi": (300, 300),
    }
    return image


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_png_keeps_every_pixel_and_the_mode(mode: str) -> None:
    image = astronaut(mode)
    decoded = reopen(png(image))
    assert (decoded.format, decoded.mode) == ("PNG", mode)
    assert np.array_equal(np.asarray(decoded), np.asarray(image))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("name", ["webp", "jpeg"])
def test_lossy_pictures_look_like_the_original(name: str, mode: str) -> None:
    image = astronaut(mode)
    encoded = PICTURE_ENCODERS[name](image, 90, "fast")
    assert reopen(encoded).format == name.upper()
    assert reopen(encoded).size == image.size
    assert mean_error(encoded, image) < 3


def test_webp_keeps_alpha_exactly() -> None:
    image = astronaut("RGBA")
    decoded = reopen(webp(image, 50))
    assert decoded.mode == "RGBA"
    assert np.array_equal(np.asarray(decoded)[..., 3], np.asarray(image)[..., 3])


@pytest.mark.parametrize("name", ["webp", "jpeg"])
def test_more_quality_costs_bytes_and_brings_the_picture_closer(name: str) -> None:
    image = astronaut()
    low, high = (PICTURE_ENCODERS[name](image, quality, "fast") for quality in (30, 95))
    assert len(low) < len(high)
    assert mean_error(low, image) > mean_error(high, image)


@pytest.mark.parametrize(("quality", "subsampling"), [(89, "4:2:0"), (90, "4:4:4")])
def test_jpeg_keeps_full_chroma_from_quality_90(quality: int, subsampling: str) -> None:
    decoded = reopen(jpeg(astronaut(), quality))
    assert JpegImagePlugin.get_sampling(decoded) == {"4:4:4": 0, "4:2:0": 2}[subsampling]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_jpeg_refuses_alpha(mode: str) -> None:
    with pytest.raises(NotAcceptable, match="transparency"):
        jpeg(Image.new(mode, (4, 4)), 90)


@pytest.mark.parametrize(("name", "max_side_px"), [("webp", 16383), ("jpeg", 65500)])
def test_a_side_longer_than_the_format_can_hold_is_refused(name: str, max_side_px: int) -> None:
    encode = PICTURE_ENCODERS[name]
    assert reopen(encode(Image.new("L", (max_side_px, 1)), 90, "fast")).width == max_side_px
    with pytest.raises(NotAcceptable, match=str(max_side_px)):
        encode(Image.new("L", (1, max_side_px + 1)), 90, "fast")


@pytest.mark.parametrize("name", PICTURE_ENCODERS)
def test_no_metadata_is_written(name: str) -> None:
    encoded = PICTURE_ENCODERS[name](full_of_metadata(), 90, "fast")
    decoded = reopen(encoded)
    assert decoded.info.keys().isdisjoint(full_of_metadata().info)
    assert not decoded.getexif()
    assert b"where I live" not in encoded


@pytest.mark.parametrize("name", PICTURE_ENCODERS)
def test_encoding_leaves_the_image_as_it_was(name: str) -> None:
    image = full_of_metadata()
    PICTURE_ENCODERS[name](image, 90, "fast")
    assert image.info == full_of_metadata().info


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (37, 63), (64, 64), (300, 700), (90_000, 3)])
def test_fast_png_keeps_every_pixel_of_any_size(mode: str, size: tuple[int, int]) -> None:
    image = astronaut(mode).resize(size, Image.Resampling.NEAREST)
    decoded = reopen(png(image))
    assert (decoded.mode, decoded.size) == (mode, size)
    assert decoded.tobytes() == image.tobytes()


@pytest.mark.parametrize("name", PICTURE_ENCODERS)
def test_small_pictures_have_fewer_bytes_than_fast_ones(name: str) -> None:
    image = astronaut()
    fast, small = (PICTURE_ENCODERS[name](image, 90, compression) for compression in ("fast", "small"))
    assert len(small) < len(fast)
    assert mean_error(small, image) < 3


def test_fast_png_of_several_parts_keeps_every_pixel_and_its_checksum() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (1700, 1001, 4), np.uint8))
    encoded = png(image)
    assert reopen(encoded).tobytes() == image.tobytes()
    deflated = b"".join(content for kind, content in chunks(encoded) if kind == b"IDAT")
    assert len(zlib.decompress(deflated)) == 1700 * (1 + 4 * 1001)


def chunks(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each."""
    at = 8
    while at < len(encoded):
        (length,) = struct.unpack(">I", encoded[at : at + 4])
        yield encoded[at + 4 : at + 8], encoded[at + 8 : at + 8 + length]
        at += 12 + length


def test_small_png_keeps_every_pixel() -> None:
    assert reopen(png(astronaut("RGBA"), compression="small")).tobytes() == astronaut("RGBA").tobytes()
