"""WebM: VP9 with alpha or without, or a matte alone, and Opus."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange

from service.video.planes import CutPlanes, colour_frame, cutout_frame, grey_frame
from service.video.writers.container import Muxer, timed
from service.video.writers.vp9 import (
    ENCODER,
    KEY_EVERY_FRAMES,
    AlphaEncoder,
    colour_options,
    encoder_threads,
    lossless_options,
    put_beside,
)
from service.video.writers.writer import Composed, Order

MILLISECOND = Fraction(1, 1000)
"""WebM's own clock."""


@dataclass(frozen=True)
class Ready:
    """A picture as the encoders take it."""

    colours: VideoFrame
    alpha: VideoFrame | None = None


class WebmWriter:
    """A Writer."""

    def __init__(self, order: Order) -> None:
        self._content = order.content
        self._muxer = Muxer(order, "webm", "libopus")
        options = lossless_options(order) if order.content == "matte" else colour_options(order)
        self._stream = self._muxer.add_video(ENCODER, "yuv420p", MILLISECOND, options)
        self._stream.codec_context.thread_count = encoder_threads(order)
        self._alpha: AlphaEncoder | None = None
        self._written = 0
        if order.content == "cutout":
            self._stream.metadata["alpha_mode"] = "1"
            self._alpha = AlphaEncoder(order, MILLISECOND)
        if order.content == "matte":
            self._stream.codec_context.color_range = ColorRange.JPEG

    def prepare(self, picture: Composed) -> Ready:
        if isinstance(picture, CutPlanes):
            return Ready(picture.colours, grey_frame(picture.alpha))
        if self._content == "matte":
            return Ready(grey_frame(picture))
        if self._content == "cutout":
            return Ready(cutout_frame(picture, "yuv420p"), grey_frame(picture.getchannel("A")))
        return Ready(colour_frame(picture, "yuv420p"))

    def write(self, ready: Ready, at: Fraction, duration: Fraction | None) -> None:
        colours = timed(ready.colours, at, duration, MILLISECOND)
        if self._alpha is None or ready.alpha is None:
            packets = self._stream.encode(colours)
        else:
            packets = [self._both(self._alpha, colours, ready.alpha, at)]
        self._muxer.put(packets, at)

    def finish(self) -> None:
        self._muxer.finish(self._stream.encode(None))
        self._close_alpha()

    def abandon(self) -> None:
        self._close_alpha()
        self._muxer.abandon()

    def _both(self, encoder: AlphaEncoder, colours: VideoFrame, alpha: VideoFrame, at: Fraction) -> "Packet[Any]":
        """Where a player can begin with one of them, so it can with the other."""
        is_key = self._written % KEY_EVERY_FRAMES == 0
        self._written += 1
        begun = encoder.begin(alpha, at, is_key=is_key)
        if is_key:
            colours.pict_type = PictureType.I
        (packet,) = self._stream.encode(colours)
        put_beside(packet, begun.result())
        return packet

    def _close_alpha(self) -> None:
        if self._alpha is not None:
            self._alpha.close()
