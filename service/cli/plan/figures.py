"""What a plan is made of: each figure with where it was measured. What nobody has measured is not here.

One picture a request, cut out with default options, U2-Net in int8. The CPU is an AMD EPYC with AVX2 and without VNNI,
two virtual cores, idle otherwise where a figure does not say that it is too high.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measurement."""

    value: float
    unit: str
    source: str


@dataclass(frozen=True)
class SizeFigures:
    """What depends on the size of the pictures."""

    pixels: Figure
    """CPU time of all but the network: decoding, edges, colours, encoding."""
    upload: Figure
    answer: Figure
    megapixels: float


STAGES = "make bench-before, 2026-11-29, idle machine, medians of five rounds: docs/performance.md"
PEERS = "benchmarks/peers/compare.py, 2026-11-25: docs/performance.md, Beside others"
PHOTOS = "benchmarks/harness/photos.py, the mean of three JPEGs"
MEMORY = "docs/performance.md, Memory and start-up, 2026-11-28"
SCALING = "benchmarks/speed/scaling.py, 2026-11-28: docs/scale.md"

SIZES: Mapping[str, SizeFigures] = {
    "1080p": SizeFigures(
        pixels=Figure(83, "ms", STAGES),
        upload=Figure(260, "kB", PHOTOS),
        answer=Figure(1365, "kB", PEERS),
        megapixels=2.07,
    ),
    "12mp": SizeFigures(
        pixels=Figure(413, "ms", STAGES),
        upload=Figure(940, "kB", PHOTOS),
        answer=Figure(6042, "kB", PEERS),
        megapixels=12.0,
    ),
}

NETWORK = Figure(
    546, "ms", "benchmarks/speed/streams.py u2net, 2026-11-29, idle machine, every core busy with an image of its own"
)
FRONT = Figure(
    6, "ms", "benchmarks/speed/scaling.py, 2026-11-29, almost idle: docs/performance.md, One process on many cores"
)
LOCK = Figure(
    10, "ms", "make bench-before, which asks py-spy, 2026-11-29, idle machine, one round: docs/performance.md"
)
"""Of the pixel stages; what a front does beside them holds it all the time."""
SUPERVISOR = Figure(1.9, "ms", f"{SCALING}, beside much other work, so too high")

WORKER_MEMORY = Figure(300, "MB", f"{MEMORY}: u2net in int8 by convolutions of our own, beyond what workers share")
SHARED_MEMORY = Figure(157, "MB", f"{MEMORY}: of all workers together")
FRONT_MEMORY = Figure(90, "MB", "resident memory of a front that has just started, 2026-11-28")
PICTURE_MEMORY = Figure(
    15, "MB", "benchmarks/reliability/picture_memory.py, 2026-11-28, a megapixel, the most that was seen"
)
