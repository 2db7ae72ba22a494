"""Which page of a TIFF is the picture, and which TIFFs are refused, and how."""

import io

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from service.errors import TruncatedImage, UndecodableImage, UnsupportedImage
from service.models.labels import Size
from service.pixels.decode import decode
from tests.pictures import encoded
from tests.unit.pixels.decode.samples import (
    BITS,
    DEFLATE,
    MANY,
    MIN_IS_BLACK,
    OLD_SUBFILE_TYPE,
    ORIENTATION,
    PHOTOMETRIC,
    SUBFILE_TYPE,
    TIFF_RGB,
    Entry,
    corners,
    page,
    page_of,
    shows_corners,
    tiff,
)

# --- pages ------------------------------------------------------------------------------------------------------------


SMALL = np.asarray(corners().resize((12, 8)))


@pytest.mark.parametrize("mark", [Entry(SUBFILE_TYPE, 4, (1,)), Entry(OLD_SUBFILE_TYPE, 3, (2,))])
def test_a_page_that_says_it_is_a_smaller_copy_is_passed_over(mark: Entry) -> None:
    content = tiff(page_of(SMALL, TIFF_RGB, mark), page_of(np.asarray(corners()), TIFF_RGB))
    photo = decode(content, MANY)
    assert shows_corners(photo, tolerance=0)
    assert photo.frames == 1


def test_of_several_whole_pages_the_first_is_taken_and_all_are_counted() -> None:
    other = page_of(np.asarray(corners().rotate(180)), TIFF_RGB)
    photo = decode(tiff(page_of(np.asarray(corners()), TIFF_RGB), other, other), MANY)
    assert shows_corners(photo, tolerance=0)
    assert photo.frames == 3


def test_a_page_that_calls_itself_small_is_taken_where_there_is_no_other() -> None:
    content = tiff(page_of(np.asarray(corners()), TIFF_RGB, Entry(SUBFILE_TYPE, 4, (1,))))
    assert shows_corners(decode(content, MANY), tolerance=0)


def test_a_compressed_second_page_is_read_without_the_first() -> None:
    """By Pillow, which is told to begin there."""
    jpeg = encoded(corners(), "TIFF", compression="jpeg", quality=95)
    first = encoded(Image.new("RGB", (8, 8)), "TIFF", tiffinfo={SUBFILE_TYPE: 1})
    frames = [Image.open(io.BytesIO(each)) for each in (first, jpeg)]
    out = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(out) as writer:
        for frame, each in zip(frames, (first, jpeg), strict=True):
            writer.write(each)
            writer.newFrame()
            frame.close()
    assert shows_corners(decode(out.getvalue(), MANY), tolerance=12)


def test_pages_that_point_in_a_circle_are_counted_once() -> None:
    content = bytearray(tiff(page_of(np.asarray(corners()), TIFF_RGB)))
    content[-4:] = content[4:8]
    assert decode(bytes(content), MANY).frames == 1


# --- what is refused --------------------------------------------------------------------------------------------------


CFA = 32803


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ((Entry(50706, 1, (1, 6, 0, 0)),), "DNG"),
        ((Entry(271, 2, tuple(b"NIKON CORPORATION\0")), Entry(PHOTOMETRIC, 3, (CFA,))), "Nikon NEF"),
        ((Entry(271, 2, tuple(b"SONY\0")), Entry(PHOTOMETRIC, 3, (CFA,))), "Sony ARW"),
        ((Entry(PHOTOMETRIC, 3, (34892,)),), "TIFF/EP"),
    ],
)
def test_camera_raw_is_refused_by_its_name(more: tuple[Entry, ...], name: str) -> None:
    whole = page_of(SMALL[..., 0], MIN_IS_BLACK)
    kept = tuple(each for each in whole.entries if each.tag not in {entry.tag for entry in more})
    with pytest.raises(UnsupportedImage, match=rf"camera raw \({name}\)"):
        decode(tiff(whole._replace(entries=(*kept, *more))), MANY)


def test_a_scan_by_a_camera_maker_is_no_camera_raw() -> None:
    maker = Entry(271, 2, tuple(b"Nikon\0"))
    assert shows_corners(decode(tiff(page_of(np.asarray(corners()), TIFF_RGB, maker)), MANY), tolerance=0)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (Entry(339, 3, (6,)), "complex"),
        (Entry(339, 3, (1, 3, 1)), "not all alike"),
        (Entry(BITS, 3, (8, 16, 8)), "not all alike"),
        (Entry(PHOTOMETRIC, 3, (32845,)), "LogLuv"),
        (Entry(259, 3, (34712,)), "JPEG 2000"),
    ],
)
def test_a_tiff_that_is_not_read_is_still_called_a_tiff(changed: Entry, said: str) -> None:
    whole = page_of(np.asarray(corners()), TIFF_RGB)
    kept = tuple(each for each in whole.entries if each.tag != changed.tag)
    with pytest.raises(UnsupportedImage, match=f"a TIFF .*{said}"):
        decode(tiff(whole._replace(entries=(*kept, changed))), MANY)


def test_missing_strips_are_called_truncated() -> None:
    pixels = np.asarray(corners()).astype("u2") * 257
    with pytest.raises(TruncatedImage, match="TIFF"):
        decode(tiff(page_of(pixels, TIFF_RGB)._replace(strips=(pixels.tobytes()[:-700],))), MANY)


def test_libtiff_does_not_write_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    damaged = page(b"\x78\x9cno deflate at all" * 9, Size(96, 64), 16, 3, TIFF_RGB, compression=DEFLATE)
    with pytest.raises(UndecodableImage):
        decode(tiff(damaged), MANY)
    jpeg = bytearray(encoded(corners(), "TIFF", compression="jpeg"))
    start = jpeg.rindex(b"\xff\xd8")
    jpeg[start : start + 40] = bytes(40)
    with pytest.raises(UndecodableImage):
        decode(bytes(jpeg), MANY)
    assert capfd.readouterr().err == ""


def test_the_turn_of_a_page_is_made_once() -> None:
    stored = np.ascontiguousarray(np.asarray(corners()).swapaxes(0, 1)[::-1])
    assert shows_corners(decode(tiff(page_of(stored, TIFF_RGB, Entry(ORIENTATION, 3, (6,)))), MANY), tolerance=0)
