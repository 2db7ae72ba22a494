"""Sets the service beside `rembg s` on the same weights and photo, from one client to more than either can serve."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from benchmarks.harness.command import argument_parser, counts, ending_in_one_line
from benchmarks.harness.report import write_rows
from benchmarks.peers.cells import Cell, Contender, measure
from benchmarks.peers.contenders import MODEL, REMBG, SILHOUETTE, rembg_server, silhouette_as_set, weights_folder
from benchmarks.peers.results import CONSOLE, Goal, Results, print_goals, ratio
from service.cli.console import work_progress

OURS, THEIRS = SILHOUETTE, REMBG

PHOTO = "1080p"
CONCURRENCIES = (1, 4, 16, 64)
OVERLOADED = (16, 64)
"""The concurrencies that the goals are about."""

MIN_OF_OUR_BEST = 0.95
MAX_OF_THEIR_RSS = 0.25

EPILOG = """\
Each cell of the table is a server that was started for it alone, warmed up, loaded for SECONDS and stopped; the two
servers take turns and never run together. Clients stop asking after SECONDS and wait for what is on its way, and the
clock runs on with them. Goodput is 2xx answers a second by that clock: a refusal is no work done, however fast it came.
A refused client asks again after half a second, or with --obey after the seconds that Retry-After says.

The figure of several rounds is their median, of peak RSS the largest. RSS is the sum over all processes of a server at
one moment, sampled once a second; pages that processes share are counted in each.

examples:
  python -m benchmarks.reliability.overload
  a quick look:            python -m benchmarks.reliability.overload --rounds 1 --seconds 5 --concurrency 1,16
  with a shorter queue:    SILHOUETTE_QUEUE_CAPACITY=16 python -m benchmarks.reliability.overload --obey

The first run installs the peer into .cache/peers (about 850 MB) and its weights into .cache/originals (176 MB); they
come through the same sources as `silhouette models pull`, SILHOUETTE_MIRROR included. Exits with 1 where a goal is
missed.
"""


def goals(results: Results, concurrencies: Sequence[int]) -> list[Goal]:
    """At 16 and 64, as far as they were measured: goodput beside our own best, and memory beside theirs."""
    best = max(results.figure(OURS, (PHOTO, concurrency), "goodput") for concurrency in concurrencies)
    found = []
    for load in [(PHOTO, concurrency) for concurrency in OVERLOADED if concurrency in concurrencies]:
        kept = ratio(results.figure(OURS, load, "goodput"), best)
        memory = ratio(results.figure(OURS, load, "peak_rss_mb"), results.figure(THEIRS, load, "peak_rss_mb"))
        found.append(Goal(f"{load[1]} clients: goodput of our best", kept, MIN_OF_OUR_BEST, at_least=True))
        found.append(Goal(f"{load[1]} clients: peak RSS of rembg's", memory, MAX_OF_THEIR_RSS, at_least=False))
    return found


def print_table(results: Results, concurrencies: Sequence[int], rounds: int) -> None:
    title = f"{MODEL}, 1080p JPEG to PNG cutout, {rounds} round{'s' * (rounds > 1)}"
    table = Table(title=title, box=None, title_justify="left")
    for heading in ("clients", "server", "goodput/s", "p95 s", "503", "peak RSS MB", "lost", "goodput x", "RSS x"):
        table.add_column(heading, justify="left" if heading == "server" else "right")
    for load in [(PHOTO, concurrency) for concurrency in concurrencies]:
        ratios = (_ratio(results, load, "goodput"), _ratio(results, load, "peak_rss_mb"))
        table.add_row(str(load[1]), OURS, *_row(results, OURS, load), *ratios)
        table.add_row("", THEIRS, *_row(results, THEIRS, load), "", "")
    CONSOLE.print(table, "")


def _row(results: Results, server: str, load: tuple[str, int]) -> tuple[str, str, str, str, str]:
    cells = results.of(server, load)
    p95 = results.figure(server, load, "p95_s")
    return (
        f"{results.figure(server, load, 'goodput'):.2f}",
        "-" if math.isnan(p95) else f"{p95:.2f}",
        f"{results.figure(server, load, 'refused_share'):.0%}",
        f"{results.figure(server, load, 'peak_rss_mb'):.0f}{' killed' * any(c.ran_out_of_memory for c in cells)}",
        str(sum(cell.lost for cell in cells)),
    )


def _ratio(results: Results, load: tuple[str, int], name: str) -> str:
    found = ratio(results.figure(OURS, load, name), results.figure(THEIRS, load, name))
    return "-" if math.isnan(found) else f"{found:.2f}"


def run(concurrencies: Sequence[int], rounds: int, seconds: float, obey: bool) -> list[Cell]:
    """Every cell of every round, the two servers next to each other in time."""
    weights = weights_folder()
    both: tuple[Contender, ...] = (silhouette_as_set(weights), rembg_server(weights))
    plan = [(who, count) for _ in range(rounds) for count in concurrencies for who in both]
    cells = []
    with work_progress() as progress:
        bar = progress.add_task("", total=len(plan))
        for who, count in plan:
            progress.update(bar, description=f"{who.name}, {count} clients")
            cells.append(measure(who, PHOTO, count, seconds, obey))
            progress.console.print(f"{who.name}, {count} clients: {cells[-1].goodput:.2f}/s", highlight=False)
            progress.advance(bar)
    return cells


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--concurrency", type=counts, default=CONCURRENCIES, metavar="N,...", help="default: 1,4,16,64")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="N", help="of load in a cell; default: 20")
    parser.add_argument("--obey", action="store_true", help="refused clients wait as long as Retry-After says")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every cell to OUT")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where a goal is missed, with 2 where a server does not start."""
    chosen = _parser().parse_args(arguments)
    with ending_in_one_line("overload"):
        cells = run(chosen.concurrency, chosen.rounds, chosen.seconds, chosen.obey)
    results = Results(cells)
    print_table(results, chosen.concurrency, chosen.rounds)
    found = goals(results, chosen.concurrency)
    print_goals(found)
    write_rows(cells, chosen.json)
    sys.exit(0 if all(goal.met for goal in found) else 1)


if __name__ == "__main__":
    main()
