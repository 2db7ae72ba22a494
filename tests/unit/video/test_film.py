"""Films from file to file: the subject cut out on every frame, times and sound as they were, nothing left behind."""

import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest
from PIL import Image

from service.video.watch import Progress, Watch
from tests.clips import at_s, read_alpha, read_pictures, read_times_ms, red_square, write_clip
from tests.pictures import encoded
from tests.unit.video.conftest import FRAMES, LIMITS, Maker


def test_the_subject_is_cut_out_on_every_frame_where_it_is(maker: Maker, clip: Path, tmp_path: Path) -> None:
    made = maker.make(clip, tmp_path / "cut.webm")
    assert (made.frames, made.lost, made.damaged) == (FRAMES, 0, 0)
    for alpha, picture in zip(read_alpha(tmp_path / "cut.webm"), red_square(FRAMES), strict=True):
        truth, found = picture[..., 0] > 128, alpha > 128
        assert (truth & found).sum() / (truth | found).sum() > 0.9


@pytest.mark.parametrize("name", ["cut.mov", "cut.webm", "cut.webp", "cut.gif", "cut.zip"])
def test_every_format_that_has_transparency_is_whole(maker: Maker, clip: Path, tmp_path: Path, name: str) -> None:
    assert maker.make(clip, tmp_path / name).frames == FRAMES
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_new_background_is_behind_the_subject(maker: Maker, clip: Path, tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (80, 48), (0, 160, 0)).save(out, "PNG")
    maker.make(clip, tmp_path / "new.mp4", effect="replace-background", background=out.getvalue())
    for picture in read_pictures(tmp_path / "new.mp4"):
        assert np.abs(picture[4, 4].astype(int) - (0, 160, 0)).max() < 12
        assert picture[48, 55, 0] > 190


def test_a_matte_alone_is_a_grey_film(maker: Maker, clip: Path, tmp_path: Path) -> None:
    maker.make(clip, tmp_path / "matte.mp4", output="matte")
    first = read_pictures(tmp_path / "matte.mp4")[0]
    assert (int(first[48, 50].min()), int(first[4, 4].max()) <= 1, int(np.ptp(first, axis=2).max())) == (255, True, 0)


def test_a_fixed_matte_is_that_of_every_frame_and_no_network_is_asked(maker: Maker, clip: Path, tmp_path: Path) -> None:
    levels = Image.new("L", (160, 96))
    levels.paste(200, (30, 20, 90, 70))
    before = maker.looks()
    maker.make(clip, tmp_path / "cut.webm", matte=encoded(levels))
    assert maker.looks() == before
    for alpha in read_alpha(tmp_path / "cut.webm"):
        np.testing.assert_array_equal(alpha, np.asarray(levels))


def test_frames_come_as_a_folder_of_pictures_with_their_times(maker: Maker, clip: Path, tmp_path: Path) -> None:
    maker.make(clip, tmp_path / "frames", format="png")
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]
    times = json.loads((tmp_path / "frames" / "times.json").read_text())["frames"]
    assert sorted(path.name for path in (tmp_path / "frames").glob("*.png")) == [each["name"] for each in times]
    assert len(times) == FRAMES
    with Image.open(tmp_path / "frames" / "frame-000006.png") as sixth:
        assert sixth.getpixel((60, 48))[3] == 255  # type: ignore[index]


