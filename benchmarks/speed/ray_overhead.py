"""What a Ray cluster costs against local workers, on one machine: the same networks, requests and number of workers.

A lone client tells what the way there and back adds to one request, in ms; as many clients as there are workers, and
one more, what it takes from the images a second.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness.builds import HERE
from benchmarks.harness.command import ending_in_one_line
from benchmarks.harness.load import Load, Tally, multipart, run_load
from benchmarks.harness.machine import machine
from benchmarks.harness.photos import photos
from benchmarks.harness.servers import Server, silhouette

POOLS = ("local", "ray")

WORKERS = 2

EPILOG = """\
examples:
  python -m benchmarks.speed.ray_overhead                              selfie and u2net at 1080p, three minutes
  python -m benchmarks.speed.ray_overhead --models selfie --seconds 5 --json ray.json

Needs the extra `ray`. Each pool is started twice, in turns, so that a machine that slows down does so for both.
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


@contextmanager
def served(model: str, pool: str) -> Iterator[Server]:
    settings = {"pool": pool, "workers": str(WORKERS), "ray_min_replicas": str(WORKERS), "threads_per_worker": "1"}
    with silhouette(model, HERE, **settings) as server:
        yield server


def measure(server: Server, model: str, pool: str, clients: int, seconds: float, size: str) -> Measured:
    requests = [multipart("/segment", "image", photo, {"output": "mask"}) for photo in photos(size)]
    tally = Tally()
    asyncio.run(run_load(Load(server.port, requests, clients, seconds), tally))
    p50_ms, p95_ms = (1000 * tally.latency_s(share) for share in (0.5, 0.95))
    return Measured(model, pool, clients, p50_ms, p95_ms, tally.goodput)


def run(models: Sequence[str], seconds: float, size: str) -> list[Measured]:
    results = []
    for model in models:
        for pool in (*POOLS, *reversed(POOLS)):
            with served(model, pool) as server:
                measure(server, model, pool, WORKERS, 2.0, size)  # for nothing: connections, caches, pages
                results += [measure(server, model, pool, clients, seconds, size) for clients in (1, WORKERS + 1)]
    return results


def show(results: Sequence[Measured]) -> Table:
    table = Table("model", "clients", box=None, pad_edge=False, title=machine())
    for heading in ("local p50", "ray p50", "more", "local/s", "ray/s", "less"):
        table.add_column(heading, justify="right")
    for model, clients in dict.fromkeys((each.model, each.clients) for each in results):
        local, ray = (_best(results, model, clients, pool) for pool in POOLS)
        more_ms, less = ray.p50_ms - local.p50_ms, 1 - ray.per_s / local.per_s
        table.add_row(
            model,
            str(clients),
            f"{local.p50_ms:.1f} ms",
            f"{ray.p50_ms:.1f} ms",
            f"{more_ms:+.1f} ms, {more_ms / local.p50_ms:+.0%}",
            f"{local.per_s:.1f}",
            f"{ray.per_s:.1f}",
            f"{less:.0%}",
        )
    return table


def _best(results: Sequence[Measured], model: str, clients: int, pool: str) -> Measured:
    """Of two runs the quieter one."""
    runs = [each for each in results if (each.model, each.clients, each.pool) == (model, clients, pool)]
    return min(runs, key=lambda each: each.p50_ms)


def main() -> None:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=formatter)
    parser.add_argument("--models", default="selfie,u2net", help="separated by commas (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="each measurement (default: %(default)s)")
    parser.add_argument("--size", default="1080p", help="of the photos (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write every measurement to this file")
    chosen = parser.parse_args()
    with ending_in_one_line("ray_overhead"):
        results = run(chosen.models.split(","), chosen.seconds, chosen.size)
    Console().print(show(results))
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": machine(), "results": [asdict(each) for each in results]}))


if __name__ == "__main__":
    main()
