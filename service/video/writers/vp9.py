"""VP9, by libvpx (BSD): colours as good as was asked for, and beside them mattes without any loss.

A WebM with alpha has two streams of VP9 in one: the colours, and for each of their packets another one whose luma is
the alpha. FFmpeg would encode both alike; here the second is lossless, so that all 256 levels come back as they were.
"""

import struct
from fractions import Fraction
from typing import Any

import av
from av.packet import Packet, PacketSideData
from av.video.frame import PictureType, VideoFrame

from service.video.formats import Speed
from service.video.writers.container import tell, timed
from service.video.writers.writer import Order

ENCODER = "libvpx-vp9"

SPEEDS: dict[Speed, dict[str, str]] = {
    "fastest": {"deadline": "realtime", "cpu-used": "8"},
    "balanced": {"deadline": "realtime", "cpu-used": "5"},
    "smallest": {"deadline": "good", "cpu-used": "2"},
}

IN_STEP = {"lag-in-frames": "0", "auto-alt-ref": "0", "row-mt": "1", "tile-columns": "2", "g": "120"}
"""One packet for one frame, at once: colours and alpha stay together, and nothing waits in the encoder."""

WORST_CRF, CRF_A_POINT = 60, 0.45
"""From a quality of 1 to 100 to libvpx's constant quality, 60 to 15."""

BLOCK_ADDITIONAL = 15
"""AV_PKT_DATA_MATROSKA_BLOCKADDITIONAL."""
ALPHA_ID = struct.Struct(">Q")
"""In front of it: 1 says that it is alpha. Source: WebM's guidelines on alpha, BlockAddID."""


def colour_options(order: Order) -> dict[str, str]:
    crf = round(WORST_CRF - CRF_A_POINT * order.quality)
    return {**IN_STEP, **SPEEDS[order.speed], "crf": str(crf), "b": "0"}


def lossless_options(order: Order) -> dict[str, str]:
    return {**IN_STEP, **SPEEDS[order.speed], "lossless": "1"}


class AlphaEncoder:
    """Of one film, in step with the encoder of its colours."""

    def __init__(self, order: Order, time_base: Fraction) -> None:
        context = av.CodecContext.create(ENCODER, "w")
        assert isinstance(context, av.VideoCodecContext)
        tell(context, order, "yuv420p", time_base, is_full_range=True)
        context.options = lossless_options(order)
        self._context = context
        self._time_base = time_base

    def put_beside(self, colours: "Packet[Any]", alpha: VideoFrame, at: Fraction) -> None:
        """Adds the alpha of the same frame to a packet. Where a player can begin with one, so it can with the
        other.
        """
        frame = timed(alpha, at, None, self._time_base)
        if colours.is_keyframe:
            frame.pict_type = PictureType.I
        (packet,) = self._context.encode(frame)
        content = ALPHA_ID.pack(1) + bytes(packet)
        beside = PacketSideData(BLOCK_ADDITIONAL, len(content))  # type: ignore[call-arg]
        beside.update(content)
        colours.set_sidedata(beside)
