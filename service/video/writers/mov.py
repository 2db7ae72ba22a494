"""QuickTime: ProRes 4444 with alpha, or ProRes 422 HQ without, and the sound as it is (PCM). For editing programs."""

from av.video.frame import VideoFrame
from PIL import Image

from service.video.planes import colour_frame, frame_with_alpha
from service.video.writers.container import Muxer, StreamWriter
from service.video.writers.writer import Order

ENCODER = "prores_ks"
WITH_ALPHA = {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}
"""ProRes codes alpha without loss; 16 bits hold our 8 exactly."""
WITHOUT_ALPHA = {"profile": "hq", "vendor": "apl0"}


class MovWriter(StreamWriter):
    """A Writer."""

    def __init__(self, order: Order) -> None:
        self._is_clear = order.content == "cutout"
        muxer, clock = Muxer(order, "mov", "pcm_s16le"), order.facts.time_base
        pixel_format, options = ("yuva444p10le", WITH_ALPHA) if self._is_clear else ("yuv422p10le", WITHOUT_ALPHA)
        super().__init__(muxer, muxer.add_video(ENCODER, pixel_format, clock, options), clock)

    def prepare(self, picture: Image.Image) -> VideoFrame:
        return frame_with_alpha(picture) if self._is_clear else colour_frame(picture, "yuv422p10le")
