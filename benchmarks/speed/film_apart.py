"""What it costs that a film of the service is made in a process of its own: one film, with it and without, in turn.

CPU milliseconds a frame are of all processes together, between the tenth frame and the fifteenth from the end, so that
what starting costs does not count.

    .venv/bin/python -m benchmarks.speed.film_apart --rounds 4
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

from benchmarks.harness.command import argument_parser
from benchmarks.harness.cpu import cpu_s
from service.engine.engine import Engine
from service.settings import Settings, read_settings
from service.video.apart.films import FilmsApart
from service.video.apart.orders import Made, Make
from service.video.choice import FilmChoice
from service.video.files import FilmFiles
from service.video.film import Made as MadeHere
from service.video.film import make_film
from service.video.source import Limits
from service.video.watch import Progress, Watch
from service.workers.process_tree import tree
from tests.clips import cat_over_coffee, noisy, write_clip

SIZE = (1280, 720)
NOISE_LEVELS = 3.0
FILM = {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"}
OPTIONS = {"format": "webm", "speed": "fastest"}
FIRST, LAST = 10, 15
"""Frames at both ends that do not count."""


class Meter:
    """Of one film."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._marks: list[tuple[float, float]] = []

    def hear(self, progress: Progress) -> None:
        if progress.frames in (FIRST, self._frames - LAST):
            self._marks.append((cpu_s(tree(os.getpid())), time.monotonic()))

    def figures(self) -> tuple[float, float]:
        """CPU milliseconds a frame, and frames a second."""
        (began_cpu_s, began_s), (ended_cpu_s, ended_s) = self._marks
        counted = self._frames - FIRST - LAST
        return 1000 * (ended_cpu_s - began_cpu_s) / counted, counted / (ended_s - began_s)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        frames, _ = cat_over_coffee(chosen.frames, SIZE, step_px=SIZE[0] / 4 / chosen.frames)
        write_clip(film, noisy(frames, NOISE_LEVELS), codec="libvpx-vp9", options=FILM)
        asyncio.run(compared(film, chosen.frames, chosen.rounds))


async def compared(film: Path, frames: int, rounds: int) -> None:
    settings = read_settings(models=("selfie",))
    engine = Engine.build(settings)
    async with engine.running(settings.drain_timeout_s):
        for _ in range(rounds):
            for name in ("one process", "its own process"):
                meter = Meter(frames)
                ways = {"one process": _here, "its own process": _apart}
                await ways[name](engine, settings, film, Watch(on_progress=meter.hear))
                cpu_ms, rate = meter.figures()
                print(f"{name:16} {cpu_ms:6.1f} CPU ms a frame {rate:6.2f} frames/s", flush=True)


def _here(engine: Engine, settings: Settings, film: Path, watch: Watch) -> Awaitable[MadeHere]:
    files = FilmFiles(film, film.with_name("here.webm"))
    return make_film(engine, files, FilmChoice.of(OPTIONS), Limits(settings.max_pixels), watch)


def _apart(engine: Engine, settings: Settings, film: Path, watch: Watch) -> Awaitable[Made]:
    order = Make(
        *(str(film), settings.max_pixels, None, str(film.with_name("apart.webm"))),
        background=None,
        matte=None,
        options=OPTIONS,
        card=engine.pipeline.catalogue.card(None).model_dump(mode="json"),
        places=engine.pool.places,
    )
    return FilmsApart(engine.batcher, lambda: "cpu").make(order, watch)


if __name__ == "__main__":
    main()
