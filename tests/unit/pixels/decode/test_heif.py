"""HEIC as phones send it. The files were made by `heic/make_heic.py`, all of the picture `corners`."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from service.errors import TooManyPixels, TruncatedImage, UndecodableImage, UnsupportedImage
from service.models.labels import Size
from service.pixels.decode import count_pixels, decode
from service.pixels.decode.heif.process import HeifProcess, NoAnswer, end_spare_process
from tests.unit.pixels.decode.samples import MANY, STORED_AS, alpha_of, colours_of, corners, heic, shows_corners


@pytest.mark.parametrize("name", ["rgb", "rgb10"])
def test_a_heic_of_8_or_10_bits_is_read(name: str) -> None:
    photo = decode(heic(name), MANY)
    assert shows_corners(photo, tolerance=4)
    assert photo.alpha is None


@pytest.mark.parametrize("name", ["grey", "grey10", "grey12"])
def test_grey_of_any_depth_is_grey_and_not_white(name: str) -> None:
    expected = np.asarray(corners().convert("L").convert("RGB"), np.int16)
    assert np.abs(colours_of(decode(heic(name), MANY)) - expected).mean() < 2


@pytest.mark.parametrize("orientation", STORED_AS)
def test_a_heic_is_turned_once(orientation: int) -> None:
    assert shows_corners(decode(heic(f"orientation{orientation}"), MANY), tolerance=4)


@pytest.mark.parametrize("name", ["rgba", "rgba10", "premultiplied"])
def test_alpha_is_kept_and_colours_are_not_multiplied_by_it(name: str) -> None:
    photo = decode(heic(name), MANY)
    alpha = alpha_of(photo).astype(int)
    assert np.abs([alpha[16, 24], alpha[16, 72] - 128, alpha[48, 24] - 255]).max() <= 2
    visible = colours_of(photo) - np.asarray(corners(), np.int16)
    assert np.abs(visible[[16, 48, 48], [72, 24, 72]]).max() <= 6


@pytest.mark.parametrize("name", ["p3", "pq", "hlg"])
def test_wide_and_hdr_colours_become_those_of_srgb(name: str) -> None:
    """Light of the reference white, 203 cd/m2, is white."""
    assert shows_corners(decode(heic(name), MANY), tolerance=6)


def test_of_a_burst_the_primary_picture_is_taken_and_all_are_counted() -> None:
    photo = decode(heic("burst"), MANY)
    assert shows_corners(photo, tolerance=4)
    assert photo.frames == 3


def test_too_many_pixels_are_seen_on_the_header() -> None:
    with pytest.raises(TooManyPixels, match="96 x 64"):
        decode(heic("rgb"), 96 * 64 - 1)


def test_a_heic_takes_more_of_the_budget_than_its_pixels() -> None:
    assert count_pixels(heic("rgb"), MANY) >= 2 * 96 * 64


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_heic_that_is_cut_off_is_called_truncated(kept: float) -> None:
    content = heic("rgba")
    with pytest.raises(TruncatedImage, match="HEIC"):
        decode(content[: int(len(content) * kept)], MANY)


def test_damaged_pixels_are_undecodable() -> None:
    content = heic("rgb")
    start = content.index(b"mdat") + 4
    damaged = content[:start] + bytes(len(content) - start)
    with pytest.raises(UndecodableImage):
        decode(damaged, MANY)


def test_a_heif_of_another_codec_is_refused_by_its_name() -> None:
    with pytest.raises(UnsupportedImage, match="whose pictures are JPEG"):
        decode(heic("rgb").replace(b"hvc1\0", b"jpeg\0"), MANY)


def test_a_decoder_that_is_silent_is_killed() -> None:
    process = HeifProcess(timeout_s=0.3)
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(NoAnswer):
        process.ask(heic("rgb"), deep=False, max_bytes=MANY)
    process.end()


def test_a_decoder_that_was_killed_while_it_waited_is_replaced() -> None:
    decode(heic("rgb"), MANY)
    end_spare_process()
    assert shows_corners(decode(heic("rgb"), MANY), tolerance=4)


def test_pictures_are_decoded_side_by_side() -> None:
    with ThreadPoolExecutor(4) as threads:
        photos = list(threads.map(lambda name: decode(heic(name), MANY), ["rgb", "rgb10", "orientation6", "p3"] * 5))
    assert all(shows_corners(photo, tolerance=6) for photo in photos)


def test_reading_heic_changes_nothing_for_others_who_use_pillow() -> None:
    before = dict(Image.registered_extensions())  # a library of another test may have added HEIF to them
    decode(heic("rgb"), MANY)
    assert Image.registered_extensions() == before
    assert decode(heic("orientation6"), MANY).size == Size(96, 64)
