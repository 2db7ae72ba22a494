"""Sets `silhouette video` beside backgroundremover: one film, made transparent by both, with the same weights."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.harness.builds import REPOSITORY
from benchmarks.harness.command import ending_in_one_line
from benchmarks.harness.cpu import cpu_s_by_pid
from benchmarks.harness.machine import machine
from benchmarks.harness.memory import MEGABYTE, pss_bytes
from benchmarks.harness.servers import HANDLERS, StartFailed, environment
from benchmarks.peers.contenders import MODEL
from benchmarks.peers.installs import PEERS, install_peer
from service.cli.console import say
from service.models.store.convert import CONVERTERS
from service.settings import read_settings
from service.workers.process_tree import kill, tree
from tests.clips import Picture, cat_over_coffee, flicker, iou, noisy, read_alpha, write_clip

PEER = "backgroundremover"
OURS = "silhouette video"
REQUIREMENTS = (f"{PEER}==0.4.5", "torch==2.14.1", "torchvision==0.29.1", "scipy<2", "safetensors")
"""0.4.5 imports `scipy.ndimage.morphology`, which SciPy 2 takes away; safetensors is for reading our weights."""

FORMATS = ("mov", "webm")
NOISE_LEVELS = 3.0
FILM = {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"}
POLL_S = 0.2
TIMEOUT_S = 900.0

EPILOG = """\
The film is made here: a cat that moves over a table, with the noise of a camera and a tone, so that the true alpha of
every frame is known. Each program makes of it a ProRes 4444 (.mov) and a WebM, as its users would call it: no option
but the model's and the file's name. They take turns, and never run together; the table has the medians over the rounds.

  s, CPU s   of the whole command, with its start and the loading of the model; CPU of all its processes
  peak MB    of all its processes together, pages that they share counted once (proportional set size)
  MB         of the file
  frames     that came out
  IoU        of alpha over 127 with the truth, the mean over the frames
  flicker    how much a frame's error differs from that of the one before, in levels of 255: less is calmer

The second table has what backgroundremover took for each that silhouette took. SILHOUETTE_PRECISION=fp32 before the
command keeps ours from computing in eight bits.

backgroundremover is installed from the Python package index into .cache/peers, in a virtual environment of its own.
That brings PyPI's torch, on Linux with 3 GB of CUDA libraries; PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
names the index of builds without. Its weights would come from GitHub: it gets ours instead, the same network's, in a
file of the form that it reads. It needs ffmpeg and ffprobe on the path; `silhouette video` needs the extra `video`.

examples:
  python -m benchmarks.peers.backgroundremover                     once each
  python -m benchmarks.peers.backgroundremover --rounds 3          medians of three
  python -m benchmarks.peers.backgroundremover --frames 24 --size 320x180    a first look
"""


@dataclass(frozen=True)
class Film:
    path: Path
    truths: Sequence[Picture]
    """(H, W) alpha of each frame."""


@dataclass(frozen=True)
class Figures:
    """Of one program and format. The fields are the table's columns."""

    seconds: float
    cpu_s: float
    peak_mb: float
    file_mb: float
    frames: float
    iou: float
    flicker: float


COLUMNS = {"s": 1, "CPU s": 1, "peak MB": 0, "MB": 2, "frames": 0, "IoU": 3, "flicker": 2}
"""The heading of each field of Figures, and its decimals."""

RATIOS = ("s", "CPU s", "peak MB", "MB", "flicker")

Key = tuple[str, str]
"""A program and a format."""


def make_film(path: Path, frames: int, size: tuple[int, int]) -> Film:
    pictures, truths = cat_over_coffee(frames, size, step_px=size[0] / 4 / frames)
    write_clip(path, noisy(pictures, NOISE_LEVELS), codec="libvpx-vp9", options=FILM, tones_hz=(440,))
    return Film(path, truths)


# --- backgroundremover ------------------------------------------------------------------------------------------------


def install() -> Path:
    """Its program, with weights beside it. Raises StartFailed where something is missing."""
    for needed in ("ffmpeg", "ffprobe"):
        if shutil.which(needed) is None:
            raise StartFailed(f"{PEER} calls {needed}, which is not on the path (Debian: apt-get install ffmpeg)")
    program = install_peer(PEER, *REQUIREMENTS) / PEER
    if not weights().is_file():
        _make_weights(program.with_name("python"))
    return program


def weights() -> Path:
    return PEERS / PEER / "u2net.pth"


def _make_weights(python: Path) -> None:
    say(f"making {weights().name} for {PEER} out of our {MODEL}: once, a few seconds")
    ours = read_settings().model_store / MODEL / "model.safetensors"
    unfinished = weights().with_suffix(".part")
    command = [python, HANDLERS / "u2net_pth.py", ours, unfinished]
    layers = "\n".join(CONVERTERS[MODEL].layers)
    if subprocess.run(command, input=layers, text=True, stdout=sys.stderr).returncode:
        raise StartFailed(f"{PEER} did not take the weights of {ours}: `silhouette pull {MODEL}` brings them")
    unfinished.replace(weights())


