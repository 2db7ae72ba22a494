"""MP4: VP9 and AAC, both by free encoders. It has no room for alpha."""

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from PIL import Image

from service.video.planes import colour_frame, grey_frame
from service.video.writers.container import Muxer, StreamWriter
from service.video.writers.vp9 import ENCODER, colour_options, lossless_options
from service.video.writers.writer import Order

BEGINS_WITH_INDEX = {"movflags": "+faststart"}
"""So that a player can begin before it has all of it."""


class Mp4Writer(StreamWriter):
    """A Writer."""

    def __init__(self, order: Order) -> None:
        self._is_matte = order.content == "matte"
        muxer, clock = Muxer(order, "mp4", "aac", BEGINS_WITH_INDEX), order.facts.time_base
        options = lossless_options(order) if self._is_matte else colour_options(order)
        super().__init__(muxer, muxer.add_video(ENCODER, "yuv420p", clock, options), clock)
        if self._is_matte:
            self._stream.codec_context.color_range = ColorRange.JPEG

    def prepare(self, picture: Image.Image) -> VideoFrame:
        return grey_frame(picture) if self._is_matte else colour_frame(picture, "yuv420p")
