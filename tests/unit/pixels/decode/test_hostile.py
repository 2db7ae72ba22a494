"""Files that are damaged, or that mean ill: nothing comes of them but a photo or a refusal, and that soon."""

import random
import struct
import zlib
from collections.abc import Callable
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.reliability.damage import damaged
from benchmarks.reliability.fuzz_decode import corpus, verdict
from service.errors import BadInput, UndecodableImage, UnsupportedImage
from service.models.labels import Size
from service.pixels.decode import decode
from tests.pictures import encoded
from tests.unit.pixels.decode.samples import (
    BITS,
    COMPRESSION,
    HEIGHT,
    MANY,
    MIN_IS_BLACK,
    ROWS,
    SRGB_PROFILE,
    WIDTH,
    Entry,
    Page,
    corners,
    page,
    png_chunk,
    tiff,
)

PICTURES = {name: content for name, content in corpus().items() if not name.startswith("heic")}
"""A HEIC takes a process of its own; `benchmarks.reliability.fuzz_decode` damages those, too."""


@pytest.mark.filterwarnings("ignore")  # Pillow warns of much that is damaged
@pytest.mark.parametrize("seed", range(4))
def test_damaged_pictures_are_photos_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    names = list(PICTURES)
    verdicts = {verdict(damaged(PICTURES[chance.choice(names)], chance, list(PICTURES.values()))) for _ in range(500)}
    assert {"photo", "undecodable_image", "truncated_image", "unsupported_image"} <= verdicts


@pytest.mark.filterwarnings("ignore")
@given(start=st.sampled_from([b"", *(content[:24] for content in PICTURES.values())]), rest=st.binary(max_size=200))
def test_random_bytes_are_photos_or_refused(start: bytes, rest: bytes) -> None:
    verdict(start + rest)


@pytest.mark.filterwarnings("ignore")
@given(st.binary(max_size=120))
def test_random_exif_costs_no_picture(exif: bytes) -> None:
    assert verdict(encoded(Image.new("RGB", (8, 8)), "JPEG", exif=b"Exif\0\0" + exif)) == "photo"


# --- files whose cost would grow faster than they do ------------------------------------------------------------------


def gif_with_a_long_comment() -> bytes:
    """Pillow takes 25 times as long for 5 times the length."""
    gif = encoded(corners(), "GIF")
    start = gif.index(b"\x2c\0\0\0\0")
    return gif[:start] + b"\x21\xfe" + (b"\xff" + b"a" * 255) * 60_000 + b"\0" + gif[start:]


def gif_of_a_million_frames() -> bytes:
    frame = b"\x2c" + struct.pack("<HHHH", 0, 0, 1, 1) + b"\0\2\2\x44\1\0"
    return encoded(corners(), "GIF")[:-1] + frame * 1_100_000


def png_of_a_million_chunks() -> bytes:
    png = encoded(corners())
    return png[:33] + png_chunk(b"tEXt", b"") * 1_000_000 + png[33:]


def jpeg_of_many_scans() -> bytes:
    jpeg = encoded(Image.new("RGB", (2000, 2000)), "JPEG", progressive=True)
    start = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[start:-2] * 2000 + jpeg[-2:]


def jpeg_of_many_segments() -> bytes:
    jpeg = encoded(corners(), "JPEG")
    return jpeg[:2] + b"\xff\xe5\0\2" * 2_000_000 + jpeg[2:]


def bmp_of_single_pixel_runs() -> bytes:
    """Pillow undoes run lengths in Python."""
    width, height = 4000, 1500
    runs = (b"\1\5" * width + b"\0\0") * height + b"\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    start = 14 + len(header) + 1024
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + bytes(1024) + runs


def tiff_of_strips(number: int) -> bytes:
    """All of them the same few bytes."""
    common = page(b"", Size(1, number), 8, 1, MIN_IS_BLACK).entries
    kept = tuple(entry for entry in common if entry.tag not in (ROWS, COMPRESSION))
    strips = Page((), (*kept, Entry(ROWS, 4, (1,)), Entry(COMPRESSION, 3, (5,))), 65000, 65001)
    places = Entry(273, 4, (8,) * number), Entry(279, 4, (40,) * number)
    return tiff(strips._replace(entries=(*strips.entries, *places)))


def tiff_of_one_huge_strip() -> bytes:
    entries = (Entry(WIDTH, 4, (3000,)), Entry(HEIGHT, 4, (3000,)), Entry(BITS, 3, (64,)), Entry(277, 3, (60_000,)))
    return tiff(Page((b"",), entries))


def profile_of_many_steps() -> bytes:
    """Twenty thousand matrices, one after the other, which are all the same bytes of it."""
    matrix = b"matf" + bytes(4) + struct.pack(">HH12f", 3, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    steps = 20_000
    chain = b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, steps)
    chain += struct.pack(">II", 16 + 8 * steps, len(matrix)) * steps + matrix
    count = int.from_bytes(SRGB_PROFILE[128:132], "big")
    table, content = SRGB_PROFILE[132 : 132 + 12 * count], SRGB_PROFILE[132 + 12 * count :]
    moved = b"".join(
        name + struct.pack(">II", place + 12, size) for name, place, size in struct.iter_unpack(">4sII", table)
    )
    start = 132 + 12 * (count + 1) + len(content)
    entry = b"D2B0" + struct.pack(">II", start + -start % 4, len(chain))
    body = struct.pack(">I", count + 1) + moved + entry + content + bytes(-start % 4) + chain
    return struct.pack(">I", 128 + len(body)) + SRGB_PROFILE[4:8] + b"\4\x30\0\0" + SRGB_PROFILE[12:128] + body


def png_with_a_profile_of_many_steps() -> bytes:
    return encoded(corners(), icc_profile=profile_of_many_steps())


def png_whose_profile_inflates_a_thousandfold() -> bytes:
    png = encoded(corners())
    return png[:33] + png_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(300_000_000))) + png[33:]


HOSTILE: list[Callable[[], bytes]] = [
    gif_with_a_long_comment,
    gif_of_a_million_frames,
    png_of_a_million_chunks,
    png_with_a_profile_of_many_steps,
    png_whose_profile_inflates_a_thousandfold,
    jpeg_of_many_scans,
    jpeg_of_many_segments,
    bmp_of_single_pixel_runs,
    lambda: tiff_of_strips(200_000),
    lambda: tiff_of_strips(2_000_000),
    tiff_of_one_huge_strip,
]


@pytest.mark.parametrize("make", HOSTILE)
def test_no_file_costs_much_more_than_its_size(make: Callable[[], bytes]) -> None:
    content = make()
    started = thread_time()
    try:
        decode(content, MANY)
    except BadInput as refusal:
        assert isinstance(refusal, UndecodableImage | UnsupportedImage)  # noqa: PT017 - either way is right
    assert thread_time() - started < 6.0
