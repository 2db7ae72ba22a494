"""VP9, by libvpx (BSD): colours as good as was asked for, and beside them mattes without any loss.

A WebM with alpha has two streams of VP9 in one: the colours, and for each of their packets another one whose luma is
the alpha. FFmpeg would encode both alike; here the second is lossless, so that all 256 levels come back as they were.
"""

import struct
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import av
from av.packet import Packet, PacketSideData
from av.video.frame import PictureType, VideoFrame

from service.video.formats import Speed
from service.video.writers.container import tell, timed
from service.video.writers.writer import Order
from service.workers.machine import available_cores

ENCODER = "libvpx-vp9"

SPEEDS: dict[Speed, dict[str, str]] = {
    "fastest": {"deadline": "realtime", "cpu-used": "8"},
    "balanced": {"deadline": "realtime", "cpu-used": "5"},
    "smallest": {"deadline": "good", "cpu-used": "2"},
}

KEY_EVERY_FRAMES = 120

IN_STEP = {"lag-in-frames": "0", "auto-alt-ref": "0", "row-mt": "1", "g": str(KEY_EVERY_FRAMES)}
"""One packet for one frame, at once: colours and alpha stay together, and nothing waits in the encoder."""

COLOUR_TILES = {"tile-columns": "2"}
"""So that a player can decode a large film on several cores."""
CHEAP_ALPHA = {"tile-columns": "0", "aq-mode": "0"}
"""Nothing is quantized that an adaptive quantization could be good for; and no smaller part has to be coded for itself:
14.5 ms of CPU a frame of 720p instead of 16.1, to fewer bytes."""

MOST_THREADS = 4

WORST_CRF, CRF_A_POINT = 60, 0.45
"""From a quality of 1 to 100 to libvpx's constant quality, 60 to 15."""

BLOCK_ADDITIONAL = 15
"""AV_PKT_DATA_MATROSKA_BLOCKADDITIONAL."""
ALPHA_ID = struct.Struct(">Q")
"""In front of it: 1 says that it is alpha. Source: WebM's guidelines on alpha, BlockAddID."""


def colour_options(order: Order) -> dict[str, str]:
    crf = round(WORST_CRF - CRF_A_POINT * order.quality)
    return {**IN_STEP, **COLOUR_TILES, **SPEEDS[order.speed], "crf": str(crf), "b": "0"}


def lossless_options(order: Order) -> dict[str, str]:
    return {**IN_STEP, **CHEAP_ALPHA, **SPEEDS[order.speed], "lossless": "1"}


def encoder_threads(order: Order) -> int:
    """Of one encoder. At the fastest speed other stages keep the cores as busy, and what threads of one encoder say to
    each other is lost: on two cores, 11.8 ms of CPU a frame of 720p with one of them and 13.8 with four.
    """
    if order.speed != "fastest":
        return MOST_THREADS
    return max(1, min(MOST_THREADS, available_cores() // 2))


class AlphaEncoder:
    """Of one film, in step with the encoder of its colours, and at the same time, on a thread of its own."""

    def __init__(self, order: Order, time_base: Fraction) -> None:
        context = av.CodecContext.create(ENCODER, "w")
        assert isinstance(context, av.VideoCodecContext)
        tell(context, order, "yuv420p", time_base, is_full_range=True)
        context.options, context.thread_count = lossless_options(order), encoder_threads(order)
        self._context = context
        self._time_base = time_base
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="film-alpha")

    def begin(self, alpha: VideoFrame, at: Fraction, *, is_key: bool) -> "Future[bytes]":
        """What `put_beside` puts beside the colours of the same frame."""
        frame = timed(alpha, at, None, self._time_base)
        if is_key:
            frame.pict_type = PictureType.I
        return self._thread.submit(self._encoded, frame)

    def close(self) -> None:
        self._thread.shutdown()

    def _encoded(self, frame: VideoFrame) -> bytes:
        (packet,) = self._context.encode(frame)
        return bytes(packet)


def put_beside(colours: "Packet[Any]", alpha: bytes) -> None:
    """Adds the alpha of the same frame to a packet."""
    content = ALPHA_ID.pack(1) + alpha
    beside = PacketSideData(BLOCK_ADDITIONAL, len(content))  # type: ignore[call-arg]
    beside.update(content)
    colours.set_sidedata(beside)
