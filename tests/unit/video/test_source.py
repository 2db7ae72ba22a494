"""Films are read as players show them: upright, in the right colours, whole, with what they hide still hidden."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image
from skimage import data

from service.errors import TooManyPixels, UnsupportedVideo
from service.models.inputs import fit
from service.models.store import ModelStore
from service.pixels.decode.colours.spaces import from_codes
from service.pixels.decode.colours.told import from_told
from service.pixels.decode.orientation import TURNS
from service.settings import read_settings
from service.video.colours import plane_samples
from service.video.source import Frame, Limits, Source
from service.video.upright import orientation_of
from tests.clips import HEIGHT, WIDTH, red_square, write_clip

LIMITS = Limits(1_000_000)
ONE = 65536
MATRICES = {
    1: (ONE, 0, 0, ONE),
    2: (-ONE, 0, 0, ONE),
    3: (-ONE, 0, 0, -ONE),
    4: (ONE, 0, 0, -ONE),
    5: (0, ONE, ONE, 0),
    6: (0, ONE, -ONE, 0),
    7: (0, -ONE, -ONE, 0),
    8: (0, -ONE, ONE, 0),
}
"""a, b, c, d of a track's matrix, by the turn that EXIF has the same number for."""

BARS = [(235, 235, 235), (200, 30, 40), (30, 180, 60), (40, 50, 210)]


def read(path: Path, limits: Limits = LIMITS) -> list[Frame]:
    with Source(path, limits) as source:
        return list(source.frames())


def with_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """An MP4 whose track header has it."""
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 40
    a, b, c, d = matrix
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("turned", MATRICES)
def test_a_film_is_turned_as_its_matrix_says(tmp_path: Path, turned: int) -> None:
    picture = red_square(1)[0].copy()
    picture[:20, :40] = (240, 240, 240)  # one corner tells all turns from each other
    path = with_matrix(write_clip(tmp_path / "in.mp4", [picture] * 2, options={"b": "4M"}), MATRICES[turned])
    upright = Image.fromarray(picture)
    upright = upright.transpose(TURNS[turned]) if turned in TURNS else upright
    first = read(path)[0].coded.photo
    assert first.size == upright.size
    assert np.abs(np.asarray(first.rgb, int) - np.asarray(upright, int)).mean() < 6


def test_a_matrix_of_another_angle_leaves_the_film_as_it_is() -> None:
    assert orientation_of(struct.pack("=9i", 46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30)) == 1
    assert orientation_of(b"short") == 1
    assert orientation_of(None) == 1


def bars() -> "np.ndarray[Any, np.dtype[np.uint8]]":
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for number, color in enumerate(BARS):
        picture[:, number * 40 : number * 40 + 40] = color
    return picture


