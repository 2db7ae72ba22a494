"""One start of a build's server: how long it takes, and what it does under each load."""

import asyncio
import math
from collections.abc import Iterator

from benchmarks.before.measures import Figures
from benchmarks.harness.builds import Build
from benchmarks.harness.load import Load, Tally, multipart, run_load
from benchmarks.harness.memory import MEGABYTE, watched
from benchmarks.harness.photos import photos
from benchmarks.harness.servers import Server, StartFailed, silhouette

MODEL = "u2net"
FORM = {"model": MODEL, "format": "png"}
LOADS = (("1080p", 1), ("1080p", 4), ("1080p", 16), ("12mp", 1))
WATCHED = ("1080p", 16)
"""The load under which memory is measured; those before it need less."""

SAMPLE_S = 0.5
WARM_UPS = (1, 2)
GRACE_S = 60.0


def measure_serving(build: Build, precision: str, seconds: float, number: int) -> Figures:
    """Whatever goes wrong becomes the failure of these figures; those before it stay."""
    values: dict[str, float] = {}
    try:
        with silhouette(MODEL, build, precision=precision) as server:
            values["start_s"] = server.age_s()
            for name, value in _loads(server, seconds):
                values[name] = value
    except (StartFailed, OSError) as error:
        return Figures(build.name, "serving", number, values, str(error))
    return Figures(build.name, "serving", number, values)


def _loads(server: Server, seconds: float) -> Iterator[tuple[str, float]]:
    """Raises StartFailed where a load has no good answer."""
    for clients in WARM_UPS:
        _ask(server, "1080p", clients, 0.001)
    for size, clients in LOADS:
        with watched(server, SAMPLE_S) as memory:
            tally = _ask(server, size, clients, seconds)
        if clients == 1 and size == "1080p":
            yield "p50_1080p_1_s", tally.latency_s(0.5)
        else:
            yield f"answers_{size}_{clients}", tally.goodput
        if (size, clients) == WATCHED:
            peak = memory.peak_bytes if math.isnan(memory.peak_pss_bytes) else memory.peak_pss_bytes
            yield "memory_16_mb", peak / MEGABYTE


def _ask(server: Server, size: str, clients: int, seconds: float) -> Tally:
    requests = [multipart("/remove-background", "image", photo, FORM) for photo in photos(size)]
    tally = Tally()
    asyncio.run(run_load(Load(server.port, requests, clients, seconds, GRACE_S, seed=None), tally))
    if not tally.good:
        raise StartFailed(f"no good answer, {size}, {clients} at once: {tally.statuses or 'nothing'} ({server.log})")
    return tally
