"""Where each millisecond of one request goes: draws the service's own Server-Timing as a picture."""

import argparse
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2

from benchmarks.harness.builds import REPOSITORY
from benchmarks.harness.command import ending_in_one_line
from benchmarks.harness.load import HOST
from benchmarks.harness.machine import machine
from benchmarks.harness.photos import photos
from benchmarks.harness.servers import Server, silhouette
from benchmarks.speed.bars import Bar, draw
from service.cli.console import say

MODEL = "u2net"
PICTURE = REPOSITORY / "docs" / "stages.svg"

SIZES = {"1080p": "1080p", "12mp": "12 MP"}
PRECISIONS = ("fp32", "int8")
REQUESTS = 15
WARM_UPS = 3
TIMEOUT_S = 60.0

TIMING = re.compile(r"(\w+);dur=([\d.]+)")
REST = "HTTP"
"""What the caller waits for beyond the stages: sending, reading and parsing the upload, and sending the answer."""


@dataclass(frozen=True)
class Timing:
    """One request as its caller saw it."""

    total_ms: float
    stages_ms: dict[str, float]
    """As the service says; they follow each other."""


def parse_server_timing(header: str) -> dict[str, float]:
    return {name: float(duration) for name, duration in TIMING.findall(header)}


def median_bar(title: str, timings: Sequence[Timing]) -> Bar:
    """The median of each stage, in the order in which they happen, and of what is left of each total."""
    names = list(timings[0].stages_ms)
    parts = {name: statistics.median(timing.stages_ms.get(name, 0.0) for timing in timings) for name in names}
    rest = statistics.median(timing.total_ms - sum(timing.stages_ms.values()) for timing in timings)
    return Bar(title, {**parts, REST: max(0.0, rest)})


def ask(server: Server, size_name: str, count: int) -> Iterator[Timing]:
    """One request after the other on one connection, the photos in turn."""
    url = f"http://{HOST}:{server.port}/remove-background"
    form = {"model": MODEL, "format": "png"}
    choice = photos(size_name)
    with httpx2.Client(timeout=TIMEOUT_S) as client:
        for number in range(-WARM_UPS, count):
            started = time.perf_counter()
            answer = client.post(url, data=form, files={"image": choice[number % len(choice)]}).raise_for_status()
            total_ms = (time.perf_counter() - started) * 1000
            if number >= 0:
                yield Timing(total_ms, parse_server_timing(answer.headers["Server-Timing"]))


def measure(size_names: Sequence[str], precisions: Sequence[str], count: int) -> Iterator[Bar]:
    for precision in precisions:
        with silhouette(MODEL, precision=precision) as server:
            for name in size_names:
                bar = median_bar(f"{SIZES[name]}, {precision}", list(ask(server, name, count)))
                say(f"{bar.title}: {', '.join(f'{part} {ms:.1f}' for part, ms in bar.parts_ms.items())}")
                yield bar


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--requests", type=int, default=REQUESTS, metavar="N", help=f"of each kind; default: {REQUESTS}"
    )
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES), help="default: all")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS), help="default: both")
    parser.add_argument("--out", type=Path, default=PICTURE, metavar="SVG", help="default: docs/stages.svg")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2 where the service does not start."""
    chosen = _parser().parse_args(arguments)
    with ending_in_one_line("stages", httpx2.HTTPError):
        bars = list(measure(chosen.sizes, chosen.precisions, chosen.requests))
    title = f"A PNG cutout with {MODEL}, one client: median milliseconds of {chosen.requests} requests"
    chosen.out.write_text(draw(sorted(bars, key=lambda bar: bar.title), title, machine()), encoding="utf-8")
    say(f"written to {chosen.out}")


if __name__ == "__main__":
    main()
