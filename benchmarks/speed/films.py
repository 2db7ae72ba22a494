"""How fast films are done, in how much memory, and where the time goes: on a film that this makes, once a model.

First as a user runs it: `silhouette video` in a process of its own with its workers. `frames/s` is of the whole command
without the time in which models are loaded; `CPU ms` what all cores together spent on a frame, which depends less on
what else runs on the machine; `two cores` the rate that this means where two cores do nothing else; `peak` the memory
of that process and all below it, in MB. `network` is the rate of the network alone, on the same pictures and by
the same workers, and `of it` how much of that the whole film comes to.

Then stage by stage, each by itself, in CPU milliseconds a frame.

    .venv/bin/python -m benchmarks.speed.films --frames 300
    .venv/bin/python -m benchmarks.speed.films --models u2net --size 640x360 --speed balanced --frames 60
"""

import argparse
import asyncio
import itertools
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from skimage import data

from benchmarks.harness.command import argument_parser
from benchmarks.harness.cpu import cpu_s
from benchmarks.harness.memory import rss_bytes
from service.engine.engine import Engine
from service.models.decisions import Plane
from service.models.labels import Box
from service.models.store import ModelCard
from service.queue.schedule import Lane
from service.settings import read_settings
from service.video.choice import FilmChoice
from service.video.composing import Composer
from service.video.look import Shown
from service.video.source import Limits, Source
from service.video.steady import Matted, Steadier
from service.video.writers import WRITERS, Order
from service.workers.process_tree import below, tree
from tests.clips import Picture, cat_over_coffee, noisy, write_clip

Result = TypeVar("Result")

NOISE_LEVELS = 3.0
POLL_S = 0.1
CORES = 2
MS_PER_S = 1000
TOLD = re.compile(r"(\d+) frames.* in (\d+) s \(([\d.]+) a second\)")

STAGE_FRAMES = 60
"""Enough for a mean, and few enough to be held in memory."""

WARM_FRAMES = 8

SUBJECTS: Mapping[str, Callable[[], Picture]] = {"cat": data.chelsea, "person": data.astronaut}
"""`selfie` is not sure of a cat: its mattes tremble more, and alpha without loss took 79 kB a frame of 720p, not 49."""

