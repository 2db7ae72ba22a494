"""What is refused is called by its name."""

import pytest
from PIL import Image

from service.errors import TooManyPixels, UndecodableImage, UnsupportedImage
from service.models.labels import Size
from service.pixels.decode import READ_FORMATS, READ_SUFFIXES, count_pixels, decode
from tests.pictures import encoded
from tests.unit.pixels.decode.samples import MANY, png


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "an empty file"),
        (b"\xff\x0a\x00\x10", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"FUJIFILMCCD-RAW 0201", r"camera raw \(Fujifilm RAF\)"),
        (b"IIRO\x08\0\0\0", r"camera raw \(Olympus ORF\)"),
        (b"IIU\0\x18\0\0\0", r"camera raw \(Panasonic RW2\)"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(20), r"camera raw \(Canon CR2\)"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", r"camera raw \(Canon CR3\)"),
        (b"\0\0\0\x18ftypqt  \0\0\0\0qt  ", "a video"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "a video"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a video"),
        (b"\x1a\x45\xdf\xa3" + bytes(20), "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"%PDF-1.7\n", "a PDF"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<!DOCTYPE html><html><body>404", "a web page"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (encoded(Image.new("RGB", (4, 4)), "ICO"), "an icon"),
        (encoded(Image.new("RGB", (4, 4)), "TGA"), "Targa"),
        (encoded(Image.new("RGB", (4, 4)), "TGA", compression="tga_rle"), "Targa"),
        (b"\0\0\2\0\1\0\x20\x20" + bytes(14), "a cursor"),
        (encoded(Image.new("RGB", (4, 4)), "PPM"), "Netpbm"),
        (b"data:image/png;base64,iVBORw0KGgo", "a data URL"),
        (b"iVBORw0KGgoAAAANSUhEUg", "base64"),
        (b"PK\3\4" + bytes(20), "a ZIP archive"),
    ],
)
def test_what_is_not_read_is_refused_by_its_name(content: bytes, name: str) -> None:
    with pytest.raises(UnsupportedImage, match=name) as refusal:
        decode(content, MANY)
    assert "; send " in refusal.value.detail


@pytest.mark.parametrize("content", [b"hello", b"BMW is a maker of cars", b"\0" * 64, b"RIFF\0\0\0\0"])
def test_what_has_no_name_is_refused_with_what_is_read(content: bytes) -> None:
    with pytest.raises(UnsupportedImage, match="none of JPEG, PNG"):
        decode(content, MANY)


def test_the_suffixes_are_those_of_what_is_read() -> None:
    assert {
        ".jpg",
        ".jpeg",
        ".jfif",
        ".jpe",
        ".mpo",
        ".png",
        ".heic",
        ".heif",
        ".hif",
        ".tif",
        ".webp",
    } <= READ_SUFFIXES
    assert not READ_SUFFIXES & {".jxl", ".dng", ".pdf", ".svg", ".mp4"}
    assert {"JPEG", "HEIC", "TIFF"} <= set(READ_FORMATS)


def test_a_phones_50_megapixels_are_read_up_to_the_limit_that_is_set() -> None:
    """By the header; 8160 x 6144 is what phones of 2026 take."""
    content = png(Size(8160, 6144), 8, 2, b"no pixels")
    with pytest.raises(TooManyPixels, match="50 megapixels"):
        count_pixels(content, 50_000_000)
    assert count_pixels(content, 64_000_000) == 8160 * 6144
    with pytest.raises(UndecodableImage):
        decode(content, 64_000_000)


@pytest.mark.parametrize(("format_", "frames"), [("GIF", 3), ("WEBP", 3), ("PNG", 3), ("TIFF", 3), ("JPEG", 1)])
def test_frames_are_counted(format_: str, frames: int) -> None:
    pictures = [Image.new("RGB", (16, 16), color) for color in ("red", "green", "blue")]
    options = {} if format_ == "JPEG" else {"save_all": True, "append_images": pictures[1:]}
    photo = decode(encoded(pictures[0], format_, **options), MANY)
    assert photo.frames == frames
