"""QuickTime: ProRes 4444 with alpha, or ProRes 422 HQ without, and the sound as it is (PCM). For editing programs."""

from fractions import Fraction

from av.video.frame import VideoFrame
from PIL import Image

from service.video.planes import colour_frame, frame_with_alpha
from service.video.writers.container import Muxer, timed
from service.video.writers.writer import Order

ENCODER = "prores_ks"
WITH_ALPHA = {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}
"""ProRes codes alpha without loss; 16 bits hold our 8 exactly."""
WITHOUT_ALPHA = {"profile": "hq", "vendor": "apl0"}


class MovWriter:
    """A Writer."""

    def __init__(self, order: Order) -> None:
        self._is_clear = order.content == "cutout"
        self._clock = order.facts.time_base
        self._muxer = Muxer(order, "mov", "pcm_s16le")
        pixel_format, options = ("yuva444p10le", WITH_ALPHA) if self._is_clear else ("yuv422p10le", WITHOUT_ALPHA)
        self._stream = self._muxer.add_video(ENCODER, pixel_format, self._clock, options)

    def prepare(self, picture: Image.Image) -> VideoFrame:
        return frame_with_alpha(picture) if self._is_clear else colour_frame(picture, "yuv422p10le")

    def write(self, ready: VideoFrame, at: Fraction, duration: Fraction | None) -> None:
        self._muxer.put(self._stream.encode(timed(ready, at, duration, self._clock)), at)

    def finish(self) -> None:
        self._muxer.finish(self._stream.encode(None))

    def abandon(self) -> None:
        self._muxer.abandon()