@pytest.mark.parametrize("given", [{}, {"feather": "2", "shift_edge": "-1"}])
@pytest.mark.parametrize("size", [(160, 96), (161, 97)])
def test_what_goes_from_codec_to_codec_looks_like_what_goes_by_rgb(
    maker: Maker, tmp_path: Path, given: dict[str, Any], size: tuple[int, int]
) -> None:
    """BT.709 in 4:2:0 stays as it is coded; the same frames in 4:4:4 become RGB and are coded anew."""
    levels = Image.new("L", size)
    levels.paste(200, (31, 21, 90, 71))
    shown = []
    for pixel_format in ("yuv420p", "yuv444p"):
        source, result = tmp_path / f"{pixel_format}.mkv", tmp_path / f"{pixel_format}.webm"
        write_clip(source, red_square(3, size), codec="ffv1", pixel_format=pixel_format, tune=tagged)
        maker.make(source, result, quality="100", limits=LIMITS, matte=encoded(levels), **given)
        shown.append((read_pictures(result), read_alpha(result)))
    (straight, alphas), (by_rgb, others) = shown
    np.testing.assert_array_equal(alphas, others)
    for picture, other, alpha in zip(straight, by_rgb, alphas, strict=True):
        assert np.abs(picture.astype(int) - other)[alpha > 0].mean() < 4
        assert picture[:, 120:].max() <= 3


def tagged(stream: av.VideoStream) -> None:
    stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1


@pytest.mark.parametrize("name", ["film.webm", "film.mov", "film.mp4"])
def test_times_of_a_variable_rate_are_kept(maker: Maker, tmp_path: Path, name: str) -> None:
    times = [0, 40, 120, 160, 500, 510, 550]
    source = write_clip(tmp_path / "in.mkv", red_square(len(times)), codec="ffv1", times=times)
    maker.make(source, tmp_path / name, effect="blur-background")
    assert read_times_ms(tmp_path / name) == pytest.approx(times, abs=1)


@pytest.mark.parametrize("name", ["film.webm", "film.mov", "film.mp4"])
def test_the_sound_stays_where_it_was(maker: Maker, tmp_path: Path, name: str) -> None:
    source = write_clip(tmp_path / "in.mov", red_square(25), tones_hz=(440,), sound_at_s=0.3)
    maker.make(source, tmp_path / name, effect="color-pop")
    heard = sound_of(tmp_path / name)
    loud = np.flatnonzero(np.abs(heard) > 0.1)
    assert loud[0] / 48_000 == pytest.approx(0.3, abs=0.005)
    assert loud[-1] / 48_000 == pytest.approx(1.3, abs=0.01)


def sound_of(path: Path, track: int = 0) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Samples from the film's beginning on, at 48 kHz, silence where there is none."""
    heard = np.zeros(48_000 * 3, np.float32)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=track):
            scale = 32768 if frame.format.name.startswith("s16") else 1
            wave = frame.to_ndarray().astype(np.float32) / np.float32(scale)
            begin = round(at_s(frame) * 48_000)
            part = wave[0][max(0, -begin) :]
            heard[max(0, begin) : max(0, begin) + len(part)] = part
    return heard


