"""Sets the service beside rembg, LitServe and plain FastAPI handlers, all with the same weights and photos."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.peers.agreement import Agreement, alphas, compare
from benchmarks.peers.cells import Cell, Contender, attempt
from benchmarks.peers.contenders import (
    CONTENDERS,
    FASTAPI_ORT,
    FASTAPI_OV,
    PLAIN,
    PLAIN_INT8,
    REMBG,
    SILHOUETTE_FP32,
    SILHOUETTE_INT8,
    extras,
    weights_folder,
)
from benchmarks.peers.folders import measure_folders
from benchmarks.peers.record import Record
from benchmarks.peers.report import circumstances, print_all
from benchmarks.peers.results import Goal, Load, Results, print_goals, ratio
from service.cli.console import say, work_progress


@dataclass(frozen=True)
class Match:
    """A load that all servers take in turn, in so many rounds."""

    load: Load
    rounds: int
    with_plain: bool = False
    """Whether ours is measured as well without what the peers do not do."""


FULL = (
    Match(("1080p", 4), 3, with_plain=True),
    Match(("1080p", 1), 3),
    Match(("1080p", 16), 2),
    Match(("12mp", 1), 2),
)
QUICK = (Match(("1080p", 4), 1),)

SECONDS, QUICK_SECONDS = 10.0, 4.0
FOLDER_PHOTOS, QUICK_FOLDER_PHOTOS = 24, 6
MINUTES = 21.0

EPILOG = """\
Every measurement starts one server, warms it up, loads it for SECONDS and stops it; all servers take turns within each
round and never run together. Clients stop asking after SECONDS and wait for what is on its way, and the clock runs on
with them. Every client sends the same three photos in turn. The table has the medians over the rounds, of memory the
largest: three rounds with 1 and 4 clients, two with 16 and of 12 megapixels. When MINUTES are over no further round is
begun. RSS is the sum over all processes of a server, so pages that they share count in each; PSS counts them once.

A measurement that fails is reported, and the others go on. With --json every measurement is in OUT as soon as it is
made, and --read OUT prints the tables of that file again.

The peers are installed from the Python package index into .cache/peers, each in a virtual environment of its own (about
2.5 GB in all), and U2-Net's published file into .cache/originals (176 MB). rembg is its own server, `rembg s`. LitServe
and FastAPI with onnxruntime have no such server: benchmarks/peers/handlers/ has for each the 40 lines that one would
write: Pillow's PNG defaults, as rembg has them, cutouts like rembg's, two requests at once on two cores. FastAPI's
onnxruntime takes all cores for each, LitServe has one worker a core; PEER_THREADS=N gives each session N threads.
FastAPI with OpenVINO is what a good engineer makes of it in an afternoon: U2-Net in 8 bits by NNCF, one stream a core,
Pillow's fastest PNG.

examples:
  python -m benchmarks.peers.compare --json peers.json                about 22 minutes on 2 cores
  python -m benchmarks.peers.compare --quick                          two minutes
  python -m benchmarks.peers.compare --read peers.json --markdown     the tables as the README has them
