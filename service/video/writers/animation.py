"""GIF and animated WebP, for short clips without sound. Their encoders keep all of the clip in memory, coded."""

from fractions import Fraction

import av
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from service.errors import VideoTooLong
from service.pixels.webp_features import lasting, with_alpha
from service.video.formats import SHORT_CLIP_FRAMES
from service.video.writers.container import timed
from service.video.writers.writer import Order

CENTISECOND, MILLISECOND = Fraction(1, 100), Fraction(1, 1000)

COLOURS = 255
CLEAR = 255
"""The entry of a GIF's palette that is transparent."""
HALF = 128
"""A GIF's pixel is there or not: it is from this level of alpha on."""


class _Animation:
    """A stream of one picture after the other."""

    def __init__(
        self, order: Order, format_: str, encoder: str, pixel_format: str, clock: Fraction, options: dict[str, str]
    ) -> None:
        self._clock = clock
        self._count = 0
        self._rate, self._end = order.facts.rate, Fraction(0)
        self._container = av.open(f"file:{order.path}", "w", format=format_, options={"loop": "0"})
        stream = self._container.add_stream(encoder, rate=order.facts.rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = order.facts.size
        stream.pix_fmt, stream.codec_context.time_base = pixel_format, clock
        self._stream = stream

    def write(self, ready: VideoFrame, at: Fraction, duration: Fraction | None) -> None:
        self._count += 1
        if self._count > SHORT_CLIP_FRAMES:
            raise VideoTooLong(f"this format is for clips of at most {SHORT_CLIP_FRAMES} frames")
        self._end = at + (duration or 1 / self._rate)
        self._container.mux(self._stream.encode(timed(ready, at, duration, self._clock)))

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abandon(self) -> None:
        self._container.close()


class WebpWriter(_Animation):
    """A Writer. Alpha is lossless in every WebP."""

    def __init__(self, order: Order) -> None:
        options = {"quality": str(order.quality), "compression_level": "0" if order.speed == "fastest" else "3"}
        super().__init__(order, "webp", "libwebp_anim", "bgra", MILLISECOND, options)
        self._order = order

    def prepare(self, picture: Image.Image) -> VideoFrame:
        bgra = np.ascontiguousarray(np.asarray(picture.convert("RGBA"))[..., (2, 1, 0, 3)])
        return VideoFrame.from_ndarray(bgra, "bgra")

    def finish(self) -> None:
        super().finish()
        path, size = self._order.path, self._order.facts.size
        film = lasting(path.read_bytes(), size, round(self._end / MILLISECOND))
        path.write_bytes(with_alpha(film) if self._order.content == "cutout" else film)


class GifWriter(_Animation):
    """A Writer. A palette a frame; alpha is rounded to all or nothing."""

    def __init__(self, order: Order) -> None:
        super().__init__(order, "gif", "gif", "pal8", CENTISECOND, {"gifflags": "-offsetting"})

    def prepare(self, picture: Image.Image) -> VideoFrame:
        return _palette_frame(picture)


def _palette_frame(picture: Image.Image) -> VideoFrame:
    reduced = picture.convert("RGB").quantize(COLOURS)
    indices = np.array(reduced)
    colours = np.array(reduced.getpalette() or [0, 0, 0], np.uint8).reshape(-1, 3)
    palette = np.zeros((256, 4), np.uint8)
    palette[:, 0] = 255  # also of entries that nobody uses: the first clear one is the one that counts
    palette[: len(colours), 1:] = colours
    palette[CLEAR] = 0
    if picture.mode == "RGBA":
        indices[np.asarray(picture.getchannel("A")) < HALF] = CLEAR
    return VideoFrame.from_ndarray((indices, palette), "pal8")  # type: ignore[arg-type]
