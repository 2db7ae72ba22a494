"""The sound of a film, track by track: read beside the pictures and not with them, so that neither has to wait.

Each track opens the file once more. However badly a file is interleaved, no more than a packet of it is ever in memory.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
from av.audio.frame import AudioFrame

from service.video.containers import opened


class SoundTrack:
    """One of them, from its first frame on."""

    def __init__(self, path: Path, index: int) -> None:
        """`index` is that of the stream."""
        self._container = opened(path)
        self._stream = self._container.streams[index]
        assert isinstance(self._stream, av.AudioStream)
        self.language = self._stream.language
        self.rate = self._stream.sample_rate
        self.layout = self._stream.layout.name
        self.lost = 0
        """Packets that did not decode."""
        self._frames = self._decoded()
        self._next = next(self._frames, None)

    @property
    def starts_at(self) -> Fraction | None:
        """In seconds, on the file's clock; None where there is nothing to be heard."""
        return None if self._next is None else _at(self._next)

    def until(self, time_s: Fraction | None) -> Iterator[AudioFrame]:
        """What begins before that, on the file's clock, and was not taken yet; None: all of it."""
        while self._next is not None and (time_s is None or _at(self._next) < time_s):
            yield self._next
            self._next = next(self._frames, None)

    def close(self) -> None:
        self._container.close()

    def _decoded(self) -> Iterator[AudioFrame]:
        stream = self._stream
        assert isinstance(stream, av.AudioStream)
        packets = self._container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                packet = None
            if packet is None:
                return
            try:
                yield from (frame for frame in stream.decode(packet) if frame.pts is not None)
            except av.FFmpegError:
                self.lost += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _at(frame: AudioFrame) -> Fraction:
    assert frame.pts is not None
    assert frame.time_base is not None
    return frame.pts * frame.time_base