FILM = {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"}


def main() -> None:
    chosen = _chosen()
    width, height = map(int, chosen.size.split("x"))
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        frames, _ = cat_over_coffee(
            chosen.frames, (width, height), step_px=width / 4 / chosen.frames, subject=SUBJECTS[chosen.subject]()
        )
        write_clip(film, noisy(frames, NOISE_LEVELS), codec="libvpx-vp9", options=FILM, tones_hz=(440,))
        del frames
        title = f"{chosen.size}, {chosen.speed}, {chosen.frames} frames"
        whole_film = Table("model", "frames/s", "CPU ms", "two cores", "network", "of it", "peak MB", title=title)
        by_stage = Table("model", *STAGES, "sum", title="CPU ms a frame, each stage by itself")
        for model in chosen.models:
            result = film.with_name(f"{model}.{chosen.format}")
            rate, cpu_ms, peak_mb = measured(film, result, "--model", model, "--speed", chosen.speed)
            choice = FilmChoice.of({"model": model, "speed": chosen.speed, "format": chosen.format})
            network_rate, stages = asyncio.run(stage_by_stage(film, result.with_name(f"stages{result.suffix}"), choice))
            figures = (rate, cpu_ms, CORES * MS_PER_S / cpu_ms, network_rate, rate / network_rate, peak_mb)
            whole_film.add_row(model, *map("{:.{}f}".format, figures, (1, 0, 1, 1, 2, 0)))
            by_stage.add_row(model, *(f"{each:.1f}" for each in (*stages, sum(stages))))
    console.print(whole_film, by_stage)


def measured(film: Path, result: Path, *options: str) -> tuple[float, float, float]:
    """Frames a second, CPU milliseconds a frame, and the most memory at any time, in units of 1,000,000 bytes."""
    command = [sys.executable, "-m", "service.cli", "video", str(film), "--out", str(result), *options]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    unfinished = result.with_name(f".{result.name}.silhouette-part")
    peak_bytes, loading_s, spent_s = 0, 0.0, 0.0
    while running.poll() is None:
        bytes_now, spent_now_s = _used_by(running.pid)
        peak_bytes, spent_s = max(peak_bytes, bytes_now), max(spent_s, spent_now_s)
        loading_s = loading_s if unfinished.exists() or result.exists() else spent_s
        time.sleep(POLL_S)
    told = running.stderr.read() if running.stderr else ""
    found = TOLD.search(told)
    if found is None:
        raise SystemExit(told)
    return float(found[3]), 1000 * (spent_s - loading_s) / int(found[1]), peak_bytes / 1e6


def _used_by(pid: int) -> tuple[int, float]:
    """Bytes and CPU seconds of a process and all below it; nothing where it has just ended."""
    family = tree(pid)
    return sum(rss_bytes(family).values()), cpu_s(family)


# --- stage by stage ---------------------------------------------------------------------------------------------------

STAGES = ("decode", "make small", "network", "steady", "compose", "write")


async def stage_by_stage(film: Path, result: Path, choice: FilmChoice) -> tuple[float, list[float]]:
    """Frames a second of the network alone, and the CPU milliseconds a frame of each of STAGES."""
    settings = read_settings(models=(choice.options.model or "",))
    engine = Engine.build(settings)
    async with engine.running(settings.drain_timeout_s):
        card = engine.pipeline.catalogue.card(None)
        with Source(film, Limits(settings.max_pixels)) as source:
            pixels = await asyncio.to_thread(_pixels, source, card)
        rate, network_ms = await _network(engine, card.key, pixels)
    stages = await asyncio.to_thread(_stages, film, result, choice, card)
    return rate, [*stages[:2], network_ms, *stages[2:]]


def _pixels(source: Source, card: ModelCard) -> list[NDArray[np.uint8]]:
    """As the network sees them."""
    return [frame.coded.seen_by(card)[0] for frame in itertools.islice(source.frames(), STAGE_FRAMES)]


async def _network(engine: Engine, key: str, pictures: Sequence[NDArray[np.uint8]]) -> tuple[float, float]:
    """Frames a second, and the CPU milliseconds of the workers for each: as many at once as a film has there."""
    places = asyncio.Semaphore(engine.pool.places + 1)

    async def look(pixels: NDArray[np.uint8]) -> None:
        async with places:
            await engine.batcher.predict(key, pixels, math.inf, Lane.BULK)

    await asyncio.gather(*map(look, pictures[:WARM_FRAMES]))
    began_s, began_cpu_s = time.monotonic(), cpu_s(below(os.getpid()))
    await asyncio.gather(*map(look, pictures))
    seconds = time.monotonic() - began_s
    return len(pictures) / seconds, MS_PER_S * (cpu_s(below(os.getpid())) - began_cpu_s) / len(pictures)


def _stages(film: Path, result: Path, choice: FilmChoice, card: ModelCard) -> list[float]:
    """CPU milliseconds a frame of all but the network, whose mattes are a disc here."""
    spent: list[float] = []

    def timed(work: Callable[[], list[Result]]) -> list[Result]:
        began_s = time.process_time()  # of all threads, those of FFmpeg included
        made = work()
        spent.append(MS_PER_S * (time.process_time() - began_s) / len(made))
        return made

    with Source(film, Limits(read_settings().max_pixels)) as source:
        frames = timed(lambda: list(itertools.islice(source.frames(), STAGE_FRAMES)))
        seen = timed(lambda: [frame.coded.seen_by(card) for frame in frames])
        looks = [
            Matted(Shown(frame, Box(0, 0, *pixels.shape[1::-1])), _disc(pixels.shape), pixels)
            for frame, (pixels, _) in zip(frames, seen, strict=True)
        ]
        steady = timed(lambda: _steadied(looks, choice.film.smoothing))
        quality, speed = choice.film.quality, choice.film.speed
        writer = WRITERS[choice.format.name](Order(result, source.facts, choice.content, quality, speed))
        composer = Composer(choice, source.facts, card.class_table)
        ready = timed(lambda: [writer.prepare(composer.steady(shown, plane)) for shown, plane in steady])
        pairs = list(zip(frames, ready, strict=True))

        def written() -> list[object]:
            for frame, each in pairs:
                writer.write(each, frame.at, frame.duration)
            return list(pairs)

        timed(written)
        writer.finish()
    return spent


def _steadied(looks: Sequence[Matted[Shown]], smoothing: float) -> list[tuple[Shown, Plane]]:
    steadier: Steadier[Shown] = Steadier(smoothing)
    return [*(steady for look in looks for steady in steadier.take(look)), *steadier.end()]


def _disc(shape: tuple[int, ...]) -> Plane:
    """Soft, and half as wide as the picture."""
    rows, columns = np.indices(shape[:2])
    distance = np.hypot(rows - shape[0] / 2, columns - shape[1] / 2) - shape[1] / 4
    soft: Plane = (1 / (1 + np.exp(distance / 3))).astype(np.float32)
    return soft


def _chosen() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("--models", nargs="+", default=["selfie", "u2net"])
    parser.add_argument("--size", default="1280x720", metavar="WIDTHxHEIGHT")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--speed", default="fastest", choices=["fastest", "balanced", "smallest"])
    parser.add_argument("--subject", default="cat", choices=sorted(SUBJECTS))
    parser.add_argument("--format", default="webm", choices=["webm", "mov"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