"""


@dataclass(frozen=True)
class Promise:
    """A ratio of a figure of ours to the same figure of a peer."""

    ours: str
    peer: str
    load: Load
    figure: str
    limit: float

    def goal(self, results: Results) -> Goal:
        name, concurrency = self.load
        promise = f"{self.ours} to {self.peer}, {name}, {concurrency} at once, {self.figure}"
        mine, theirs = (results.figure(server, self.load, self.figure) for server in (self.ours, self.peer))
        return Goal(promise, ratio(mine, theirs), self.limit, at_least=self.figure == "goodput")


PROMISES = (
    Promise(SILHOUETTE_FP32, REMBG, ("1080p", 4), "goodput", 1.35),
    Promise(SILHOUETTE_INT8, REMBG, ("1080p", 4), "goodput", 4),
    Promise(SILHOUETTE_FP32, REMBG, ("1080p", 16), "goodput", 2),
    Promise(SILHOUETTE_INT8, REMBG, ("1080p", 16), "goodput", 6),
    Promise(SILHOUETTE_FP32, REMBG, ("12mp", 1), "goodput", 2.5),
    Promise(SILHOUETTE_INT8, REMBG, ("12mp", 1), "goodput", 4),
    Promise(SILHOUETTE_FP32, REMBG, ("1080p", 1), "p50_s", 0.75),
    Promise(SILHOUETTE_INT8, REMBG, ("1080p", 1), "p50_s", 0.42),
    Promise(SILHOUETTE_FP32, REMBG, ("1080p", 16), "peak_rss_mb", 0.25),
    Promise(SILHOUETTE_INT8, REMBG, ("1080p", 16), "peak_rss_mb", 0.2),
    Promise(SILHOUETTE_FP32, FASTAPI_ORT, ("1080p", 4), "goodput", 1.2),
    Promise(SILHOUETTE_INT8, FASTAPI_ORT, ("1080p", 4), "goodput", 3),
    Promise(SILHOUETTE_INT8, FASTAPI_OV, ("1080p", 4), "goodput", 1),
    Promise(PLAIN_INT8, FASTAPI_OV, ("1080p", 4), "goodput", 1.4),
)


def goals(results: Results) -> list[Goal]:
    """Of the servers and loads that took part."""
    loads, servers = results.loads(), results.servers()
    took_part = [each for each in PROMISES if each.load in loads and {each.ours, each.peer} <= set(servers)]
    return [promise.goal(results) for promise in took_part]


def rounds(matches: Sequence[Match], minutes: float) -> Iterator[Match]:
    """Each match once, then again, and so on; one is left out where it would not be over in time. The first round is
    always whole."""
    end, took = time.monotonic() + 60 * minutes, dict[Load, float]()
    for number in range(max(match.rounds for match in matches)):
        for match in matches:
            started = time.monotonic()
            if (number < match.rounds and started + took.get(match.load, 0.0) <= end) or number == 0:
                yield match
                took[match.load] = time.monotonic() - started
            elif number < match.rounds:
                say(f"no time for round {number + 1} of {match.load[0]}, {match.load[1]} at once")


def run(chosen: Sequence[Contender], matches: Sequence[Match], seconds: float, minutes: float) -> Iterator[Cell]:
    total = sum(match.rounds * len(_in(match, chosen)) for match in matches)
    with work_progress() as progress:
        bar = progress.add_task("", total=total)
        for match in rounds(matches, minutes):
            name, concurrency = match.load
            for who in _in(match, chosen):
                progress.update(bar, description=f"{who.name}, {name}, {concurrency} at once")
                cell = attempt(who, name, concurrency, seconds)
                say(f"{who.name}, {name}, {concurrency} at once: {cell.failure or f'{cell.goodput:.2f}/s'}")
                yield cell
                progress.advance(bar)


def _in(match: Match, chosen: Sequence[Contender]) -> list[Contender]:
    return [who for who in chosen if match.with_plain or who.name not in PLAIN]


def agreements(chosen: Sequence[Contender]) -> Iterator[Agreement]:
    """Nothing without rembg, which the others are compared with. Raises StartFailed where that does not answer."""
    peer = next((who for who in chosen if who.name == REMBG), None)
    if peer is None:
        return
    reference = alphas(peer)
    for who in chosen:
        if who is not peer:
            say(f"comparing the cutouts of {who.name}")
            yield compare(who, reference)


def contenders(names: Sequence[str]) -> list[Contender]:
    """Installs what is missing."""
    weights = weights_folder()
    return [CONTENDERS[name](weights) for name in names if name not in PLAIN or extras()]


def measure_all(chosen: argparse.Namespace, record: Record) -> None:
    """Into `record`, one by one. Raises StartFailed where rembg, which all are compared with, does not answer."""
    started = time.monotonic()
    who = contenders(chosen.servers)
    for found in agreements(who):
        record.add(found)
    if REMBG in chosen.servers:
        for folder in measure_folders(weights_folder(), QUICK_FOLDER_PHOTOS if chosen.quick else FOLDER_PHOTOS):
            record.add(folder)
    left = chosen.minutes - (time.monotonic() - started) / 60
    for cell in run(who, QUICK if chosen.quick else FULL, chosen.seconds, left):
        record.add(cell)


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--quick", action="store_true", help="one round of 1080p with 4 clients: two minutes")
    parser.add_argument("--seconds", type=float, metavar="N", help="of load in a cell; default: 10, or 4 if quick")
    parser.add_argument("--minutes", type=float, default=MINUTES, metavar="N", help="in all; default: 21")
    parser.add_argument("--servers", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), help="default: all")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every measurement to OUT")
    parser.add_argument("--read", type=Path, metavar="OUT", help="measure nothing, print what is in OUT")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where a goal is missed, with 2 where the peers cannot be installed."""
    chosen = _parser().parse_args(arguments)
    chosen.seconds = chosen.seconds or (QUICK_SECONDS if chosen.quick else SECONDS)
    with ending_in_one_line("peers"):
        record = Record.read(chosen.read) if chosen.read else Record(circumstances(), file=chosen.json)
        if not chosen.read:
            measure_all(chosen, record)
    results = Results(record.cells)
    print_all(record, chosen.markdown)
    found = goals(results)
    print_goals(found)
    sys.exit(0 if all(goal.met for goal in found) else 1)


if __name__ == "__main__":
    main()
