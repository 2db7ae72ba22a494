"""What is not pixels never costs the picture, and never decides more than it should."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, features

from service.errors import UndecodableImage
from service.models.labels import Size
from service.pixels.decode import decode
from tests.pictures import encoded
from tests.unit.pixels.decode.samples import (
    MANY,
    RGB,
    SRGB_PROFILE,
    corners,
    metadata,
    png,
    png_chunk,
    png_of,
    shows_corners,
    with_chunk,
)

PNG = encoded(corners())
LONG_TEXT = bytes(range(256)) * 6000
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)

needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(LONG_TEXT)),
        (b"zTXt", b"workflow\0\0" + zlib.compress(LONG_TEXT)),
        (b"tEXt", b"workflow\0" + LONG_TEXT),
        (b"iTXt", b"no end of the keyword"),
        (b"zTXt", b"a\0\0not deflate"),
        (b"iCCP", b"icc\0\0" + zlib.compress(SRGB_PROFILE + bytes(1_500_000))),
        (b"iCCP", b"icc\0\0" + zlib.compress(bytes(50_000_000))),
        (b"iCCP", b"icc\0\0not deflate"),
        (b"iCCP", b"icc"),
        (b"eXIf", b"junkjunkjunk"),
        (b"eXIf", b"II*\0\xff\xff\xff\xff"),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 20\nzz not hex\n")),
        (b"pHYs", b"short"),
        (b"gAMA", b""),
        (b"cHRM", bytes(32)),
        (b"cICP", b"\1"),
        (b"tIME", b""),
        (b"acTL", b"1"),
        (b"vpAg", b"of a program of one's own"),
    ],
)
def test_an_ancillary_chunk_of_a_png_costs_it_nothing(kind: bytes, content: bytes) -> None:
    assert shows_corners(decode(with_chunk(PNG, kind, content), MANY), tolerance=0)


@pytest.mark.parametrize("kind", [b"pHYs", b"tEXt", b"gAMA", b"iCCP", b"eXIf", b"tRNS", b"cICP"])
def test_an_ancillary_chunk_with_a_wrong_checksum_is_passed_over(kind: bytes) -> None:
    content = with_chunk(PNG, kind, bytes(range(9)))
    end = content.index(kind) + 4 + 9
    damaged = content[:end] + bytes([content[end] ^ 255]) + content[end + 1 :]
    assert shows_corners(decode(damaged, MANY), tolerance=0)


def test_a_wrong_checksum_of_the_header_is_a_damaged_picture() -> None:
    damaged = PNG[:29] + bytes([PNG[29] ^ 255]) + PNG[30:]
    with pytest.raises(UndecodableImage, match="IHDR"):
        decode(damaged, MANY)


def test_a_png_that_lacks_its_last_chunk_is_whole() -> None:
    assert shows_corners(decode(PNG[:-12], MANY), tolerance=0)


def test_pixels_in_many_small_chunks_are_one_stream() -> None:
    stream = zlib.compress(b"".join(b"\0" + row.tobytes() for row in np.asarray(corners())))
    parts = [png_chunk(b"IDAT", stream[at : at + 7]) for at in range(0, len(stream), 7)]
    whole = png(Size(96, 64), 8, RGB, b"")
    start = whole.index(b"IDAT") - 4
    assert shows_corners(decode(whole[:start] + b"".join(parts) + png_chunk(b"IEND", b""), MANY), tolerance=0)


@pytest.mark.parametrize("format_", ["WEBP", "JPEG", "TIFF"])
def test_unreadable_exif_means_upright(format_: str) -> None:
    content = encoded(corners(), format_, exif=metadata(orientation=6))
    place = (
        content.index(b"II*\0" if b"II*\0" in content[8:] else b"MM\0*", 8 if format_ == "TIFF" else 0)
        if (format_ != "TIFF")
        else -1
    )
    damaged = content[:place] + b"junk" + content[place + 4 :] if place >= 0 else content
    assert decode(damaged, MANY).size == (Size(96, 64) if place >= 0 else Size(64, 96))


@needs_avif
def test_unreadable_exif_in_an_avif_costs_it_nothing() -> None:
    exif = metadata()
    content = encoded(corners(), "AVIF", quality=95, exif=exif)
    tiff = exif.tobytes().removeprefix(b"Exif\0\0")
    assert tiff in content
    assert shows_corners(decode(content.replace(tiff, b"junk" + tiff[4:]), MANY), tolerance=12)


def app1(content: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def test_what_xmp_says_of_the_orientation_is_not_asked() -> None:
    jpeg = encoded(corners(), "JPEG", quality=95)
    with_xmp = jpeg[:2] + app1(b"http://ns.adobe.com/xap/1.0/\0" + XMP) + jpeg[2:]
    in_webp = encoded(corners(), "WEBP", xmp=XMP, quality=95)
    in_png = with_chunk(PNG, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
    in_tiff = encoded(corners(), "TIFF", tiffinfo={700: XMP}, compression="jpeg", quality=95)
    for content in (with_xmp, in_webp, in_png, in_tiff):
        assert shows_corners(decode(content, MANY), tolerance=30)


def test_exif_that_imagemagick_kept_as_text_turns_the_picture() -> None:
    exif = metadata(orientation=6).tobytes()
    text = b"\nexif\n%8d\n" % len(exif) + exif.hex().encode()
    content = with_chunk(PNG, b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))
    assert decode(content, MANY).size == Size(64, 96)


@pytest.mark.parametrize(
    "segment",
    [
        b"\xff\xe2\x00\x10MPF\0MM\0*\xff\xff\xff\xff\0\0",
        b"\xff\xed\x00\x30Photoshop 3.0\x008BIM\x03\xed\xff" + bytes(27),
        b"\xff\xe1\x00\x10Exif\0\0junkjunk",
        b"\xff\xe2\x00\x20ICC_PROFILE\0\x05\x01" + bytes(16),
        b"\xff\xe2\x00\x0eICC_PROFILE\0",
        b"\xff\xfe\x00\x02",
        b"\xff\xff\xff\xff",
    ],
)
def test_a_damaged_segment_of_a_jpeg_costs_it_nothing(segment: bytes) -> None:
    jpeg = encoded(corners(), "JPEG", quality=95)
    assert shows_corners(decode(jpeg[:2] + segment + jpeg[2:], MANY), tolerance=30)


def test_an_endless_number_of_scans_is_no_picture() -> None:
    jpeg = encoded(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
    start = jpeg.rindex(b"\xff\xda")
    with pytest.raises(UndecodableImage, match="scans"):
        decode(jpeg[:-2] + jpeg[start:-2] * 400 + jpeg[-2:], MANY)


def test_metadata_of_16_bits_and_of_8_read_alike() -> None:
    levels = np.asarray(corners()).astype(np.uint16) * 257
    content = with_chunk(png_of(levels, 16, RGB), b"eXIf", metadata(orientation=3).tobytes().removeprefix(b"Exif\0\0"))
    assert shows_corners(decode(content, MANY), tolerance=0) is False
    assert decode(content, MANY).size == Size(96, 64)
