"""A thousand files by the command line, twenty odd ones among them, with Ctrl-C in the middle: what became of each?"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from rich.console import Console
from rich.table import Table
from skimage import data

from benchmarks.harness.command import argument_parser
from benchmarks.harness.odd_files import DONE, LEFT_OUT, ODD_FILES, PASSED_OVER

LOOK_INTERVAL_S = 0.02
PER_FOLDER = 100

EPILOG = """\
examples:
  python -m benchmarks.reliability.many_files
  python -m benchmarks.reliability.many_files --model u2net --count 100
  python -m benchmarks.reliability.many_files --url http://127.0.0.1:8000

Exits with 1 where a file did not become what it should, or half a result was left.
"""


@dataclass(frozen=True)
class Trial:
    """A tree of photos, and the command that works it off."""

    folder: Path
    command: Sequence[str]
    ordinary: int

    @property
    def photos(self) -> Path:
        return self.folder / "photos"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def report(self) -> Path:
        return self.folder / "report.json"

    def start(self) -> "subprocess.Popen[str]":
        where = [str(self.photos), "--recursive", "--out", f"{self.results}/", "--json", str(self.report)]
        command = [*self.command, *where, "--skip-existing"]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@dataclass(frozen=True)
class Outcome:
    """How one run ended."""

    code: int
    seconds: float
    last_line: str
    report: Mapping[str, Any]


def fill(folder: Path, count: int, side_px: int) -> int:
    """`count` files, the odd ones among them, a hundred a folder. Returns how many are ordinary photos."""
    photo = ImageOps.fit(Image.fromarray(data.astronaut()), (side_px, side_px))
    ordinary = count - len(ODD_FILES)
    for number in range(ordinary):
        path = folder / f"{number // PER_FOLDER:02}" / f"{number % PER_FOLDER:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.rotate(number % 7 - 3).save(path, quality=90)
    for odd in ODD_FILES:
        odd.make(folder / "00" / odd.name, photo)
    return ordinary


def run(trial: Trial, interrupt_after: int | None = None) -> Outcome:
    """To the end, or until Ctrl-C once there are so many results."""
    started = time.perf_counter()
    process = trial.start()
    while interrupt_after is not None and process.poll() is None:
        if sum(1 for _ in trial.results.rglob("*.png")) >= interrupt_after:
            process.send_signal(signal.SIGINT)
            break
        time.sleep(LOOK_INTERVAL_S)
    _, said = process.communicate()
    report = json.loads(trial.report.read_bytes())
    return Outcome(process.returncode, time.perf_counter() - started, said.splitlines()[-1], report)


def faults(trial: Trial, last: Outcome) -> list[str]:
    """What is not as it should be; empty where all is well."""
    entries = {entry["in"]: entry["code"] or DONE for entry in last.report["photos"]}
    left_out = {entry["in"] for entry in last.report["left_out"]}
    found = []
    for odd in ODD_FILES:
        path = str(trial.photos / "00" / odd.name)
        became = entries.get(path, LEFT_OUT if path in left_out else PASSED_OVER)
        if became != odd.expected:
            found.append(f"{odd.name!r}: {became}, not {odd.expected}")
    done = sum(odd.expected == DONE for odd in ODD_FILES) + trial.ordinary
    results = [path for path in trial.results.rglob("*") if path.is_file()]
    broken = [path.name for path in results if not _is_whole(path)]
    if len(results) != done:
        found.append(f"{len(results)} results, not {done}")
    return found + [f"half a result: {name}" for name in broken]


def _is_whole(path: Path) -> bool:
    try:
        with Image.open(path) as result:
            result.load()
    except OSError:
        return False
    return path.suffix == ".png"


def print_outcomes(outcomes: Mapping[str, Outcome]) -> None:
    table = Table("run", "exit code", "seconds", "done", "there already", "failed", "left out", "last line", box=None)
    for name, outcome in outcomes.items():
        counts = [str(outcome.report[status]) for status in ("done", "skipped", "failed")]
        left_out = str(len(outcome.report["left_out"]))
        table.add_row(name, str(outcome.code), f"{outcome.seconds:.1f}", *counts, left_out, outcome.last_line)
    Console(width=200).print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--model", default="selfie", metavar="NAME", help="a model that was pulled; default: selfie")
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="files; default: 1000")
    parser.add_argument("--side", type=int, default=256, metavar="PIXELS", help="of each photo; default: 256")
    parser.add_argument("--url", metavar="URL", help="let a running service do the work")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where something is not as it should be."""
    chosen = _parser().parse_args(arguments)
    command = [sys.executable, "-m", "service.cli", "remove-background", "--model", chosen.model]
    command += ["--url", chosen.url] if chosen.url else []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        trial = Trial(folder, command, fill(folder / "photos", chosen.count, chosen.side))
        outcomes = {"until Ctrl-C": run(trial, chosen.count // 4), "the others": run(trial), "once more": run(trial)}
        print_outcomes(outcomes)
        found = faults(trial, outcomes["the others"])
    Console().print(f"FAIL: {'; '.join(found)}" if found else "PASS", highlight=False)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
