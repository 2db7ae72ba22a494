"""Measures this checkout beside an older build of the service: both in turn, ratios pair by pair."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.before.measures import Figures
from benchmarks.before.pixels import measure_pixels
from benchmarks.before.record import Record
from benchmarks.before.report import goals, print_record
from benchmarks.before.serving import measure_serving
from benchmarks.harness.builds import HERE, Build, older_build
from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.machine import machine
from service.cli.console import say

ROUNDS, PIXEL_ROUNDS = 5, 5
SECONDS, MINUTES = 8.0, 14.0
QUICK_SECONDS = 2.0
MISSED = 1

EPILOG = """\
BASE is a commit of this repository, which is unpacked into a temporary folder beside this checkout and runs on its
packages; or a folder, which runs on its own .venv where it has one. Give a folder where packages have changed too much.

First come the pixel stages, everything of a cutout but the network, without a server: CPU time of all threads, and with
py-spy the time in which the interpreter's lock is held. Then rounds: in each, both builds are started one after the
other, the older one first in every second round, and asked for cutouts by 1, 4 and 16 clients at 1080p and by one at 12
megapixels. Every figure of a round is divided by the same figure of the other build in that round; the table has the
medians, and the lowest and highest ratio. Memory is the sum over all processes with shared pages counted once.

The machine should do nothing else. A round is not begun where it would not be over within MINUTES, but the first is.
What fails is reported and leaves a gap, and the rest goes on. With --json everything is in OUT as soon as it is there.

examples:
  python -m benchmarks.before.compare 56011f5 --json before.json       15 minutes at most, about 12 on two cores
  python -m benchmarks.before.compare ../older --quick                 one short round of each, three minutes
  python -m benchmarks.before.compare main~20 --precision int8         both in int8, whatever they would choose
  python -m benchmarks.before.compare --read before.json               the table again, and nothing is measured
"""


def rounds(builds: Sequence[Build], precision: str, seconds: float, count: int, end: float) -> Iterator[Figures]:
    """The figures of each build, round by round; `end` is on the monotonic clock."""
    took_s = 0.0
    for number in range(count):
        started = time.monotonic()
        if number and started + took_s > end:
            say(f"no time for round {number + 1} of {count}")
            return
        for build in builds if number % 2 else reversed(builds):
            say(f"round {number + 1} of {count}: the server of {build.name}")
            yield measure_serving(build, precision, seconds, number)
        took_s = time.monotonic() - started


def measure_all(chosen: argparse.Namespace, record: Record) -> None:
    """Into `record`, one by one. Raises ConfigurationError where the older build does not run at all."""
    end = time.monotonic() + 60 * chosen.minutes
    with older_build(chosen.base) as base:
        builds = (HERE, base)
        for figures in measure_pixels(builds, 1 if chosen.quick else PIXEL_ROUNDS):
            record.add(figures)
        count = 1 if chosen.quick else ROUNDS
        for figures in rounds(builds, chosen.precision, chosen.seconds, count, end):
            record.add(figures)


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("base", nargs="?", metavar="BASE", help="a commit, or the folder of a checkout")
    parser.add_argument("--quick", action="store_true", help="one short round of each: three minutes")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "int8"), help="default: auto")
    parser.add_argument("--seconds", type=float, metavar="N", help="of each load; default: 8, or 2 if quick")
    parser.add_argument("--minutes", type=float, default=MINUTES, metavar="N", help="in all; default: 14")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every figure to OUT")
    parser.add_argument("--read", type=Path, metavar="OUT", help="measure nothing, print what is in OUT")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where a goal is missed, with 2 where the older build does not run."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if not (chosen.base or chosen.read):
        parser.error("BASE is missing: a commit, or the folder of a checkout")
    chosen.seconds = chosen.seconds or (QUICK_SECONDS if chosen.quick else SECONDS)
    with ending_in_one_line("before"):
        record = Record.read(chosen.read) if chosen.read else Record(f"{machine()}, beside {chosen.base}", chosen.json)
        if not chosen.read:
            measure_all(chosen, record)
    print_record(record, chosen.markdown)
    sys.exit(0 if all(goal.met for goal in goals(record)) else MISSED)


if __name__ == "__main__":
    main()
