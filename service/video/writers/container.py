"""What films with sound have in common: a container, its video stream, and the tracks beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from service.video.sound import SoundTrack
from service.video.writers.writer import Order

BT709_MATRIX = 1
MOST_THREADS = 4


@dataclass(frozen=True)
class Dubbed:
    """A track of the film, and the stream that it becomes."""

    track: SoundTrack
    stream: av.AudioStream


class Muxer:
    """An output file. Video packets are handed over in order; the sound that belongs before each goes first."""

    def __init__(self, order: Order, format_: str, sound_codec: str, options: dict[str, str] | None = None) -> None:
        self._order = order
        self._container = av.open(f"file:{order.path}", "w", format=format_, options=options or {})
        self._sound_codec = sound_codec
        self._dubbed: Sequence[Dubbed] = ()

    def add_video(self, codec: str, pixel_format: str, time_base: Fraction, options: dict[str, str]) -> av.VideoStream:
        """Tagged as BT.709; the tracks are added behind it."""
        facts = self._order.facts
        stream = self._container.add_stream(codec, rate=facts.rate, options=options)
        assert isinstance(stream, av.VideoStream)
        tell(stream.codec_context, self._order, pixel_format, time_base)
        self._dubbed = [
            Dubbed(track, self._add_sound(track)) for track in self._order.tracks if track.starts_at is not None
        ]
        return stream

    def put(self, packets: Sequence["Packet[Any]"], at: Fraction) -> None:
        """Of a frame that is shown from `at` on."""
        self._put_sound(at + self._order.origin)
        self._container.mux(packets)

    def finish(self, packets: Sequence["Packet[Any]"]) -> None:
        self._container.mux(packets)
        self._put_sound(None)
        for dubbed in self._dubbed:
            self._container.mux(dubbed.stream.encode(None))
        self._container.close()

    def abandon(self) -> None:
        self._container.close()

    def _add_sound(self, track: SoundTrack) -> av.AudioStream:
        rate = 48_000 if self._sound_codec == "libopus" else track.rate
        stream = self._container.add_stream(self._sound_codec, rate=rate, layout=track.layout)
        assert isinstance(stream, av.AudioStream)
        if track.language:
            stream.metadata["language"] = track.language
        return stream

    def _put_sound(self, until: Fraction | None) -> None:
        for dubbed in self._dubbed:
            for frame in dubbed.track.until(until):
                self._container.mux(dubbed.stream.encode(self._shifted(frame)))

    def _shifted(self, frame: AudioFrame) -> AudioFrame:
        """On the film's clock."""
        assert frame.pts is not None
        assert frame.time_base is not None
        frame.pts -= round(self._order.origin / frame.time_base)
        return frame


class StreamWriter:
    """All of a Writer but `prepare`, where a picture is a frame of one stream."""

    def __init__(self, muxer: Muxer, stream: av.VideoStream, clock: Fraction) -> None:
        self._muxer = muxer
        self._stream = stream
        self._clock = clock

    def write(self, ready: VideoFrame, at: Fraction, duration: Fraction | None) -> None:
        self._muxer.put(self._stream.encode(timed(ready, at, duration, self._clock)), at)

    def finish(self) -> None:
        self._muxer.finish(self._stream.encode(None))

    def abandon(self) -> None:
        self._muxer.abandon()


def tell(context: Any, order: Order, pixel_format: str, time_base: Fraction, *, is_full_range: bool = False) -> None:
    """What every encoder has to know of the pictures."""
    facts = order.facts
    context.width, context.height = facts.size
    context.pix_fmt, context.time_base, context.framerate = pixel_format, time_base, facts.rate
    context.sample_aspect_ratio = facts.sample_aspect
    context.color_range = ColorRange.JPEG if is_full_range else ColorRange.MPEG
    context.colorspace = BT709_MATRIX
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    context.thread_count = MOST_THREADS


def timed(frame: VideoFrame, at: Fraction, duration: Fraction | None, time_base: Fraction) -> VideoFrame:
    """On the clock of an encoder."""
    frame.pts, frame.time_base = round(at / time_base), time_base
    if duration is not None:
        frame.duration = max(1, round(duration / time_base))
    return frame
