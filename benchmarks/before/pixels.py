"""The pixel stages of both builds without a server: CPU time, and the time in which the interpreter's lock is held."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.before.measures import Figures
from benchmarks.harness.builds import Build
from benchmarks.harness.photos import PHOTO_SIZES
from benchmarks.quality.network import Network
from benchmarks.speed.pixel_child import MODEL
from benchmarks.speed.pixel_stages import CHILD, ENVIRONMENT, STAGES, Child, ask, child, prepare
from service.cli.console import say

SAMPLES_PER_S = 500
LOCK_ROUNDS = 6
"""Of the three photos: 18 answers, some 4 s."""

LOCK_TIMEOUT_S = 120.0


def measure_pixels(builds: Sequence[Build], rounds: int) -> Iterator[Figures]:
    """A round after the other, both builds in turn on the network's same answers; then who holds the lock."""
    with tempfile.TemporaryDirectory() as folder:
        network = Network(MODEL)
        files = {size: prepare(Path(folder), size, network) for size in PHOTO_SIZES}
        with ExitStack() as stack:
            children = [stack.enter_context(child(build, None)) for build in builds]
            for number in range(-1, rounds):  # the first warms up
                for build, process in zip(builds, children, strict=True):
                    values = {f"pixels_{size}_ms": _cpu_ms(process, photos) for size, photos in files.items()}
                    if number >= 0:
                        yield Figures(build.name, "pixels", number, values)
        say("pixels: measured")
        yield from _locks(builds, files["1080p"])


def _cpu_ms(process: Child, files: Sequence[Path]) -> float:
    """The mean of the photos."""
    answers: list[dict[str, float]] = [ask(process, file)["ms"] for file in files]
    return statistics.mean(sum(answer[stage] for stage in STAGES) for answer in answers)


def _locks(builds: Sequence[Build], files: Sequence[Path]) -> Iterator[Figures]:
    """Nothing where there is no py-spy: `pip install py-spy`."""
    spy = shutil.which("py-spy") or shutil.which("py-spy", path=Path(sys.executable).parent)
    if spy is None:
        say("pixels: without py-spy nobody knows who holds the lock")
        return
    for build in builds:
        try:
            yield Figures(build.name, "lock", 0, {"gil_1080p_ms": _lock_ms(spy, build, files)})
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            yield Figures(build.name, "lock", 0, {}, f"py-spy: {error}")


def _lock_ms(spy: str, build: Build, files: Sequence[Path]) -> float:
    """Milliseconds an answer in which a thread within the stages was seen to hold the lock."""
    with tempfile.NamedTemporaryFile("r", suffix=".txt") as out:
        flags = ["--gil", "--nonblocking", "--rate", str(SAMPLES_PER_S), "--format", "raw", "--output", out.name]
        asked = "".join(f"{file}\n" for file in files) * LOCK_ROUNDS
        subprocess.run(
            [spy, "record", *flags, "--", str(build.python), str(CHILD)],
            cwd=build.folder,
            env=os.environ | ENVIRONMENT,
            input=asked,
            text=True,
            capture_output=True,
            check=True,
            timeout=LOCK_TIMEOUT_S,
        )
        return lock_samples(out.read()) * 1000 / SAMPLES_PER_S / (LOCK_ROUNDS * len(files))


def lock_samples(raw: str) -> int:
    """Of py-spy's raw stacks, `frame;frame;frame count` a line: those within `measure`, without what it imports."""
    stacks = (line.rpartition(" ") for line in raw.splitlines())
    return sum(int(count) for stack, _, count in stacks if "measure (" in stack and "_find_and_load" not in stack)
