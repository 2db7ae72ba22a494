"""Sets the service beside `rembg s` on the same weights and photo, from one client to more than either can serve."""

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

if not __package__:  # started as a file: Python then looks for imports beside this file, not in the repository
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.table import Table

from benchmarks.contenders import MODEL, Cell, Contender, ask_rembg, ask_silhouette, measure
from benchmarks.servers import fetch_original, install_rembg, rembg, silhouette
from service.cli.console import say, work_progress
from service.errors import ConfigurationError

OURS, THEIRS = "silhouette", "rembg"

PHOTO = "1080p"
CONCURRENCIES = (1, 4, 16, 64)
OVERLOADED = (16, 64)
"""The concurrencies that the goals are about."""

MIN_OF_OUR_BEST = 0.95
MAX_OF_THEIR_RSS = 0.25

INTERRUPTED = 130
"""128 and SIGINT, as shells say it."""

EPILOG = """\
Each cell of the table is a server that was started for it alone, warmed up, loaded for SECONDS and stopped; the two
servers take turns and never run together. Clients stop asking after SECONDS and wait for what is on its way, and the
clock runs on with them. Goodput is 2xx answers a second by that clock: a refusal is no work done, however fast it came.
A refused client asks again after half a second, or with --obey after the seconds that Retry-After says.

The figure of several rounds is their median, of peak RSS the largest. RSS is the sum over all processes of a server at
one moment, sampled once a second; pages that processes share are counted in each.

examples:
  python benchmarks/overload.py
  a quick look:            python benchmarks/overload.py --rounds 1 --seconds 5 --concurrency 1,16
  with a shorter queue:    SILHOUETTE_QUEUE_CAPACITY=16 python benchmarks/overload.py --obey

The first run installs the peer into .cache/peers (about 850 MB) and its weights into .cache/originals (176 MB); they
come through the same sources as `silhouette models pull`, SILHOUETTE_MIRROR included. Exits with 1 where a goal is
missed.
"""


def contenders() -> tuple[Contender, Contender]:
    program, weights = install_rembg(), fetch_original(MODEL)
    return (
        Contender(OURS, lambda: silhouette(MODEL), ask_silhouette),
        Contender(THEIRS, lambda: rembg(program, weights), ask_rembg),
    )


@dataclass(frozen=True)
class Figures:
    """What one server did at one concurrency, over all rounds."""

    goodput: float
    p95_s: float
    refused_share: float
    peak_rss_mb: float
    lost: int
    ran_out_of_memory: bool


def figures(cells: Iterable[Cell], server: str, concurrency: int) -> Figures:
    """The medians, and the largest peak. At least one cell must be there."""
    mine = [cell for cell in cells if (cell.server, cell.concurrency) == (server, concurrency)]
    return Figures(
        statistics.median(cell.goodput for cell in mine),
        statistics.median(cell.p95_s for cell in mine),
        statistics.median(cell.refused_share for cell in mine),
        max(cell.peak_rss_mb for cell in mine),
        sum(cell.lost for cell in mine),
        any(cell.ran_out_of_memory for cell in mine),
    )


@dataclass(frozen=True)
class Goal:
    """Something that was promised, and what came of it."""

    promise: str
    found: float
    met: bool


def goals(cells: Sequence[Cell], concurrencies: Sequence[int]) -> list[Goal]:
    """At 16 and 64, as far as they were measured: goodput beside our own best, and memory beside theirs."""
    best = max(figures(cells, OURS, concurrency).goodput for concurrency in concurrencies)
    found = []
    for concurrency in (number for number in OVERLOADED if number in concurrencies):
        ours, theirs = figures(cells, OURS, concurrency), figures(cells, THEIRS, concurrency)
        kept = ours.goodput / best if best else 0.0
        memory = ours.peak_rss_mb / theirs.peak_rss_mb
        found.append(Goal(f"{concurrency} clients: goodput of our best >= 0.95", kept, kept >= MIN_OF_OUR_BEST))
        found.append(Goal(f"{concurrency} clients: peak RSS of rembg's < 0.25", memory, memory < MAX_OF_THEIR_RSS))
    return found


def print_table(cells: Sequence[Cell], concurrencies: Sequence[int], rounds: int) -> None:
    title = f"{MODEL}, 1080p JPEG to PNG cutout, {rounds} round{'s' * (rounds > 1)}"
    table = Table(title=title, box=None, title_justify="left")
    for heading in ("clients", "server", "goodput/s", "p95 s", "503", "peak RSS MB", "lost", "goodput x", "RSS x"):
        table.add_column(heading, justify="left" if heading == "server" else "right")
    for concurrency in concurrencies:
        ours, theirs = (figures(cells, server, concurrency) for server in (OURS, THEIRS))
        ratios = (_ratio(ours.goodput, theirs.goodput), _ratio(ours.peak_rss_mb, theirs.peak_rss_mb))
        table.add_row(str(concurrency), OURS, *_row(ours), *ratios)
        table.add_row("", THEIRS, *_row(theirs), "", "")
    Console().print(table, "")


def _row(found: Figures) -> tuple[str, str, str, str, str]:
    killed = " killed" if found.ran_out_of_memory else ""
    p95 = "-" if math.isnan(found.p95_s) else f"{found.p95_s:.2f}"
    return (
        f"{found.goodput:.2f}",
        p95,
        f"{found.refused_share:.0%}",
        f"{found.peak_rss_mb:.0f}{killed}",
        str(found.lost),
    )


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}" if theirs else "-"


def print_goals(found: Sequence[Goal]) -> None:
    for goal in found:
        Console().print(f"{'PASS' if goal.met else 'FAIL'}  {goal.promise}: {goal.found:.3f}", highlight=False)


def run(concurrencies: Sequence[int], rounds: int, seconds: float, obey: bool) -> list[Cell]:
    """Every cell of every round, the two servers next to each other in time."""
    both = contenders()
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
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--concurrency", type=_counts, default=CONCURRENCIES, metavar="N,...", help="default: 1,4,16,64"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="N", help="of load in a cell; default: 20")
    parser.add_argument("--obey", action="store_true", help="refused clients wait as long as Retry-After says")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every cell to OUT")
    return parser


def _counts(text: str) -> tuple[int, ...]:
    counts = text.split(",")
    if not all(count.isdecimal() and int(count) for count in counts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers")
    return tuple(int(count) for count in counts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where a goal is missed, with 2 where a server does not start."""
    chosen = _parser().parse_args(arguments)
    try:
        cells = run(chosen.concurrency, chosen.rounds, chosen.seconds, chosen.obey)
    except ConfigurationError as error:
        say(f"overload: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    print_table(cells, chosen.concurrency, chosen.rounds)
    found = goals(cells, chosen.concurrency)
    print_goals(found)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(cell) for cell in cells], indent=1) + "\n", encoding="utf-8")
    sys.exit(0 if all(goal.met for goal in found) else 1)


if __name__ == "__main__":
    main()