# --- one command ------------------------------------------------------------------------------------------------------


def commands(program: Path, film: Path, folder: Path) -> Iterator[tuple[Key, list[str], Path]]:
    """One of each program and format, in turn, and where its result will be."""
    for form in FORMATS:
        theirs, ours = (folder / f"{name}.{form}" for name in ("theirs", "ours"))
        yield (PEER, form), [str(program), "-i", str(film), "-m", MODEL, "-tv", "-o", str(theirs)], theirs
        own = [sys.executable, "-m", "service.cli", "video", str(film), "--model", MODEL, "--out", str(ours)]
        yield (OURS, form), own, ours


def measured(command: Sequence[str], result: Path, truths: Sequence[Picture]) -> Figures:
    """Raises StartFailed where the command fails or takes too long."""
    log = result.with_suffix(".log")
    seconds, cpu_s, peak_bytes, code = _watched(command, {"U2NET_PATH": str(weights())}, log)
    if code or not (result.is_file() and result.stat().st_size):  # its program leaves an empty one where FFmpeg failed
        raise StartFailed(f"{command[0]} ended with {code}: {log.read_text().strip().splitlines()[-1:]}")
    found = read_alpha(result)
    pairs = list(zip(found, truths, strict=False))  # where frames were lost, or more came out than went in
    return Figures(
        *(seconds, cpu_s, peak_bytes / MEGABYTE, result.stat().st_size / MEGABYTE, len(found)),
        iou=float(np.mean([iou(*pair) for pair in pairs])),
        flicker=flicker(*zip(*pairs, strict=True)),
    )


def _watched(command: Sequence[str], settings: Mapping[str, str], log: Path) -> tuple[float, float, float, int]:
    """Seconds, CPU seconds of all its processes as last seen, its peak in bytes, and its exit status.

    What the kernel counts for a command (`wait4`) leaves out the workers of ours: their parent does not wait for them.
    """
    began_s, peak_bytes, spent_s = time.monotonic(), 0.0, dict[int, float]()
    with log.open("wb") as out:
        running = subprocess.Popen(command, cwd=REPOSITORY, env=environment(settings), stdout=out, stderr=out)
    try:
        while not (ended := os.wait4(running.pid, os.WNOHANG))[0]:
            family = tree(running.pid)
            peak_bytes = max(peak_bytes, pss_bytes(family))
            spent_s.update(cpu_s_by_pid(family))
            if time.monotonic() - began_s > TIMEOUT_S:
                raise StartFailed(f"{command[0]} took more than {TIMEOUT_S:g} s")
            time.sleep(POLL_S)
    except BaseException:
        kill(tree(running.pid))
        raise
    _, status, usage = ended
    running.returncode = os.waitstatus_to_exitcode(status)
    cpu_s = max(usage.ru_utime + usage.ru_stime, sum(spent_s.values()))
    return time.monotonic() - began_s, cpu_s, peak_bytes, running.returncode


# --- all of them ------------------------------------------------------------------------------------------------------


def run(film: Film, rounds: int) -> dict[Key, Figures]:
    """The medians."""
    program = install()
    found: dict[Key, list[Figures]] = {}
    for number in range(rounds):
        for key, command, result in commands(program, film.path, film.path.parent):
            say(f"round {number + 1} of {rounds}: {' '.join(key)}")
            found.setdefault(key, []).append(measured(command, result, film.truths))
    return {key: _medians(each) for key, each in found.items()}


def _medians(rounds: Sequence[Figures]) -> Figures:
    return Figures(*map(statistics.median, zip(*map(astuple, rounds), strict=True)))


def print_figures(found: Mapping[Key, Figures], title: str) -> None:
    table = Table("", *COLUMNS, title=title)
    for key, figures in found.items():
        table.add_row(" ".join(key), *map("{:.{}f}".format, astuple(figures), COLUMNS.values()))
    ratios = Table("", *RATIOS, title=f"{PEER} to {OURS}")
    for form in FORMATS:
        theirs, ours = (dict(zip(COLUMNS, astuple(found[name, form]), strict=True)) for name in (PEER, OURS))
        ratios.add_row(form, *(f"{theirs[name] / ours[name]:.2f}" for name in RATIOS))
    Console().print(table, ratios)


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2 where something is missing or a command fails."""
    chosen = _parser().parse_args(arguments)
    width, height = map(int, chosen.size.split("x"))
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, ending_in_one_line(PEER):
        found = run(make_film(Path(folder) / "film.mp4", chosen.frames, (width, height)), chosen.rounds)
        title = f"{chosen.size}, {chosen.frames} frames, {MODEL}, {chosen.rounds} rounds, load {load:.1f} before"
        print_figures(found, f"{title}\n{machine()}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers.backgroundremover",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--frames", type=int, default=48, help="of the film, 25 a second (default: %(default)s)")
    parser.add_argument("--size", default="640x360", metavar="WIDTHxHEIGHT", help="of the film (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is run (default: %(default)s)")
    return parser


if __name__ == "__main__":
    main()
