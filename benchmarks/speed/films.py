"""How fast films are done, and in how much memory: `silhouette video` on a film that this makes, once a model.

Everything runs as a user runs it, in a process of its own with its workers: `frames a second` is of the whole command
without the time in which models are loaded, `CPU ms` what all cores together spent on a frame, which hardly depends on
what else runs on the machine, `peak` the memory of that process and all below it, in MB.

    .venv/bin/python -m benchmarks.speed.films --frames 300
    .venv/bin/python -m benchmarks.speed.films --models u2net --size 640x360 --speed balanced --frames 60
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from tests.clips import cat_over_coffee, noisy, write_clip

NOISE_LEVELS = 3.0
POLL_S = 0.1
TOLD = re.compile(r"(\d+) frames.* in (\d+) s \(([\d.]+) a second\)")

FILM = {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"}


def main() -> None:
    chosen = _chosen()
    width, height = map(int, chosen.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        frames, _ = cat_over_coffee(chosen.frames, (width, height), step_px=width / 4 / chosen.frames)
        write_clip(film, noisy(frames, NOISE_LEVELS), codec="libvpx-vp9", options=FILM, tones_hz=(440,))
        table = Table(
            "model",
            "frames a second",
            "CPU ms a frame",
            "peak MB",
            "MB written",
            title=f"{chosen.size}, {chosen.speed}",
        )
        for model in chosen.models:
            result = film.with_name(f"{model}.{chosen.format}")
            rate, cpu_ms, peak_mb = measured(film, result, "--model", model, "--speed", chosen.speed)
            table.add_row(model, f"{rate:.1f}", f"{cpu_ms:.0f}", f"{peak_mb:.0f}", f"{result.stat().st_size / 1e6:.1f}")
        Console().print(table)


def measured(film: Path, result: Path, *options: str) -> tuple[float, float, float]:
    """Frames a second, CPU milliseconds a frame, and the most memory at any time, in units of 1,000,000 bytes."""
    command = [sys.executable, "-m", "service.cli", "video", str(film), "--out", str(result), *options]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    unfinished = result.with_name(f".{result.name}.silhouette-part")
    peak_bytes, loading_s, cpu_s = 0, 0.0, 0.0
    while running.poll() is None:
        bytes_now, cpu_now_s = _used_by(running.pid)
        peak_bytes, cpu_s = max(peak_bytes, bytes_now), max(cpu_s, cpu_now_s)
        loading_s = loading_s if unfinished.exists() or result.exists() else cpu_s
        time.sleep(POLL_S)
    told = running.stderr.read() if running.stderr else ""
    found = TOLD.search(told)
    if found is None:
        raise SystemExit(told)
    return float(found[3]), 1000 * (cpu_s - loading_s) / int(found[1]), peak_bytes / 1e6


def _used_by(pid: int) -> tuple[int, float]:
    """Bytes and CPU seconds of a process and all below it; nothing where it has just ended."""
    try:
        process = psutil.Process(pid)
        family = (process, *process.children(recursive=True))
        cpu_s = sum(each.cpu_times().user + each.cpu_times().system for each in family)
        return sum(each.memory_info().rss for each in family), cpu_s
    except psutil.NoSuchProcess:
        return 0, 0.0


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["selfie", "u2net"])
    parser.add_argument("--size", default="1280x720", metavar="WIDTHxHEIGHT")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--speed", default="fastest", choices=["fastest", "balanced", "smallest"])
    parser.add_argument("--format", default="webm", choices=["webm", "mov"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
