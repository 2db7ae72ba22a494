"""Small films for tests, written with PyAV itself: real photos that move over real backgrounds, and painted ones."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from service.video.colours import plane_samples, to_eight_bits
from tests.fakes import DARK, RED

Picture = NDArray[np.uint8]
"""(H, W, 3)"""

RATE = 25
WIDTH, HEIGHT = 160, 96
EXACT = Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
SOUND_RATE = 48_000


def red_square(count: int, size: tuple[int, int] = (WIDTH, HEIGHT), step_px: int = 2) -> list[Picture]:
    """A red square that moves to the right over the dark: what the tiny model finds."""
    frames = []
    for number in range(count):
        frame = Image.new("RGB", size, DARK)
        left = size[0] // 8 + step_px * number
        frame.paste(RED, (left, size[1] // 4, left + size[1] // 2, 3 * size[1] // 4))
        frames.append(np.asarray(frame))
    return frames


def noisy(frames: Sequence[Picture], sigma: float) -> list[Picture]:
    random = np.random.default_rng(0)
    return [(frame + random.normal(0, sigma, frame.shape)).clip(0, 255).astype(np.uint8) for frame in frames]


def cat_over_coffee(
    count: int, size: tuple[int, int], step_px: float = 2.0, subject: Picture | None = None
) -> tuple[list[Picture], list[Picture]]:
    """A real cat, or another `subject`, that moves over a real table, and where it is on each frame: (H, W) of 0 to
    255.
    """
    width, height = size
    table = Image.fromarray(data.coffee()).resize(size)
    cat = Image.fromarray(data.chelsea() if subject is None else subject).resize((width // 2, height // 2))
    rows, columns = np.indices((height // 2, width // 2))
    distance = np.hypot((columns - width / 4) / (width / 4), (rows - height / 4) / (height / 4))
    mask = Image.fromarray((255 * np.clip((1 - distance) * 8, 0, 1)).astype(np.uint8))
    frames, truths = [], []
    for number in range(count):
        place = (round(width / 8 + step_px * number), height // 4)
        frame, truth = table.copy(), Image.new("L", size)
        frame.paste(cat, place, mask)
        truth.paste(mask, place)
        frames.append(np.asarray(frame))
        truths.append(np.asarray(truth))
    return frames, truths


def write_clip(
    path: Path,
    frames: Iterable[Picture],
    *,
    codec: str = "mpeg4",
    pixel_format: str = "yuv420p",
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 1000),
    tones_hz: Sequence[float] = (),
    sound_at_s: float = 0.0,
    tune: Callable[[av.VideoStream], None] = lambda stream: None,
    options: Mapping[str, str] | None = None,
) -> Path:
    """`times` are those of the frames, in steps of `time_base`; without them, 25 frames a second."""
    pictures = list(frames)
    height, width = pictures[0].shape[:2]
    times = times or [round(number / RATE / time_base) for number in range(len(pictures))]
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=RATE, options=dict(options or {}))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        stream.codec_context.time_base = time_base
        tune(stream)
        tracks = [out.add_stream(_sound_codec(path), rate=SOUND_RATE, layout="mono") for _ in tones_hz]
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
            frame.pts, frame.time_base = time, time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        seconds = len(pictures) / RATE
        for track, tone_hz in zip(tracks, tones_hz, strict=True):
            assert isinstance(track, av.AudioStream)
            _write_tone(out, track, tone_hz, sound_at_s, seconds)
    return path


def _sound_codec(path: Path) -> str:
    return {".webm": "libopus", ".mov": "pcm_s16le", ".avi": "pcm_s16le"}.get(path.suffix, "aac")


def _write_tone(out: Any, track: av.AudioStream, tone_hz: float, at_s: float, seconds: float) -> None:
    samples = np.arange(round(seconds * SOUND_RATE))
    wave = (0.3 * 32767 * np.sin(2 * np.pi * tone_hz * samples / SOUND_RATE)).astype(np.int16)
    for begin in range(0, len(wave), 960):
        part = wave[begin : begin + 960]
        frame = av.AudioFrame.from_ndarray(part[np.newaxis], "s16", "mono")
        frame.sample_rate, frame.time_base = SOUND_RATE, Fraction(1, SOUND_RATE)
        frame.pts = begin + round(at_s * SOUND_RATE)
        out.mux(track.encode(frame))
    out.mux(track.encode(None))


def read_alpha(path: Path) -> list[Picture]:
    """(H, W) alpha of each frame, from the planes themselves."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder: Any = stream
        if stream.codec_context.name == "vp9":
            decoder = av.CodecContext.create("libvpx-vp9", "r")
        frames = []
        for packet in container.demux(stream):
            for frame in decoder.decode(packet if packet.size else None):
                frames.append(_alpha_of(frame))
        return frames


def _alpha_of(frame: av.VideoFrame) -> Picture:
    if frame.format.name in ("bgra", "rgba", "argb"):
        return np.asarray(frame.reformat(format="rgba").to_ndarray(), np.uint8)[..., 3]
    if frame.format.components[3].bits == 8:
        return plane_samples(frame, 3, np.uint8).copy()
    return to_eight_bits(plane_samples(frame, 3, np.uint16), frame.format.components[3].bits)


def read_pictures(path: Path) -> list[Picture]:
    """As a player shows them, BT.709 where the file says so."""
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [np.asarray(frame.to_ndarray(format="rgb24", interpolation=EXACT), np.uint8) for frame in frames]


def at_s(frame: av.VideoFrame | av.AudioFrame) -> float:
    assert frame.pts is not None
    assert frame.time_base is not None
    return float(frame.pts * frame.time_base)


def read_times_ms(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [at_s(frame) * 1000 for frame in container.decode(video=0)]


def iou(found: Picture, truth: Picture) -> float:
    """Of two alphas, (H, W): what is over 127 in both, to what is in either."""
    return float(((found > 127) & (truth > 127)).sum() / ((found > 127) | (truth > 127)).sum())


def flicker(mattes: Sequence[Picture], truths: Sequence[Picture]) -> float:
    """How much the error of a frame's alpha differs from that of the one before, in levels of 255."""
    errors = [matte.astype(float) - truth for matte, truth in zip(mattes, truths, strict=True)]
    return float(np.mean([np.abs(after - before).mean() for before, after in itertools.pairwise(errors)]))