def test_every_sound_track_is_kept(maker: Maker, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mov", red_square(25), tones_hz=(440, 1000))
    maker.make(source, tmp_path / "film.webm")
    pitches = [pitch_hz(sound_of(tmp_path / "film.webm", track)) for track in (0, 1)]
    assert pitches == pytest.approx([440, 1000], abs=3)


def pitch_hz(heard: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> float:
    spectrum = np.abs(np.fft.rfft(heard[4_800:43_200]))
    return float(spectrum.argmax() * 48_000 / 38_400)


def test_progress_is_told_frame_by_frame(maker: Maker, clip: Path, tmp_path: Path) -> None:
    heard: list[Progress] = []
    maker.runner.run(maker.making(clip, tmp_path / "cut.webm", watch=Watch(on_progress=heard.append)))
    assert [progress.frames for progress in heard] == list(range(1, FRAMES + 1))
    assert {progress.total for progress in heard} == {FRAMES}


def test_whoever_charges_for_pixels_hears_of_every_frame(maker: Maker, clip: Path, tmp_path: Path) -> None:
    charged: list[int] = []

    async def charge(pixels: int) -> None:
        charged.append(pixels)

    maker.runner.run(maker.making(clip, tmp_path / "cut.webm", watch=Watch(before_frame=charge)))
    assert charged == [160 * 96] * FRAMES


def test_no_more_than_a_few_frames_are_ever_ahead_of_what_is_written(maker: Maker, tmp_path: Path) -> None:
    """However long a film is: what is read has been written, but for those that surround a frame."""
    source = write_clip(tmp_path / "long.mkv", red_square(90, step_px=0), codec="ffv1")
    begun, most = 0, 0

    async def begin(pixels: int) -> None:
        nonlocal begun
        begun += 1

    def finish(progress: Progress) -> None:
        nonlocal most
        most = max(most, begun - progress.frames)

    maker.runner.run(maker.making(source, tmp_path / "cut.webm", watch=Watch(on_progress=finish, before_frame=begin)))
    assert 0 < most < 24


def test_memory_stays_flat_however_long_a_film_is(maker: Maker, tmp_path: Path) -> None:
    """One picture that stays, of each frame, would be 92 MB after a hundred of them; planes alone 35 MB."""
    (picture,) = red_square(1, (640, 360))
    source = write_clip(tmp_path / "long.mp4", [picture] * 160)
    taken: dict[int, int] = {}

    def hear(progress: Progress) -> None:
        if progress.frames in (50, 150):
            taken[progress.frames] = psutil.Process().memory_info().rss

    maker.runner.run(maker.making(source, tmp_path / "cut.webm", watch=Watch(on_progress=hear)))
    assert taken[150] - taken[50] < 25_000_000


def test_frames_that_are_damaged_are_counted_and_the_rest_is_done(maker: Maker, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", red_square(30), codec="ffv1", options={"g": "1"})
    content = bytearray(source.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 900):
        content[place] ^= 0x5A
    source.write_bytes(content)
    made = maker.make(source, tmp_path / "cut.webm")
    assert made.lost + made.damaged > 0
    assert 20 < made.frames <= 30
    assert len(read_alpha(tmp_path / "cut.webm")) == made.frames


@pytest.mark.parametrize("name", ["cut.webm", "cut.mov", "cut.webp", "cut.gif", "matte.mp4", "matte.webm"])
@pytest.mark.parametrize("size", [(161, 97), (17, 33)])
def test_odd_sizes_are_kept(maker: Maker, tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    source = write_clip(tmp_path / "in.mkv", red_square(3, size), codec="ffv1", pixel_format="yuv444p")
    given = {"output": "matte"} if name.startswith("matte") else {}
    maker.make(source, tmp_path / name, LIMITS, **given)
    with av.open(str(tmp_path / name)) if name != "cut.webp" else Image.open(tmp_path / name) as film:
        shown = film.size if isinstance(film, Image.Image) else _size(film)
    assert shown == size


def _size(film: av.container.InputContainer) -> tuple[int, int]:
    stream = film.streams.video[0]
    return stream.width, stream.height


def test_a_model_of_many_classes_that_pads_puts_the_matte_where_the_subject_is(
    maker: Maker, clip: Path, tmp_path: Path
) -> None:
    maker.make(clip, tmp_path / "cut.webm", model="tiny-classes", keep="red")
    for alpha, picture in zip(read_alpha(tmp_path / "cut.webm"), red_square(FRAMES), strict=True):
        truth, found = picture[..., 0] > 128, alpha > 128
        assert (truth & found).sum() / (truth | found).sum() > 0.85


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffprobe, of Debian's package ffmpeg")
@pytest.mark.parametrize(("name", "codec"), [("cut.webm", "vp9"), ("cut.mov", "prores"), ("pop.mp4", "vp9")])
def test_ffprobe_reads_what_was_written(maker: Maker, clip: Path, tmp_path: Path, name: str, codec: str) -> None:
    maker.make(clip, tmp_path / name, effect="color-pop" if name == "pop.mp4" else "remove-background")
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(tmp_path / name)]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    pictures = next(stream for stream in told if stream["codec_type"] == "video")
    assert (pictures["codec_name"], int(pictures["nb_read_frames"])) == (codec, FRAMES)
    assert (pictures["color_space"], pictures["color_primaries"], pictures["color_transfer"]) == ("bt709",) * 3
    assert any(stream["codec_type"] == "audio" for stream in told)
