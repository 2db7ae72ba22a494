"""Runs the service under load for minutes, with photos of many sizes, and says whether any of its processes grows."""

import argparse
import asyncio
import contextlib
import io
import math
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.load import Load, Tally, multipart, run_load
from benchmarks.harness.memory import MEGABYTE, Memory, Slope, rss_bytes, slope, watched
from benchmarks.harness.photos import PHOTOS
from benchmarks.harness.servers import Server, silhouette

SEED = 20

SETTLED_AFTER_S = 120.0
"""Until then caches, allocators and thread pools take what they will keep."""

MAX_MB_PER_MINUTE = 1.0
WARM_UP_S = 5.0

SPELL_S, REST_S = 10.0, 1.0
"""Load comes in spells, and growth is measured between them, when nothing is in flight. Under load, what is in flight
makes the memory of the service go up and down by 300 MB, in which 1 MB a minute cannot be seen: after four minutes the
standard error of the slope was 20 MB a minute."""

SIZES = ((640, 480), (1280, 720), (1920, 1080), (3000, 2000), (4000, 3000))
FORMATS = (("JPEG", {"quality": 90}), ("PNG", {"compress_level": 1}), ("WEBP", {"quality": 85, "method": 0}))

EPILOG = """\
examples:
  python -m benchmarks.reliability.soak --model selfie --minutes 10 --concurrency 8
  the same with other settings of the service:
  SILHOUETTE_WORKERS=1 python -m benchmarks.reliability.soak --model u2net --minutes 10

Exits with 1 where a process grew by 1 MB a minute or more after the first two minutes, a worker was restarted, or a
request was not answered with 2xx.
"""


def photos(seed: int = SEED, sizes: Sequence[tuple[int, int]] = SIZES) -> list[bytes]:
    """Every photo in every size and format, each a crop of its own; 12 megapixels at most."""
    draw = random.Random(seed)
    return [
        _encoded(_crop(Image.fromarray(load()), size, draw), format_, options)
        for load in PHOTOS.values()
        for size in sizes
        for format_, options in FORMATS
    ]


def _crop(photo: Image.Image, size: tuple[int, int], draw: random.Random) -> Image.Image:
    """Most of the photo, in the shape of `size` and enlarged to it."""
    scale = draw.uniform(0.8, 1.0) * min(photo.width / size[0], photo.height / size[1])
    width, height = size[0] * scale, size[1] * scale
    left, top = draw.uniform(0, photo.width - width), draw.uniform(0, photo.height - height)
    return photo.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))


def _encoded(photo: Image.Image, format_: str, options: dict[str, int]) -> bytes:
    out = io.BytesIO()
    photo.save(out, format_, **options)
    return out.getvalue()


@dataclass(frozen=True)
class Growth:
    """How one process did."""

    role: str
    peak_mb: float
    rest_mb: float
    """At the end, with nothing in flight."""
    slope: Slope | None
    """None: it did not live long enough to tell."""


def growths(loaded: Memory, at_rest: Memory, roles: dict[int, str], settled_after_s: float) -> list[Growth]:
    """One for each process that ever was, the service first."""
    found = []
    for pid, samples in loaded.samples.items():
        role, peak = roles.get(pid, "helper"), max(count for _, count in samples)
        rest = at_rest.samples.get(pid, [])
        rest_mb = rest[-1][1] / MEGABYTE if rest else math.nan
        found.append(Growth(role, peak / MEGABYTE, rest_mb, slope(rest, settled_after_s)))
    return sorted(found, key=lambda growth: (growth.role not in roles.values(), growth.role))


@dataclass(frozen=True)
class Soak:
    """Everything that a run found."""

    tally: Tally
    growths: Sequence[Growth]
    restarts: float

    def failures(self) -> list[str]:
        """Why this is not good enough; empty where it is."""
        growing = [
            f"{growth.role} grows by {growth.slope.mb_per_minute:.2f} MB a minute"
            for growth in self.growths
            if growth.slope and growth.slope.mb_per_minute >= MAX_MB_PER_MINUTE
        ]
        counted = [(self.restarts, "workers were restarted"), (self.tally.lost, "requests were not answered with 2xx")]
        missing = [] if any(growth.slope for growth in self.growths) else ["too short to tell whether anything grows"]
        return growing + missing + [f"{count:.0f} {what}" for count, what in counted if count]


