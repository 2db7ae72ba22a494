"""WebM: VP9 with alpha or without, or a matte alone, and Opus."""

from dataclasses import dataclass
from fractions import Fraction

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

from service.video.planes import CutPlanes, colour_frame, cutout_frame, grey_frame
from service.video.writers.container import Muxer, timed
from service.video.writers.vp9 import ENCODER, AlphaEncoder, colour_options, lossless_options
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
        self._alpha: AlphaEncoder | None = None
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
        packets = self._stream.encode(timed(ready.colours, at, duration, MILLISECOND))
        if self._alpha is not None and ready.alpha is not None:
            (colours,) = packets
            self._alpha.put_beside(colours, ready.alpha, at)
        self._muxer.put(packets, at)

    def finish(self) -> None:
        self._muxer.finish(self._stream.encode(None))

    def abandon(self) -> None:
        self._muxer.abandon()
