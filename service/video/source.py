"""Reads the pictures of a film, upright and in sRGB, each with its time. One thread at a time."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
from av.sidedata.sidedata import Type
from av.stream import Disposition
from av.video.frame import VideoFrame

from service.errors import TooManyPixels, UndecodableVideo, UnsupportedVideo, VideoTooLong
from service.models.labels import Size
from service.video.coded import QUARTER_TURNS, Coded
from service.video.containers import opened
from service.video.deinterlace import Deinterlacer
from service.video.sound import SoundTrack
from service.video.upright import orientation_of

ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own drop the alpha of WebM."""


@dataclass(frozen=True)
class Frame:
    """One picture of a film."""

    number: int
    """From 0."""
    at: Fraction
    """Seconds since the film began, which is when its first picture or its first sound does."""
    duration: Fraction | None
    """Seconds; None where the film does not say."""
    coded: Coded


@dataclass(frozen=True)
class Facts:
    """What is known of a film before more than one frame is decoded."""

    size: Size
    """Upright."""
    rate: Fraction
    """Frames a second, on average."""
    time_base: Fraction
    """Seconds of one step of its clock."""
    sample_aspect: Fraction
    """Width to height of a pixel, upright."""
    frames: int | None
    """None where neither the file nor its duration tells; otherwise to about one."""


@dataclass(frozen=True)
class Limits:
    """What films may be."""

    pixels: int
    """Of one frame."""
    seconds: float | None = None


class Source:
    """A film that is open. Raises UnsupportedVideo, UndecodableVideo, TooManyPixels or VideoTooLong."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.limits = limits
        self.lost = 0
        """Packets that did not decode; what they would have shown is not there."""
        self.damaged = 0
        """Frames that were only decoded in part."""
        with ExitStack() as opening:
            self._container = opening.enter_context(opened(path))
            self._stream = self._pictures()
            self._stream.thread_type = "AUTO"
            self._deinterlacer = Deinterlacer(self._stream)
            self._frames = self._whole()
            self._first = self._first_frame()
            self.tracks = [
                opening.enter_context(SoundTrack(path, stream.index)) for stream in self._container.streams.audio
            ]
            self._closing = opening.pop_all()
        self._turned = _turned(self._first)
        starts = [_time(self._first), *(track.starts_at for track in self.tracks)]
        self.origin = min(start for start in starts if start is not None)
        """On the file's clock, in seconds."""
        self.facts = self._facts()

    def frames(self) -> Iterator[Frame]:
        """All of them, once. A duration that the file did not tell in advance may raise VideoTooLong on the way."""
        last = Fraction(-1)
        number = 0
        for frame in self._all():
            time = _time(frame)
            at = last + 1 / self.facts.rate if time is None else time - self.origin
            if at <= last:
                at = last + self.facts.time_base
            self._check_time(float(at))
            yield Frame(number, at, _duration(frame), Coded(frame, self._turned, self.facts.size))
            last, number = at, number + 1

    def close(self) -> None:
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pictures(self) -> av.VideoStream:
        """The first stream that moves: a cover is none."""
        for stream in self._container.streams.video:
            if not stream.disposition & Disposition.attached_pic:
                self._check_pixels(stream.width, stream.height)
                return stream
        raise UnsupportedVideo("there are no moving pictures in it")

    def _first_frame(self) -> VideoFrame:
        first = next(self._frames, None)
        if first is None:
            raise UndecodableVideo("none of its frames could be decoded")
        self._check_pixels(first.width, first.height)
        return first

    def _check_pixels(self, width: int, height: int) -> None:
        if width * height > self.limits.pixels:
            raise TooManyPixels(f"{width} x {height} pixels a frame, of at most {self.limits.pixels}")

    def _all(self) -> Iterator[VideoFrame]:
        yield self._first
        yield from self._frames

    def _whole(self) -> Iterator[VideoFrame]:
        for frame in self._decoded():
            yield from self._deinterlacer.whole(frame)
        yield from self._deinterlacer.rest()

    def _decoded(self) -> Iterator[VideoFrame]:
        decoder = self._decoder()
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                self.lost += 1
                packet = None
            if packet is None:
                return
            try:
                for frame in decoder.decode(packet):  # the last one is empty, and brings what the decoder still has
                    self.damaged += frame.is_corrupt
                    # None where another decoder than the stream's own is asked, and on what comes at the end.
                    frame.time_base = frame.time_base or self._stream.time_base
                    yield frame
            except av.FFmpegError:
                self.lost += 1

    def _decoder(self) -> "av.VideoStream | av.VideoCodecContext":
        """Where WebM says that there is alpha, the one that reads it."""
        own = self._stream.codec_context
        said = {name.lower(): value for name, value in self._stream.metadata.items()}
        if said.get("alpha_mode") != "1" or own.name not in ALPHA_DECODERS:
            return self._stream
        decoder = av.CodecContext.create(ALPHA_DECODERS[own.name], "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.extradata = own.extradata
        return decoder

    def _facts(self) -> Facts:
        first, stream = self._first, self._stream
        is_turned = self._turned in QUARTER_TURNS
        size = Size(first.height, first.width) if is_turned else Size(first.width, first.height)
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        duration = self._duration()
        self._check_time(float(duration or 0))
        frames = stream.frames or (None if duration is None else max(1, round(duration * rate)))
        return Facts(size, rate, Fraction(stream.time_base or 1 / rate), 1 / aspect if is_turned else aspect, frames)

    def _duration(self) -> Fraction | None:
        if self._stream.duration and self._stream.time_base:
            return Fraction(self._stream.duration * self._stream.time_base)
        return None if not self._container.duration else Fraction(self._container.duration, av.time_base)

    def _check_time(self, seconds: float) -> None:
        most = self.limits.seconds
        if most is not None and seconds > most:
            raise VideoTooLong(f"it is longer than {most:g} seconds")


def _turned(frame: VideoFrame) -> int:
    matrix = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]
    return orientation_of(None if matrix is None else bytes(matrix))


def _time(frame: VideoFrame) -> Fraction | None:
    return None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base


def _duration(frame: VideoFrame) -> Fraction | None:
    return frame.duration * frame.time_base if frame.duration and frame.time_base else None
