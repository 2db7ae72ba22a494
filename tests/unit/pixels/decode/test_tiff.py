"""TIFFs of all types, layouts and codings show the picture that was written."""

import io
import math
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from service.models.labels import Size
from service.pixels.decode import decode
from tests.pictures import encoded
from tests.unit.pixels.decode.samples import (
    BITS,
    DEFLATE,
    EXTRA_SAMPLES,
    HEIGHT,
    LZW,
    MANY,
    MIN_IS_BLACK,
    MIN_IS_WHITE,
    PHOTOMETRIC,
    PREDICTOR,
    ROWS,
    SAMPLE_MAX,
    SAMPLE_MIN,
    SAMPLES,
    TIFF_CMYK,
    TIFF_PALETTE,
    TIFF_RGB,
    WIDTH,
    Entry,
    Page,
    alpha_of,
    colours_of,
    corners,
    page,
    page_of,
    shows_corners,
    tiff,
)

RAMP = np.linspace(0, 1, 97).reshape(1, 97).repeat(5, axis=0)
"""From black to white; of an odd width, so that rows of odd bits end within a byte."""

SHOWN = np.rint(RAMP * 255)


def shows_ramp(content: bytes, tolerance: float) -> bool:
    return bool(np.abs(colours_of(decode(content, MANY))[..., 0] - SHOWN).max() <= tolerance)


def ramp_of(type_: str) -> NDArray[Any]:
    """The ramp over the whole range of a type, that of floats being 0 to 1."""
    kind = np.dtype(type_)
    if kind.kind == "f":
        return RAMP.astype(kind)
    span = np.iinfo(kind)
    return np.rint(RAMP * (float(span.max) - float(span.min)) + float(span.min)).clip(span.min, span.max).astype(kind)


def packed(levels: NDArray[Any], bits: int) -> bytes:
    """Rows of samples of `bits` bits, the high one first, each row in whole bytes."""
    each = (levels[..., np.newaxis].astype(np.uint64) >> np.arange(bits - 1, -1, -1, dtype=np.uint64)) & 1
    return np.packbits(each.reshape(len(levels), -1).astype(np.uint8), axis=1).tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("type_", ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"])
def test_grey_of_whole_bytes_is_scaled_by_its_type(type_: str, order: str) -> None:
    assert shows_ramp(tiff(page_of(ramp_of(type_), MIN_IS_BLACK, order=order), order=order), tolerance=1)


@pytest.mark.parametrize("bits", [*range(1, 17), 20, 24, 32])
def test_grey_of_any_number_of_bits_is_scaled_by_it(bits: int) -> None:
    levels = np.rint(RAMP * ((1 << bits) - 1)).astype(np.uint64)
    content = tiff(page(packed(levels, bits), Size(97, 5), bits, 1, MIN_IS_BLACK), order=">")
    step = 255 / ((1 << bits) - 1)
    assert shows_ramp(content if bits != 32 else tiff(page_of(ramp_of("u4"), 1)), tolerance=step / 2 + 1)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16, 32])
def test_where_the_least_is_white_no_depth_comes_out_as_a_negative(bits: int) -> None:
    levels = np.rint((1 - RAMP) * ((1 << bits) - 1)).astype(np.uint64)
    content = tiff(page(packed(levels, bits), Size(97, 5), bits, 1, MIN_IS_WHITE), order=">")
    assert shows_ramp(content, tolerance=255 / ((1 << bits) - 1) / 2 + 1)


def test_floats_where_the_least_is_white_are_no_negative_either() -> None:
    assert shows_ramp(tiff(page_of((1 - RAMP).astype("f4"), MIN_IS_WHITE)), tolerance=1)


@pytest.mark.parametrize("white", [255.0, 65535.0, 12.5])
def test_floats_that_count_otherwise_are_scaled_by_what_they_reach(white: float) -> None:
    assert shows_ramp(tiff(page_of((RAMP * white).astype("f4"), MIN_IS_BLACK)), tolerance=1)


def test_highlights_above_white_do_not_darken_the_picture() -> None:
    bright = RAMP.astype("f4")
    bright[0, 0] = 40.0
    shown = colours_of(decode(tiff(page_of(bright, MIN_IS_BLACK)), MANY))[..., 0]
    assert shown[0, 0] == 255
    assert np.abs(shown[1:] - SHOWN[1:]).max() <= 1


