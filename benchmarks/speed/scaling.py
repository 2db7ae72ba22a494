"""How many answers a second one process can give on machines with more cores than this one has."""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.table import Table

from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.cpu import cpu_s
from benchmarks.harness.load import Load, Tally, multipart, run_load
from benchmarks.harness.photos import photos
from benchmarks.harness.report import print_with_machine, write_rows
from benchmarks.harness.servers import Server, python_server

CORES = (8, 32, 64, 512)
FRONTS = (1, 2)
CLIENTS_PER_CORE = 3
MOST_CLIENTS = 400
SECONDS = 8.0

EPILOG = """\
The service runs as it is, with its HTTP, queues and threads, on a photo of 1080p. What takes cores is simulated: a
worker sleeps for as long as the network takes, with a batch for as many images as there would be workers; a pixel
thread spins with the interpreter's lock held for as long as the pixel stages were seen to hold it, and sleeps for the
rest of their time. Of N cores as many are workers, and the others pixel threads, as both need. So a figure here is what
the fronts allow, on a core of this machine for each, one for the supervisor of several, and one for the clients.

"cores alone" is N divided by the core time of an answer; "lock alone" is the fronts divided by the time that an answer
holds the lock, measured as their CPU time, and of several no more than what their supervisor allows, which has the
queue. The lower of both is the most that can be had. 512 cores stand for any number of them.

The defaults were measured on 2 cores of an AMD EPYC: `benchmarks/speed/pixel_stages.py` and py-spy say how long pixels
take and hold the lock on yours.

examples:
  python -m benchmarks.speed.scaling
  with pixels that hold no lock:  python -m benchmarks.speed.scaling --lock-ms 5 --pixel-ms 70
"""

NETWORK_MS, PIXEL_MS, LOCK_MS = 150.0, 120.0, 50.0


@dataclass(frozen=True)
class Row:
    """What one process gives on so many cores."""

    cores: int
    workers: int
    pixel_threads: int
    clients: int
    answers_per_s: float
    p50_ms: float
    lock_ms: float
    """CPU time of a front for an answer: nothing in it computes without the lock."""
    cores_alone: float
    """Answers a second, were there no lock."""
    fronts: int = 1
    supervisor_ms: float = 0.0
    """CPU time for an answer of the one process that has the queue, where there are several fronts."""

    @property
    def lock_alone(self) -> float:
        """Answers a second, were there cores without end."""
        of_the_fronts = self.fronts * 1000 / self.lock_ms
        return min(of_the_fronts, 1000 / self.supervisor_ms) if self.supervisor_ms else of_the_fronts


def share_cores(cores: int, network_ms: float, pixel_ms: float) -> tuple[int, int]:
    """(workers, pixel threads), so that neither waits for the other; one of each at least."""
    workers = max(1, min(cores - 1, round(cores * network_ms / (network_ms + pixel_ms))))
    return workers, max(1, cores - workers)


def measure(cores: int, fronts: int, chosen: argparse.Namespace) -> Row:
    """Raises StartFailed where the server does not start."""
    workers, threads = share_cores(cores, chosen.network_ms, chosen.pixel_ms)
    clients = min(MOST_CLIENTS, CLIENTS_PER_CORE * cores)
    settings = {
        "fronts": fronts,
        "workers": workers,
        "threads": threads,
        "network-ms": chosen.network_ms,
        "lock-ms": chosen.lock_ms,
        "free-ms": chosen.pixel_ms - chosen.lock_ms,
    }
    flags = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
    with python_server("benchmarks.speed.scaling_server", *flags) as server:
        _ask(server, fronts * CLIENTS_PER_CORE, 0.001)
        first, *others = processes(server, fronts)
        before_s = cpu_s([first]), cpu_s(others)
        tally = _ask(server, clients, chosen.seconds)
        first_ms, others_ms = (
            1000 * (after_s - spent_s) / max(1, len(tally.answers))
            for after_s, spent_s in zip((cpu_s([first]), cpu_s(others)), before_s, strict=True)
        )
    lock_ms, supervisor_ms = (first_ms, 0.0) if fronts == 1 else (others_ms, first_ms)
    cores_alone = 1000 * cores / (chosen.network_ms + chosen.pixel_ms)
    p50_ms = 1000 * tally.latency_s(0.5)
    return Row(cores, workers, threads, clients, tally.goodput, p50_ms, lock_ms, cores_alone, fronts, supervisor_ms)


def processes(server: Server, fronts: int) -> list[psutil.Process]:
    """The one that was started, and its fronts where there are several: of its children, those that listen."""
    first = psutil.Process(server.process.pid)
    if fronts == 1:
        return [first]
    children = first.children()
    return [first, *(each for each in children if any(end.status == "LISTEN" for end in each.net_connections()))]


def _ask(server: Server, clients: int, seconds: float) -> Tally:
    """One photo for all: the simulated stages answer what the first of them was."""
    request = multipart("/remove-background", "image", photos("1080p")[0], {"format": "png"})
    tally = Tally()
    asyncio.run(run_load(Load(server.port, [request], clients, seconds), tally))
    return tally


def table_of(rows: Sequence[Row], chosen: argparse.Namespace) -> Table:
    constants = f"network {chosen.network_ms:g} ms, pixels {chosen.pixel_ms:g} ms, with the lock {chosen.lock_ms:g} ms"
    headings = (
        "cores",
        "fronts",
        "workers",
        "pixel threads",
        "clients",
        "answers/s",
        "cores alone",
        "lock alone",
        "lock ms",
        "supervisor ms",
        "p50 ms",
    )
    table = Table(*headings, title=constants, box=None, title_justify="left")
    for row in rows:
        counts = (row.cores, row.fronts, row.workers, row.pixel_threads, row.clients)
        figures = (row.answers_per_s, row.cores_alone, row.lock_alone, row.lock_ms, row.supervisor_ms)
        rates = (f"{rate:.1f}" for rate in figures)
        table.add_row(*map(str, counts), *rates, f"{row.p50_ms:.0f}")
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--cores", type=int, nargs="+", default=CORES, metavar="N", help="default: 8 32 64 512")
    parser.add_argument("--fronts", type=int, nargs="+", default=FRONTS, metavar="N", help="default: 1 2")
    for name, default, what in (
        ("network", NETWORK_MS, "of one core for the network"),
        ("pixel", PIXEL_MS, "of one core for the pixel stages"),
        ("lock", LOCK_MS, "of those with the lock held"),
    ):
        parser.add_argument(
            f"--{name}-ms", type=float, default=default, metavar="MS", help=f"{what}; default: {default:g}"
        )
    parser.add_argument("--seconds", type=float, default=SECONDS, metavar="N", help=f"of load; default: {SECONDS:g}")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the rows to OUT")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2 where the simulated service does not start."""
    chosen = _parser().parse_args(arguments)
    with ending_in_one_line("scaling"):
        rows = [measure(cores, fronts, chosen) for cores in chosen.cores for fronts in chosen.fronts]
    print_with_machine(table_of(rows, chosen))
    write_rows(rows, chosen.json)


if __name__ == "__main__":
    main()
