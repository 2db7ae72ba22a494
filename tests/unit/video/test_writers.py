"""Every format gives back what was written: alpha to the level, colours within two, times to the millisecond."""

import io
import itertools
import json
import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from service.models.labels import Size
from service.pixels.webp_features import is_animation
from service.video.colours import plane_samples
from service.video.formats import Content, FormatName, Speed
from service.video.source import Facts
from service.video.writers import WRITERS, Order
from service.video.writers.vp9 import ALPHA_ID
from tests.clips import read_alpha, read_pictures, read_times_ms

SIZE = Size(256, 64)
BARS = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0), (0, 0, 255), (0, 0, 0)]


def order(path: Path, content: Content, speed: Speed = "fastest", quality: int = 100) -> Order:
    return Order(path, Facts(SIZE, Fraction(25), Fraction(1, 12800), Fraction(1), 3), content, quality, speed)


def write(order_: Order, name: FormatName, pictures: list[Image.Image], rate: int = 25) -> Path:
    writer = WRITERS[name](order_)
    for number, picture in enumerate(pictures):
        writer.write(writer.prepare(picture), Fraction(number, rate), Fraction(1, rate))
    writer.finish()
    return order_.path


def all_levels(shift: int) -> Image.Image:
    """Every level of alpha, over grey."""
    levels = np.roll(np.tile(np.arange(256, dtype=np.uint8), (SIZE.height, 1)), shift, axis=1)
    picture = Image.new("RGB", SIZE, (120, 130, 140))
    picture.putalpha(Image.fromarray(levels))
    return picture


def card(left: int) -> Image.Image:
    """Opaque, upright and without soft edges, on nothing."""
    picture = Image.new("RGBA", SIZE)
    picture.paste((200, 100, 50, 255), (left, 10, left + 40, 40))
    return picture


def bars() -> Image.Image:
    picture = Image.new("RGB", SIZE)
    for number, color in enumerate(BARS):
        picture.paste(color, (number * 32, 0, number * 32 + 32, SIZE.height))
    return picture


@pytest.mark.parametrize("speed", ["fastest", "balanced", "smallest"])
def test_webm_keeps_every_level_of_alpha_at_every_speed_and_quality(tmp_path: Path, speed: Speed) -> None:
    pictures = [all_levels(shift) for shift in range(3)]
    path = write(order(tmp_path / "film.webm", "cutout", speed, quality=20), "webm", pictures)
    for picture, alpha in zip(pictures, read_alpha(path), strict=True):
        np.testing.assert_array_equal(alpha, np.asarray(picture.getchannel("A")))


def test_colours_and_alpha_begin_anew_at_the_same_frames(tmp_path: Path) -> None:
    """Else a player that begins in the middle has one without the other."""
    path = write(order(tmp_path / "film.webm", "cutout"), "webm", [all_levels(shift) for shift in range(125)])
    with av.open(str(path)) as film:
        packets = [packet for packet in film.demux(video=0) if packet.size]
    alphas = [next(packet.iter_sidedata()) for packet in packets]
    begins = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    assert begins == [0, 120]
    assert [number for number, alpha in enumerate(alphas) if is_key(bytes(alpha)[ALPHA_ID.size :])] == begins


def is_key(coded: bytes) -> bool:
    """Of a frame of VP9 of profile 0: its bitstream's section 7.2."""
    return not coded[0] >> 2 & 1


def test_prores_keeps_every_level_of_alpha(tmp_path: Path) -> None:
    pictures = [all_levels(shift) for shift in range(3)]
    for picture, alpha in zip(
        pictures, read_alpha(write(order(tmp_path / "film.mov", "cutout"), "mov", pictures)), strict=True
    ):
        np.testing.assert_array_equal(alpha, np.asarray(picture.getchannel("A")))


def test_animated_webp_keeps_every_level_of_alpha(tmp_path: Path) -> None:
    pictures = [all_levels(shift) for shift in range(3)]
    path = write(order(tmp_path / "film.webp", "cutout"), "webp", pictures)
    with Image.open(path) as film:
        shown = [np.asarray(frame.convert("RGBA"))[..., 3] for frame in ImageSequence.Iterator(film)]
    np.testing.assert_array_equal(shown, [np.asarray(picture.getchannel("A")) for picture in pictures])


def test_what_lies_around_a_hard_edged_subject_is_clear_in_an_animated_webp(tmp_path: Path) -> None:
    """libwebp stores the part that changed alone: opaque where a screen or a card was cut out."""
    pictures = [card(left) for left in (10, 60)]
    path = write(order(tmp_path / "film.webp", "cutout"), "webp", pictures)
    with Image.open(path) as film:
        shown = [np.asarray(frame.convert("RGBA"))[..., 3] for frame in ImageSequence.Iterator(film)]
    np.testing.assert_array_equal(shown, [np.asarray(picture.getchannel("A")) for picture in pictures])