@dataclass(frozen=True)
class Run:
    """What is asked for, and for how long."""

    model: str
    path: str
    concurrency: int
    seconds: float


async def run(server: Server, plan: Run, memory: Memory) -> Tally:
    """Spell after spell of load, with a line that tells how it goes; `memory` gets the rest after each spell."""
    requests = [multipart(plan.path, "image", photo, {"allow_empty": "true"}) for photo in photos()]
    await run_load(Load(server.port, requests, plan.concurrency, WARM_UP_S), Tally())
    total, started = Tally(), time.perf_counter()
    with _progress() as progress:
        bar = progress.add_task(plan.model, total=plan.seconds, told="")
        while (passed_s := time.perf_counter() - started) < plan.seconds:
            seconds = min(SPELL_S, plan.seconds - passed_s)
            seed = SEED + len(total.answers)
            await run_load(Load(server.port, requests, plan.concurrency, seconds, seed=seed), total)
            await asyncio.sleep(REST_S)
            memory.add(time.perf_counter() - started, rss_bytes(server.processes()))
            told = f"{total.goodput:.1f}/s, p95 {total.latency_s(0.95):.2f} s" if total.good else ""
            progress.update(bar, completed=time.perf_counter() - started, told=told)
    return total


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def restarts(server: Server) -> float:
    """Of workers, for whatever cause, as the service itself counts them; NaN where it does not answer any more."""
    with contextlib.suppress(httpx2.HTTPError):
        families = text_string_to_metric_families(server.get("/metrics"))
        found = [sample for family in families for sample in family.samples]
        return sum(sample.value for sample in found if sample.name == "silhouette_worker_restarts_total")
    return math.nan


def print_soak(soak: Soak) -> None:
    console, tally = Console(), soak.tally
    speed = Table("requests", "rps", "p50", "p95", "p99", "received", "restarts", "status", box=None)
    shares = [f"{tally.latency_s(share):.3f} s" for share in (0.5, 0.95, 0.99)]
    statuses = ", ".join(f"{status}: {count}" for status, count in tally.statuses.items())
    lost = f"; broken {tally.broken}, unanswered {tally.unanswered}" if tally.broken or tally.unanswered else ""
    received = f"{tally.received_bytes / MEGABYTE:.0f} MB"
    speed.add_row(
        str(len(tally.answers)), f"{tally.goodput:.2f}", *shares, received, f"{soak.restarts:.0f}", statuses + lost
    )
    console.print(speed, "")
    memory = Table("process", "peak MB", "at rest MB", f"MB a minute after {SETTLED_AFTER_S / 60:.0f} min", box=None)
    for growth in soak.growths:
        rise = f"{growth.slope.mb_per_minute:+.2f} ± {growth.slope.error:.2f}" if growth.slope else "too short"
        memory.add_row(growth.role, f"{growth.peak_mb:.0f}", f"{growth.rest_mb:.0f}", rise)
    console.print(memory, "")
    failures = soak.failures()
    console.print(f"FAIL: {'; '.join(failures)}" if failures else "PASS: no process grows", highlight=False)


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--model", required=True, metavar="NAME", help="a model that was pulled")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N", help="default: 10; under 3 tells little")
    parser.add_argument("--concurrency", type=int, default=8, metavar="N", help="clients; default: 8")
    parser.add_argument("--path", default="/remove-background", help="what is asked for; default: /remove-background")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where something grew or failed, with 2 where the service does not start."""
    chosen = _parser().parse_args(arguments)
    plan = Run(chosen.model, chosen.path, chosen.concurrency, chosen.minutes * 60)
    with ending_in_one_line("soak"), silhouette(plan.model) as server, watched(server) as loaded:
        at_rest = Memory()
        tally = asyncio.run(run(server, plan, at_rest))
        grown = growths(loaded, at_rest, server.roles(), SETTLED_AFTER_S)
        soak = Soak(tally, grown, restarts(server))
    print_soak(soak)
    sys.exit(1 if soak.failures() else 0)


if __name__ == "__main__":
    main()