def coded(path: Path, matrix: int, color_range: int, *, tagged: bool, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """Bars, coded with a matrix and a range, losslessly."""
    picture = np.asarray(Image.fromarray(bars()).resize(size, Image.Resampling.NEAREST))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p"
        if tagged:
            stream.codec_context.colorspace, stream.codec_context.color_range = matrix, color_range
        frame = av.VideoFrame.from_ndarray(picture, "rgb24")
        frame = frame.reformat(format="yuv444p", dst_colorspace=matrix, dst_color_range=color_range)
        if not tagged:
            frame.colorspace, frame.color_range = 2, 0
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("matrix", [Colorspace.ITU709, Colorspace.ITU601, Colorspace.BT2020])
@pytest.mark.parametrize("color_range", [ColorRange.MPEG, ColorRange.JPEG])
def test_bars_have_their_colours_whatever_they_are_coded_with(tmp_path: Path, matrix: int, color_range: int) -> None:
    shown = np.asarray(read(coded(tmp_path / "in.mkv", matrix, color_range, tagged=True))[0].coded.photo.rgb)
    assert np.abs(shown.astype(int) - bars()).max() <= 2


@pytest.mark.parametrize(("height", "matrix"), [(96, Colorspace.ITU601), (720, Colorspace.ITU709)])
def test_what_does_not_say_how_it_is_coded_is_taken_as_players_do(tmp_path: Path, height: int, matrix: int) -> None:
    path = coded(tmp_path / "in.mkv", matrix, ColorRange.MPEG, tagged=False, size=(160, height))
    shown = np.asarray(read(path)[0].coded.photo.rgb)
    assert np.abs(shown[height // 2].astype(int) - bars()[48]).max() <= 2


@pytest.mark.parametrize(("transfer", "primaries"), [(16, 9), (18, 9), (14, 9), (1, 12)])
def test_deep_and_wide_colours_become_srgb_by_the_formula_of_pictures(
    tmp_path: Path, transfer: int, primaries: int
) -> None:
    """PQ, HLG, BT.2020 and P3."""
    random = np.random.default_rng(0).integers(100, 900, (6, 10, 3)).repeat(16, 0).repeat(16, 1)
    planes = np.moveaxis(random.astype(np.uint16), -1, 0)

    def tag(stream: av.VideoStream) -> None:
        context = stream.codec_context
        context.color_trc, context.color_primaries = transfer, primaries
        context.colorspace, context.color_range = Colorspace.BT2020, ColorRange.MPEG

    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv444p10le"
        tag(stream)
        frame = av.VideoFrame(160, 96, "yuv444p10le")
        for number, plane in enumerate(planes):
            plane_samples(frame, number, np.uint16)[:] = plane
        frame.color_trc, frame.color_primaries = ColorTrc(transfer), ColorPrimaries(primaries)
        frame.colorspace, frame.color_range = Colorspace.BT2020, ColorRange.MPEG
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    space = from_codes(primaries, transfer)
    assert space is not None
    luma, blue, red = (planes.astype(float) - np.array([64, 512, 512])[:, None, None]) / np.array([876, 896, 896])[
        :, None, None
    ]
    signal = np.dstack([luma + 1.4746 * red, luma - 0.16455 * blue - 0.57135 * red, luma + 1.8814 * blue])
    expected = np.asarray(from_told(np.rint(signal.clip(0, 1) * 65535).astype(np.uint16), space), int)
    error = np.abs(np.asarray(read(path)[0].coded.photo.rgb, int) - expected)
    assert np.quantile(error, 0.99) <= 3  # swscale has 14 bits on its way, and PQ is steep in the dark


@pytest.mark.parametrize("model", ["selfie", "u2net"])
@pytest.mark.parametrize("size", [(960, 720), (320, 240)])
def test_a_network_is_shown_a_frame_as_it_is_shown_a_photo(tmp_path: Path, model: str, size: tuple[int, int]) -> None:
    """Whether a photo was made of it on the way or not. Networks made for cameras see a difference of a few levels."""
    card = ModelStore(read_settings().model_store).card(model)
    picture = np.asarray(Image.fromarray(data.astronaut()).resize(size))
    (frame,) = read(write_clip(tmp_path / "in.mkv", [picture], codec="ffv1"))
    pixels, box = frame.coded.seen_by(card)
    as_photo, same_box = fit(frame.coded.photo.on_white(), card)
    assert box == same_box
    assert np.abs(pixels.astype(int) - as_photo).mean() < 1


def test_what_a_film_hides_itself_is_handed_on(tmp_path: Path) -> None:
    levels = np.tile(np.arange(160, dtype=np.uint8), (96, 1))
    picture = np.dstack([red_square(1)[0], levels])
    path = tmp_path / "in.mov"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("qtrle", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "argb"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[..., [3, 0, 1, 2]]), "argb")
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    alpha = read(path)[0].coded.photo.alpha
    assert alpha is not None
    np.testing.assert_array_equal(np.asarray(alpha), levels)


def test_interlaced_frames_become_whole(tmp_path: Path) -> None:
    """A square that moves between the two halves of each frame has teeth, and none when it is read."""
    halves = red_square(24, step_px=6)
    woven = []
    for first, second in zip(halves[::2], halves[1::2], strict=True):
        frame = first.copy()
        frame[1::2] = second[1::2]
        woven.append(frame)
    path = write_clip(
        tmp_path / "in.mpg",
        woven,
        codec="mpeg2video",
        time_base=Fraction(1, 25),
        times=list(range(12)),
        options={"flags": "+ilme+ildct", "b": "8M", "bf": "0"},
    )
    frames = read(path)
    assert len(frames) == 12
    assert teeth(np.asarray(frames[6].coded.photo.rgb)) < 0.4 * teeth(woven[6])


def teeth(picture: "np.ndarray[Any, Any]") -> float:
    """How much neighbouring rows differ, beyond what those two apart do."""
    red = picture[30:66, :, 0].astype(float)
    return float(np.abs(red[1:-1] - (red[:-2] + red[2:]) / 2).mean())


def test_a_film_with_a_frame_beyond_the_limit_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    with pytest.raises(TooManyPixels, match="160 x 96"):
        read(write_clip(tmp_path / "in.mp4", red_square(2)), Limits(10_000))


def test_a_song_is_no_film(tmp_path: Path) -> None:
    path = tmp_path / "song.ogg"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libopus", rate=48_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(UnsupportedVideo, match="no moving pictures"):
        read(path)


def test_time_begins_with_the_first_picture_or_the_first_sound(tmp_path: Path) -> None:
    """Broadcasts begin anywhere on their clock."""
    times = [5_000, 5_040, 5_080]
    path = write_clip(tmp_path / "in.mkv", red_square(3), codec="ffv1", times=times)
    assert [float(frame.at) for frame in read(path)] == pytest.approx([0, 0.04, 0.08])