@pytest.mark.parametrize("hole", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_harms_nothing_else(hole: float) -> None:
    values = RAMP.astype("f4")
    values[0, 50] = hole
    shown = colours_of(decode(tiff(page_of(values, MIN_IS_BLACK)), MANY))[..., 0]
    assert np.abs(shown[1:] - SHOWN[1:]).max() <= 1


def test_the_range_that_a_file_names_is_black_and_white() -> None:
    ends = Entry(SAMPLE_MIN, 12, (-40.0,)), Entry(SAMPLE_MAX, 12, (60.0,))
    assert shows_ramp(tiff(page_of((RAMP * 100 - 40).astype("f4"), MIN_IS_BLACK, *ends)), tolerance=1)


def test_signed_numbers_that_are_never_negative_use_half_of_their_range() -> None:
    assert shows_ramp(tiff(page_of(np.rint(RAMP * 32767).astype("i2"), MIN_IS_BLACK)), tolerance=1)


@pytest.mark.parametrize("type_", ["u1", "u2", "u4", "f2", "f4"])
@pytest.mark.parametrize("planes", [False, True])
def test_colours_of_every_type_are_the_picture(type_: str, planes: bool) -> None:
    kind = np.dtype(type_)
    most = 1.0 if kind.kind == "f" else float(np.iinfo(kind).max)
    pixels = (np.asarray(corners()) / 255 * most).astype(kind)
    content = tiff(page_of(pixels, TIFF_RGB))
    if planes:
        whole = page_of(pixels, TIFF_RGB, Entry(284, 3, (2,)))
        content = tiff(whole._replace(strips=tuple(pixels[..., band].tobytes() for band in range(3))))
    assert shows_corners(decode(content, MANY), tolerance=1)


def test_12_bit_colours_are_the_picture() -> None:
    levels = np.rint(np.asarray(corners()).reshape(64, -1) / 255 * 4095).astype(np.uint64)
    assert shows_corners(decode(tiff(page(packed(levels, 12), Size(96, 64), 12, 3, TIFF_RGB)), MANY), tolerance=1)


def test_a_big_tiff_is_read() -> None:
    assert shows_corners(decode(tiff(page_of(np.asarray(corners()), TIFF_RGB), big=True), MANY), tolerance=0)


def test_tiles_are_put_in_their_places() -> None:
    pixels = np.pad(np.asarray(corners()).astype("u2") * 257, ((0, 16), (0, 16), (0, 0)))
    tiles = [pixels[y : y + 40, x : x + 56].astype("<u2").tobytes() for y in (0, 40) for x in (0, 56)]
    entries = (
        Entry(WIDTH, 4, (96,)),
        Entry(HEIGHT, 4, (64,)),
        Entry(BITS, 3, (16, 16, 16)),
        Entry(PHOTOMETRIC, 3, (TIFF_RGB,)),
        Entry(SAMPLES, 3, (3,)),
        Entry(322, 4, (56,)),
        Entry(323, 4, (40,)),
    )
    assert shows_corners(decode(tiff(Page(tuple(tiles), entries, 324, 325)), MANY), tolerance=0)


def test_many_strips_the_last_of_which_is_short_are_one_picture() -> None:
    pixels = np.asarray(corners()).astype("u2") * 257
    whole = page_of(pixels, TIFF_RGB)
    strips = tuple(zlib.compress(pixels[top : top + 10].astype("<u2").tobytes()) for top in range(0, 64, 10))
    entries = tuple(each for each in whole.entries if each.tag not in (ROWS, 259))
    content = tiff(Page(strips, (*entries, Entry(ROWS, 4, (10,)), Entry(259, 3, (DEFLATE,)))))
    assert shows_corners(decode(content, MANY), tolerance=0)


def lzw(rows: NDArray[np.uint8]) -> bytes:
    """Rows of bytes in libtiff's LZW: the only strip of a picture that Pillow saved."""
    content = encoded(Image.fromarray(rows), "TIFF", compression="tiff_lzw", tiffinfo={ROWS: len(rows)})
    with TiffImagePlugin.TiffImageFile(io.BytesIO(content)) as image:
        (start,), (length,) = image.tag_v2[273], image.tag_v2[279]
    return content[start : start + length]


@pytest.mark.parametrize("compression", [LZW, DEFLATE])
@pytest.mark.parametrize("type_", ["u1", "u2", "u4"])
def test_differences_between_neighbours_are_added_up_again(type_: str, compression: int) -> None:
    most = np.iinfo(type_).max
    pixels = np.asarray(corners()).astype(type_) * (most // 255)
    steps = np.diff(pixels, axis=1, prepend=np.zeros((64, 1, 3), type_)).astype(type_)
    rows = np.ascontiguousarray(steps).view(np.uint8).reshape(64, -1)
    stored = lzw(rows) if compression == LZW else zlib.compress(rows.tobytes())
    content = page(stored, Size(96, 64), np.dtype(type_).itemsize * 8, 3, TIFF_RGB, compression=compression)
    predicted = tiff(content._replace(entries=(*content.entries, Entry(PREDICTOR, 3, (2,)))))
    assert shows_corners(decode(predicted, MANY), tolerance=1)


def test_bytes_of_floats_that_were_pulled_apart_are_put_together_again() -> None:
    """Source: Adobe Photoshop TIFF Technical Note 3."""
    values = np.ascontiguousarray(RAMP.astype(">f4")).view(np.uint8).reshape(5, 97, 4)
    planes = values.swapaxes(1, 2).reshape(5, -1)
    steps = np.diff(planes, axis=1, prepend=np.zeros((5, 1), np.uint8)).astype(np.uint8)
    more = Entry(339, 3, (3,)), Entry(PREDICTOR, 3, (3,))
    stored = zlib.compress(steps.tobytes())
    content = tiff(page(stored, Size(97, 5), 32, 1, MIN_IS_BLACK, *more, compression=DEFLATE))
    assert shows_ramp(content, tolerance=1)


@pytest.mark.parametrize("compression", ["packbits", "group4", "jpeg", "tiff_adobe_deflate", "tiff_lzw"])
def test_what_pillow_writes_is_read(compression: str) -> None:
    if compression == "group4":
        bits = np.indices((64, 96)).sum(axis=0) // 8 % 2 == 1
        photo = decode(encoded(Image.fromarray(bits), "TIFF", compression=compression), MANY)
        assert np.array_equal(np.asarray(photo.rgb)[..., 0], bits * np.uint8(255))
    else:
        photo = decode(encoded(corners(), "TIFF", compression=compression), MANY)
        assert shows_corners(photo, tolerance=12)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_palette_has_its_colours_whether_it_counts_to_255_or_to_65535(depth: int) -> None:
    colours = np.array([[230, 30, 20], [20, 200, 40], [10, 40, 220], [240, 220, 30]])
    table = np.zeros((16, 3), int)
    table[:4] = colours * (1 if depth == 8 else 257)
    stored = packed(np.array([[0, 1, 2, 3]]), 4)
    palette = Entry(320, 3, tuple(table.T.ravel().tolist()))
    photo = decode(tiff(page(stored, Size(4, 1), 4, 1, TIFF_PALETTE, palette)), MANY)
    assert np.array_equal(colours_of(photo)[0], colours)


@pytest.mark.parametrize("type_", ["u1", "u2"])
def test_inks_become_the_colours_they_show(type_: str) -> None:
    inks = np.asarray(corners().convert("CMYK")).astype(type_) * (np.iinfo(type_).max // 255)
    assert shows_corners(decode(tiff(page_of(inks, TIFF_CMYK)), MANY), tolerance=1)


@pytest.mark.parametrize("type_", ["u1", "u2", "f4"])
@pytest.mark.parametrize("is_multiplied", [False, True])
def test_alpha_is_kept_and_colours_are_not_multiplied_by_it(type_: str, is_multiplied: bool) -> None:
    alpha = np.full((64, 96, 1), 255)
    alpha[:32, :48], alpha[:32, 48:] = 0, 128
    colours = np.asarray(corners()) * (alpha / 255 if is_multiplied else 1)
    kind = np.dtype(type_)
    most = 1.0 if kind.kind == "f" else float(np.iinfo(kind).max)
    pixels = (np.dstack([colours, alpha]) / 255 * most).astype(kind)
    photo = decode(tiff(page_of(pixels, TIFF_RGB, Entry(EXTRA_SAMPLES, 3, (1 if is_multiplied else 2,)))), MANY)
    assert np.abs(alpha_of(photo).astype(int) - alpha[..., 0]).max() <= 1
    assert np.abs(colours_of(photo)[:32, 48:] - np.asarray(corners(), int)[:32, 48:]).max() <= 2


@pytest.mark.parametrize("type_", ["u1", "u2"])
def test_a_fourth_sample_of_which_nothing_is_said_is_alpha(type_: str) -> None:
    """OpenCV writes cutouts in this way."""
    alpha = np.full((64, 96, 1), 255)
    alpha[:32, 48:] = 128
    pixels = np.dstack([np.asarray(corners()), alpha]).astype(type_) * (np.iinfo(type_).max // 255)
    photo = decode(tiff(page_of(pixels, TIFF_RGB)), MANY)
    assert np.array_equal(alpha_of(photo), alpha[..., 0])
    assert shows_corners(photo, tolerance=0)


def test_a_sample_too_many_that_is_not_alpha_is_left_out() -> None:
    pixels = np.dstack([np.asarray(corners()), np.zeros((64, 96), np.uint8)])
    photo = decode(tiff(page_of(pixels, TIFF_RGB, Entry(EXTRA_SAMPLES, 3, (0,)))), MANY)
    assert photo.alpha is None
    assert shows_corners(photo, tolerance=0)
