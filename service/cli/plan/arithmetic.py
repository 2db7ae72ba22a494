"""How much of everything some load takes. Pure: from figures to lines, each with its formula."""

import math
from dataclasses import dataclass

from service.cli.plan.figures import (
    FRONT,
    FRONT_MEMORY,
    LOCK,
    NETWORK,
    PICTURE_MEMORY,
    SHARED_MEMORY,
    SIZES,
    SUPERVISOR,
    WORKER_MEMORY,
)
from service.workers.plan import CUDA_BATCH_SIZE
from service.workers.room import photos_to_be_busy

BUSY = 0.7
"""Of all the time: what is busier lets requests wait, as they do not come one after the other."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for."""

    per_s: float
    """Answers a second."""
    size: str
    """One of SIZES."""
    machine_cores: int
    gpu: str | None = None
    """Its name, where the networks are to run on GPUs."""
    images_per_s: float | None = None
    """What one of them was measured to take, by whoever asks."""
    network_ms: float = NETWORK.value
    """CPU time of the network for one picture."""


@dataclass(frozen=True)
class Line:
    """One thing that is needed, and why."""

    what: str
    formula: str
    result: str


def plan(wanted: Wanted) -> list[Line]:
    """From the outside in."""
    network = [] if wanted.gpu else [_network(wanted)]
    inside = [*network, _pixels(wanted), _fronts(wanted), _queue()]
    return [_traffic(wanted), *inside, *_machines(wanted), *_gpus(wanted)]


def cores(wanted: Wanted) -> float:
    """Busy for `BUSY` of the time."""
    network_ms = 0.0 if wanted.gpu else wanted.network_ms
    return wanted.per_s * (network_ms + _pixels_ms(wanted)) / 1000 / BUSY


def fronts(wanted: Wanted) -> int:
    return max(1, math.ceil(wanted.per_s * (LOCK.value + FRONT.value) / 1000 / BUSY))


def machines(wanted: Wanted) -> int:
    """As many as have the cores; and no supervisor has more to do than it can."""
    by_cores = math.ceil(cores(wanted) / wanted.machine_cores)
    by_queue = math.ceil(wanted.per_s * SUPERVISOR.value / 1000 / BUSY)
    return max(1, by_cores, by_queue)


def _pixels_ms(wanted: Wanted) -> float:
    return SIZES[wanted.size].pixels.value + FRONT.value


def _traffic(wanted: Wanted) -> Line:
    size = SIZES[wanted.size]
    in_mbit, out_mbit = (wanted.per_s * figure.value * 8 / 1000 for figure in (size.upload, size.answer))
    formula = f"{wanted.per_s:g}/s x {size.upload.value:g} kB, {wanted.per_s:g}/s x {size.answer.value:g} kB"
    return Line("network traffic", formula, f"{in_mbit:,.0f} Mbit/s in, {out_mbit:,.0f} Mbit/s out")


def _network(wanted: Wanted) -> Line:
    formula = f"{wanted.per_s:g}/s x {wanted.network_ms:g} ms / {BUSY:g}"
    return Line("cores for the network", formula, f"{wanted.per_s * wanted.network_ms / 1000 / BUSY:,.1f}")


def _pixels(wanted: Wanted) -> Line:
    pixels_ms = SIZES[wanted.size].pixels.value
    formula = f"{wanted.per_s:g}/s x ({pixels_ms:g} + {FRONT.value:g}) ms / {BUSY:g}"
    return Line("cores for pixels and HTTP", formula, f"{wanted.per_s * _pixels_ms(wanted) / 1000 / BUSY:,.1f}")


def _fronts(wanted: Wanted) -> Line:
    formula = f"{wanted.per_s:g}/s x ({LOCK.value:g} + {FRONT.value:g}) ms with the lock / {BUSY:g}"
    return Line("fronts, of all machines", formula, f"{fronts(wanted)}")


def _queue() -> Line:
    most = BUSY * 1000 / SUPERVISOR.value
    return Line("answers/s of one supervisor", f"{BUSY:g} x 1000 / {SUPERVISOR.value:g} ms", f"{most:,.0f} at most")


def _machines(wanted: Wanted) -> list[Line]:
    count = machines(wanted)
    workers = 0 if wanted.gpu else math.ceil(wanted.per_s * wanted.network_ms / 1000 / BUSY / count)
    pictures = math.ceil(wanted.per_s * _pixels_ms(wanted) / 1000 / BUSY / count)
    each = math.ceil(fronts(wanted) / count)
    in_flight_mb = pictures * SIZES[wanted.size].megapixels * PICTURE_MEMORY.value
    memory_mb = SHARED_MEMORY.value + workers * WORKER_MEMORY.value + each * FRONT_MEMORY.value + in_flight_mb
    formula = (
        f"{SHARED_MEMORY.value:g} MB + {workers} workers x {WORKER_MEMORY.value:g} MB + {each} fronts x "
        f"{FRONT_MEMORY.value:g} MB + {pictures} pictures at work x {SIZES[wanted.size].megapixels:g} megapixels x "
        f"{PICTURE_MEMORY.value:g} MB"
    )
    return [
        Line("machines", f"{cores(wanted):,.1f} cores / {wanted.machine_cores} cores of one", f"{count}"),
        Line("SILHOUETTE_FRONTS of each", f"{fronts(wanted)} fronts / {count}", f"{each}"),
        Line("memory of each, at least", formula, f"{memory_mb / 1000:,.1f} GB"),
        *_in_flight(wanted),
    ]


def _in_flight(wanted: Wanted) -> list[Line]:
    """What keeps one machine busy, which is what it lets in where nobody sets that."""
    gpus = _gpu_count(wanted)
    if wanted.gpu and gpus is None:
        return []
    places = wanted.machine_cores if gpus is None else math.ceil(gpus / machines(wanted)) * CUDA_BATCH_SIZE
    formula = f"2 x {places} images that workers take + {wanted.machine_cores} cores"
    return [Line("photos in flight on each", formula, f"{photos_to_be_busy(places, wanted.machine_cores)}")]


def _gpus(wanted: Wanted) -> list[Line]:
    if not wanted.gpu:
        return []
    count = _gpu_count(wanted)
    if count is None:
        advice = "not measured by us: benchmarks/speed/gpu_check.py does, then --images-per-second"
        return [Line(f"GPUs ({wanted.gpu})", "answers/s / images/s of one", advice)]
    formula = f"{wanted.per_s:g}/s / {wanted.images_per_s:g} images/s (yours) / {BUSY:g}"
    return [Line(f"GPUs ({wanted.gpu})", formula, f"{count}")]


def _gpu_count(wanted: Wanted) -> int | None:
    """None where there are to be none, or nobody has said what one of them takes."""
    if not wanted.gpu or wanted.images_per_s is None:
        return None
    return math.ceil(wanted.per_s / wanted.images_per_s / BUSY)
