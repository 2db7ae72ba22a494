"""WebM: VP9 with alpha or without, or a matte alone, and Opus."""

from fractions import Fraction

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from PIL import Image

from service.video.planes import colour_frame, grey_frame, without_dark_edge
from service.video.writers.container import Muxer, timed
from service.video.writers.vp9 import ENCODER, AlphaEncoder, colour_options, lossless_options
from service.video.writers.writer import Order

MILLISECOND = Fraction(1, 1000)
"""WebM's own clock."""


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

    def write(self, picture: Image.Image, at: Fraction, duration: Fraction | None) -> None:
        packets = self._stream.encode(timed(self._frame(picture), at, duration, MILLISECOND))
        if self._alpha is not None:
            (colours,) = packets
            self._alpha.put_beside(colours, picture.getchannel("A"), at)
        self._muxer.put(packets, at)

    def finish(self) -> None:
        self._muxer.finish(self._stream.encode(None))

    def abandon(self) -> None:
        self._muxer.abandon()

    def _frame(self, picture: Image.Image) -> VideoFrame:
        if self._content == "matte":
            return grey_frame(picture)
        return colour_frame(without_dark_edge(picture) if self._content == "cutout" else picture, "yuv420p")
