"""What a Ray cluster costs against local workers, on one machine: the same networks, requests and number of workers.

A lone client tells what the way there and back adds to one request, in ms; as many clients as there are workers, and
one more, what it takes from the images a second. Both services run all the time and are asked in short turns, so that a
machine that slows down does so for both; what Ray's processes take while nobody asks is told beside it.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.harness.builds import HERE
from benchmarks.harness.command import ending_in_one_line
from benchmarks.harness.load import Load, Tally, multipart, run_load
from benchmarks.harness.machine import machine
from benchmarks.harness.photos import photos
from benchmarks.harness.servers import Server, silhouette
from service.workers.process_tree import tree

POOLS = ("local", "ray")

WORKERS = 2

TURNS = 4
"""Of each service, for each model and number of clients: local, ray, ray, local and so on."""

WARM_UP_S = 1.0
REST_S = 5.0

EPILOG = """\
examples:
  python -m benchmarks.speed.ray_overhead                              selfie and u2net at 1080p, two minutes
  python -m benchmarks.speed.ray_overhead --models selfie --seconds 4 --json ray.json

Needs the extra `ray`.
"""


@dataclass(frozen=True)
class Measured:
    """One pool under so many clients."""

    model: str
    pool: str
    clients: int
    p50_ms: float
    p95_ms: float
    per_s: float
    failures: int


def serve(models: Sequence[str], pool: str, running: ExitStack) -> Server:
    settings = {"pool": pool, "workers": str(WORKERS), "ray_min_replicas": str(WORKERS), "threads_per_worker": "1"}
    return running.enter_context(silhouette(",".join(models), HERE, **settings))


def ask(server: Server, model: str, clients: int, seconds: float, size: str, tally: Tally) -> None:
    requests = [multipart("/segment", "image", photo, {"output": "mask", "model": model}) for photo in photos(size)]
    asyncio.run(run_load(Load(server.port, requests, clients, seconds), tally))


def measure(servers: Mapping[str, Server], model: str, clients: int, seconds: float, size: str) -> list[Measured]:
    """`seconds` of each service, in turns."""
    tallies = {pool: Tally() for pool in POOLS}
    for turn in range(TURNS):
        for pool in POOLS if turn % 2 == 0 else reversed(POOLS):
            ask(servers[pool], model, clients, seconds / TURNS, size, tallies[pool])
    return [_measured(model, pool, clients, tally) for pool, tally in tallies.items()]


def _measured(model: str, pool: str, clients: int, tally: Tally) -> Measured:
    p50_ms, p95_ms = (1000 * tally.latency_s(share) for share in (0.5, 0.95))
    failures = len(tally.answers) - len(tally.good) + tally.broken + tally.unanswered
    return Measured(model, pool, clients, p50_ms, p95_ms, tally.goodput, failures)


def at_rest(server: Server) -> float:
    """Cores that its processes keep busy while nobody asks."""
    before, began = _busy_s(server), time.monotonic()
    time.sleep(REST_S)
    return (_busy_s(server) - before) / (time.monotonic() - began)


def _busy_s(server: Server) -> float:
    total = 0.0
    for process in tree(server.process.pid):
        with suppress(psutil.NoSuchProcess):
            spent = process.cpu_times()
            total += spent.user + spent.system
    return total


def run(models: Sequence[str], seconds: float, size: str) -> tuple[list[Measured], float]:
    """Every measurement, and Ray's share of a core at rest."""
    results = []
    with ExitStack() as running:
        servers = {pool: serve(models, pool, running) for pool in POOLS}
        for model in models:
            for pool in POOLS:  # for nothing: connections, caches, pages
                ask(servers[pool], model, WORKERS, WARM_UP_S, size, Tally())
            for clients in (1, WORKERS + 1):
                results += measure(servers, model, clients, seconds, size)
        return results, at_rest(servers["ray"])


def show(results: Sequence[Measured]) -> Table:
    table = Table("model", "clients", box=None, pad_edge=False, title=machine())
    for heading in ("local p50", "ray p50", "more", "local/s", "ray/s", "less", "failures"):
        table.add_column(heading, justify="right")
    for local, ray in zip(results[::2], results[1::2], strict=True):
        more_ms, less = ray.p50_ms - local.p50_ms, 1 - ray.per_s / local.per_s
        table.add_row(
            local.model,
            str(local.clients),
            f"{local.p50_ms:.1f} ms",
            f"{ray.p50_ms:.1f} ms",
            f"{more_ms:+.1f} ms, {more_ms / local.p50_ms:+.0%}",
            f"{local.per_s:.1f}",
            f"{ray.per_s:.1f}",
            f"{less:.0%}",
            str(local.failures + ray.failures),
        )
    return table


def main() -> None:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=formatter)
    parser.add_argument("--models", default="selfie,u2net", help="separated by commas (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=8.0, help="each measurement (default: %(default)s)")
    parser.add_argument("--size", default="1080p", help="of the photos (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write every measurement to this file")
    chosen = parser.parse_args()
    with ending_in_one_line("ray_overhead"):
        results, rest = run(chosen.models.split(","), chosen.seconds, chosen.size)
    Console().print(show(results))
    Console().print(f"Ray's service at rest keeps {rest:.2f} of a core busy")
    if chosen.json:
        written = {"machine": machine(), "at_rest": rest, "results": [asdict(each) for each in results]}
        chosen.json.write_text(json.dumps(written))


if __name__ == "__main__":
    main()