@pytest.mark.parametrize("content", ["cutout", "picture"])
@pytest.mark.parametrize("shifts", [(0,), (0, 0, 0), (0, 0, 60, 60, 60)], ids=["one frame", "standing", "moving once"])
@pytest.mark.parametrize("name", ["webp", "gif"])
def test_a_film_that_stands_still_lasts_as_long_as_any(
    tmp_path: Path, name: FormatName, shifts: tuple[int, ...], content: Content
) -> None:
    """libwebp makes one picture, without a duration, of frames that are alike."""
    frames = {shift: card(shift) if content == "cutout" else bars().rotate(shift) for shift in shifts}
    path = write(order(tmp_path / f"film.{name}", content), name, [frames[shift] for shift in shifts])
    lasting = 0
    with Image.open(path) as film:
        for frame in ImageSequence.Iterator(film):
            shown = frame.convert("RGBA" if content == "cutout" else "RGB")
            lasting += frame.info["duration"]
    assert lasting == 40 * len(shifts)
    assert np.abs(np.asarray(shown, np.int16) - np.asarray(frames[shifts[-1]], np.int16)).mean() < 4
    if name == "webp":
        assert is_animation(path.read_bytes())


def test_the_zip_has_a_png_a_frame_that_keeps_all_of_it_and_the_times(tmp_path: Path) -> None:
    pictures = [all_levels(shift) for shift in range(3)]
    with zipfile.ZipFile(write(order(tmp_path / "film.zip", "cutout"), "zip", pictures)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
        for name, picture in zip(names, pictures, strict=True):
            alpha = np.asarray(Image.open(io.BytesIO(archive.read(name))).getchannel("A"))
            np.testing.assert_array_equal(alpha, np.asarray(picture.getchannel("A")))
        times = json.loads(archive.read("times.json"))
    assert [entry["at_s"] for entry in times["frames"]] == [0.0, 0.04, 0.08]


def test_a_gif_pixel_is_there_from_the_middle_level_on(tmp_path: Path) -> None:
    path = write(order(tmp_path / "film.gif", "cutout"), "gif", [all_levels(0), all_levels(40)])
    with Image.open(path) as film:
        shown = [np.asarray(frame.convert("RGBA"))[..., 3] for frame in ImageSequence.Iterator(film)]
    for alpha, shift in zip(shown, (0, 40), strict=True):
        np.testing.assert_array_equal(alpha >= 128, np.asarray(all_levels(shift).getchannel("A")) >= 128)


@pytest.mark.parametrize("name", ["webm", "mp4"])
def test_a_matte_is_a_grey_film_with_every_level_in_it(tmp_path: Path, name: FormatName) -> None:
    matte = all_levels(7).getchannel("A")
    path = write(order(tmp_path / f"film.{name}", "matte"), name, [matte, matte])
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            np.testing.assert_array_equal(plane_samples(frame, 0, np.uint8), np.asarray(matte))
            assert frame.color_range == 2
    np.testing.assert_array_equal(read_pictures(path)[0][..., 1], np.asarray(matte))


@pytest.mark.parametrize(
    ("name", "content"),
    [("webm", "picture"), ("webm", "cutout"), ("mp4", "picture"), ("mov", "picture"), ("mov", "cutout")],
)
def test_bars_of_known_colour_come_back_and_are_tagged(tmp_path: Path, name: FormatName, content: Content) -> None:
    picture = bars()
    if content == "cutout":
        picture.putalpha(255)
    path = write(order(tmp_path / f"film.{name}", content), name, [picture] * 2)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)
        assert context.color_range == 1
    for shown in read_pictures(path):
        for number, color in enumerate(BARS):
            middle = shown[8:-8, number * 32 + 8 : number * 32 + 24]
            assert np.abs(middle.astype(int) - color).max() <= 2, color


def test_gif_and_webp_play_at_the_pace_of_the_film(tmp_path: Path) -> None:
    names: tuple[FormatName, ...] = ("gif", "webp")
    for name in names:
        path = write(order(tmp_path / f"film.{name}", "picture"), name, [bars(), bars().rotate(180), bars()], rate=20)
        with Image.open(path) as film:
            shown = [frame.convert("RGB").info["duration"] for frame in ImageSequence.Iterator(film)]
        assert shown[:2] == [50, 50], name


@pytest.mark.parametrize("name", ["webm", "mp4", "mov"])
def test_times_are_kept_to_the_millisecond(tmp_path: Path, name: FormatName) -> None:
    times_s = [Fraction(0), Fraction(1, 25), Fraction(3, 25), Fraction(1, 2), Fraction(501, 1000)]
    durations = [after - before for before, after in itertools.pairwise([*times_s, Fraction(541, 1000)])]
    writer = WRITERS[name](order(tmp_path / f"film.{name}", "picture"))
    for at, duration in zip(times_s, durations, strict=True):
        writer.write(writer.prepare(bars()), at, duration)
    writer.finish()
    assert read_times_ms(tmp_path / f"film.{name}") == pytest.approx([float(at * 1000) for at in times_s], abs=1)


def test_what_was_cut_away_is_not_to_be_had_from_the_colours(tmp_path: Path) -> None:
    """The old background's pixels are nowhere, and the edge is not mixed with black."""
    picture = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    picture.paste((200, 100, 50, 255), (64, 0, 192, 64))
    shown = read_pictures(write(order(tmp_path / "film.webm", "cutout"), "webm", [picture]))[0]
    assert np.abs(shown[:, 60:196].astype(int) - (200, 100, 50)).max() <= 4
    assert shown[:, :32].max() <= 3
