"""A folder of photos by command line, ours beside `rembg p`: start-up, reading and writing of files included."""

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.builds import REPOSITORY
from benchmarks.harness.photos import photos
from benchmarks.harness.servers import StartFailed, environment
from benchmarks.peers.contenders import MODEL
from benchmarks.peers.installs import install_rembg

SIZE_NAME = "1080p"
TIMEOUT_S = 180.0


@dataclass(frozen=True)
class Folder:
    """How fast a command worked a folder off. NaN where it failed."""

    command: str
    photo_count: int
    photos_per_s: float = math.nan
    failure: str = ""


@dataclass(frozen=True)
class Command:
    """Takes the folder of the results as its last argument."""

    arguments: Sequence[str]
    settings: Mapping[str, str]


def commands(photo_folder: Path, weights: Path) -> dict[str, Command]:
    """`weights` is the folder of u2net.onnx."""
    ours = [sys.executable, "-m", "service.cli", "remove-background", str(photo_folder), "--model", MODEL]
    found = {
        f"silhouette remove-background, {precision}": Command([*ours, "--out"], {"SILHOUETTE_PRECISION": precision})
        for precision in ("fp32", "int8")
    }
    plain = ["--refine", "off", "--no-decontaminate"]
    found["silhouette remove-background, int8, plain"] = Command(
        [*ours, *plain, "--out"], {"SILHOUETTE_PRECISION": "int8"}
    )
    theirs = [str(install_rembg()), "p", "-m", MODEL, str(photo_folder)]
    return found | {"rembg p": Command(theirs, {"U2NET_HOME": str(weights)})}


def measure_folders(weights: Path, photo_count: int) -> Iterator[Folder]:
    with tempfile.TemporaryDirectory() as scratch:
        photo_folder = Path(scratch, "photos")
        photo_folder.mkdir()
        choice = photos(SIZE_NAME)
        for number in range(photo_count):
            (photo_folder / f"{number}.jpg").write_bytes(choice[number % len(choice)])
        for name, command in commands(photo_folder, weights).items():
            yield _attempt(name, command, Path(scratch, name), photo_count)


def _attempt(name: str, command: Command, out: Path, photo_count: int) -> Folder:
    try:
        return Folder(name, photo_count, photo_count / _seconds(command, out, photo_count))
    except (StartFailed, OSError, subprocess.TimeoutExpired) as error:
        return Folder(name, photo_count, failure=str(error))


def _seconds(command: Command, out: Path, photo_count: int) -> float:
    """Raises StartFailed where it failed, or wrote fewer files than there are photos."""
    started = time.perf_counter()
    done = subprocess.run(
        [*command.arguments, str(out)],
        cwd=REPOSITORY,
        env=environment(command.settings),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    seconds = time.perf_counter() - started
    if done.returncode or len(list(out.glob("*.png"))) < photo_count:
        raise StartFailed(f"it failed: {done.stderr.strip().splitlines()[-1:]}")
    return seconds
