"""CPU time of everything but the network in one `remove-background` at default options, beside another checkout's.

The network looks once at each photo, before anything is measured; both builds then work on the same scores, in turns.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.harness.builds import HERE, Build, older_build
from benchmarks.harness.command import ending_in_one_line
from benchmarks.harness.machine import machine
from benchmarks.harness.photos import PHOTO_SIZES, PHOTOS, photos
from benchmarks.quality.network import Network
from benchmarks.speed.pixel_child import MODEL

CHILD = Path(__file__).with_name("pixel_child.py")
ROUNDS = 7
WARM_UPS = 1
STAGES = ("decode", "resize", "matte", "compose", "encode")
ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""As `silhouette serve` starts."""

Child = subprocess.Popen[str]


@contextmanager
def child(build: Build, keep: Path | None) -> Iterator[Child]:
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
    command = [str(build.python), str(CHILD), *([str(keep.absolute())] if keep else [])]
    with subprocess.Popen(
        command,
        cwd=build.folder,
        env=os.environ | ENVIRONMENT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def ask(process: Child, file: Path) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{file}\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def prepare(folder: Path, size_name: str, network: Network) -> list[Path]:
    """The photos as JPEGs, each beside what the network says of it."""
    files = []
    for name, encoded in zip(PHOTOS, photos(size_name), strict=True):
        file = folder / f"{name}-{size_name}.jpg"
        file.write_bytes(encoded)
        np.save(file.with_suffix(".npy"), network.see(file).prediction.scores)
        files.append(file)
    return files


def compare(children: Sequence[Child], files: Sequence[Path], rounds: int) -> list[list[dict[str, float]]]:
    """For each child, the milliseconds of each stage, a round each, as means of the photos."""
    measured: list[list[dict[str, float]]] = [[] for _ in children]
    for number in range(-WARM_UPS, rounds):
        for process, results in zip(children, measured, strict=True):
            answers = [ask(process, file) for file in files]
            if number >= 0:
                results.append({stage: statistics.mean(answer["ms"][stage] for answer in answers) for stage in STAGES})
    return measured


def rows(measured: Sequence[Sequence[dict[str, float]]]) -> Iterator[list[str]]:
    """Of each stage and of all: the median of each build, and the median of what a round's pair has as its ratio."""
    for stage in (*STAGES, "all"):
        spent = [[sum(each.values()) if stage == "all" else each[stage] for each in build] for build in measured]
        cells = [f"{statistics.median(build):.1f}" for build in spent]
        if len(spent) > 1:
            cells.append(f"{statistics.median(here / base for here, base in zip(*spent, strict=True)):.2f}")
        yield [stage, *cells]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", metavar="BASE", help="a commit, or the folder of another checkout")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"default: {ROUNDS}")
    parser.add_argument("--sizes", nargs="+", choices=PHOTO_SIZES, default=list(PHOTO_SIZES), help="default: all")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where to leave the cutouts, in here/ and base/")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2 where the other checkout does not run."""
    chosen = _parser().parse_args(arguments)
    with ending_in_one_line("pixel_stages"), ExitStack() as stack:
        builds = [HERE, *([stack.enter_context(older_build(chosen.base))] if chosen.base else [])]
        run(builds, chosen)


def run(builds: Sequence[Build], chosen: argparse.Namespace) -> None:
    network, console = Network(MODEL), Console()
    with tempfile.TemporaryDirectory() as folder:
        for size in chosen.sizes:
            files = prepare(Path(folder), size, network)
            with ExitStack() as stack:
                keep = [chosen.keep and chosen.keep / build.name for build in builds]
                children = [stack.enter_context(child(build, kept)) for build, kept in zip(builds, keep, strict=True)]
                measured = compare(children, files, chosen.rounds)
            titles = [f"{build.name}, CPU ms" for build in builds] + ["ratio"] * (len(builds) > 1)
            table = Table(size, *titles, box=None)
            for row in rows(measured):
                table.add_row(*row)
            console.print(table)
    console.print(machine())


if __name__ == "__main__":
    main()
