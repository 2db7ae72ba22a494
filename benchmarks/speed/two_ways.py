"""What it costs, or gains, to run the service another way on the same machine: replicas in a Ray cluster instead of
local workers, or two fronts instead of one; with the same networks, requests and number of workers.

A lone client tells what the way there and back adds to one request, in ms; more clients than there are workers, what it
makes of the images a second. Both services run all the time and are asked in short turns, so that a machine that slows
down does so for both; what the other's processes take while nobody asks is told beside it.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness.builds import HERE
from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.cpu import cpu_s
from benchmarks.harness.load import Load, Tally, multipart, run_load
from benchmarks.harness.machine import machine
from benchmarks.harness.photos import photos
from benchmarks.harness.servers import Server, silhouette

WORKERS = 2

PLAIN = "plain"
COMMON = {"workers": str(WORKERS), "threads_per_worker": "1"}

WAYS = {
    PLAIN: COMMON,
    "ray": COMMON | {"pool": "ray", "ray_min_replicas": str(WORKERS)},
    "fronts": COMMON | {"fronts": "2"},
}
"""Settings."""

CLIENTS = {"ray": (1, WORKERS + 1), "fronts": (1, 2 * WORKERS, 8 * WORKERS)}

TURNS = 4
"""Of each service, for each model and number of clients: plain, other, other, plain and so on."""

WARM_UP_S = 1.0
REST_S = 5.0

EPILOG = """\
examples:
  python -m benchmarks.speed.two_ways ray       selfie and u2net at 1080p, two minutes; needs the extra `ray`
  python -m benchmarks.speed.two_ways fronts    more than three minutes; less with --seconds 2 or --models selfie
  python -m benchmarks.speed.two_ways ray --models selfie --seconds 4 --json ray.json
"""


@dataclass(frozen=True)
class Measured:
    """One of both under so many clients."""

    model: str
    way: str
    clients: int
    p50_ms: float
    p95_ms: float
    per_s: float
    failures: int


def ask(server: Server, model: str, clients: int, seconds: float, size: str, tally: Tally) -> None:
    requests = [multipart("/segment", "image", photo, {"output": "mask", "model": model}) for photo in photos(size)]
    asyncio.run(run_load(Load(server.port, requests, clients, seconds), tally))


def measure(servers: Mapping[str, Server], model: str, clients: int, seconds: float, size: str) -> list[Measured]:
    """`seconds` of each service, in turns."""
    tallies = {way: Tally() for way in servers}
    for turn in range(TURNS):
        for way in servers if turn % 2 == 0 else reversed(list(servers)):
            ask(servers[way], model, clients, seconds / TURNS, size, tallies[way])
    return [_measured(model, way, clients, tally) for way, tally in tallies.items()]


def _measured(model: str, way: str, clients: int, tally: Tally) -> Measured:
    p50_ms, p95_ms = (1000 * tally.latency_s(share) for share in (0.5, 0.95))
    return Measured(model, way, clients, p50_ms, p95_ms, tally.goodput, tally.lost)


def at_rest(server: Server) -> float:
    """Cores that its processes keep busy while nobody asks."""
    before, began = cpu_s(server.processes()), time.monotonic()
    time.sleep(REST_S)
    return (cpu_s(server.processes()) - before) / (time.monotonic() - began)


def run(other: str, models: Sequence[str], seconds: float, size: str) -> tuple[list[Measured], float]:
    """Every measurement, and the other's share of a core at rest."""
    results = []
    with ExitStack() as running:
        served = ",".join(models)
        servers = {way: running.enter_context(silhouette(served, HERE, **WAYS[way])) for way in (PLAIN, other)}
        for model in models:
            for server in servers.values():  # for nothing: connections, caches, pages
                ask(server, model, WORKERS, WARM_UP_S, size, Tally())
            for clients in CLIENTS[other]:
                results += measure(servers, model, clients, seconds, size)
        return results, at_rest(servers[other])


def show(other: str, results: Sequence[Measured]) -> Table:
    table = Table("model", "clients", box=None, pad_edge=False, title=machine())
    for heading in ("plain p50", f"{other} p50", "more", "plain/s", f"{other}/s", "gain", "failures"):
        table.add_column(heading, justify="right")
    for plain, changed in zip(results[::2], results[1::2], strict=True):
        more_ms, gain = changed.p50_ms - plain.p50_ms, changed.per_s / plain.per_s - 1
        table.add_row(
            plain.model,
            str(plain.clients),
            f"{plain.p50_ms:.1f} ms",
            f"{changed.p50_ms:.1f} ms",
            f"{more_ms:+.1f} ms, {more_ms / plain.p50_ms:+.0%}",
            f"{plain.per_s:.1f}",
            f"{changed.per_s:.1f}",
            f"{gain:+.0%}",
            str(plain.failures + changed.failures),
        )
    return table


def main() -> None:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("other", choices=CLIENTS, help="what is measured beside the plain service")
    parser.add_argument("--models", default="selfie,u2net", help="separated by commas (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=8.0, help="each measurement (default: %(default)s)")
    parser.add_argument("--size", default="1080p", help="of the photos (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write every measurement to this file")
    chosen = parser.parse_args()
    with ending_in_one_line("two_ways"):
        results, rest = run(chosen.other, chosen.models.split(","), chosen.seconds, chosen.size)
    Console().print(show(chosen.other, results))
    Console().print(f"{chosen.other} at rest keeps {rest:.2f} of a core busy")
    if chosen.json:
        written = {"machine": machine(), "at_rest": rest, "results": [asdict(each) for each in results]}
        chosen.json.write_text(json.dumps(written))


if __name__ == "__main__":
    main()
