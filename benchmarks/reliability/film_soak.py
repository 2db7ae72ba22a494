"""Whether a long film takes more memory than a short one: one is made, worked off as a job of the service, and watched.

Two seconds are coded once, and their packets put one after the other as often as it takes, so that a film of an hour
is made in seconds. What is told is the memory of this process, its workers and the film's own process after each tenth
of the way, and the rate until there, as what piles up makes slow as well. Exits with 1 where the memory has grown by
more than `--most-mb` since the first tenth, when all is warm.

    .venv/bin/python -m benchmarks.reliability.film_soak --minutes 10
    .venv/bin/python -m benchmarks.reliability.film_soak --minutes 60 --size 640x360
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import psutil

from service.engine.engine import Engine
from service.settings import read_settings
from service.video.apart.films import FilmsApart
from service.video.apart.orders import Make
from service.video.watch import Progress, Watch
from tests.clips import RATE, cat_over_coffee, noisy, write_clip

SEED_S = 2
NOISE_LEVELS = 3.0
MEGABYTE = 1e6

QUICKLY = {"deadline": "realtime", "cpu-used": "8", "crf": "30", "b": "0", "g": str(SEED_S * RATE)}


@dataclass
class Tenths:
    """What is measured after each tenth of a film."""

    frames: int
    seen: list[tuple[float, float]] = field(default_factory=list)
    """Megabytes, frames a second."""
    peak_mb: float = 0.0
    _began_s: float = field(default_factory=time.monotonic)

    def hear(self, progress: Progress) -> None:
        if progress.frames % RATE == 0:
            self.peak_mb = max(self.peak_mb, memory_mb())
        if progress.frames == (len(self.seen) + 1) * self.frames // 10:
            now_s = time.monotonic()
            self.seen.append((memory_mb(), self.frames / 10 / (now_s - self._began_s)))
            self._began_s = now_s
            print(
                f"{10 * len(self.seen):4} %  {self.seen[-1][0]:7.0f} MB  {self.seen[-1][1]:6.1f} frames/s", flush=True
            )


def main() -> None:
    chosen = _chosen()
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.webm"
        frames = repeated(_seed(Path(folder) / "seed.webm", chosen.size), film, round(chosen.minutes * 60 / SEED_S))
        tenths = asyncio.run(worked_off(film, chosen.model, frames))
    growth_mb = tenths.seen[-1][0] - tenths.seen[0][0]
    print(f"{frames} frames, peak {tenths.peak_mb:.0f} MB, grown by {growth_mb:.0f} MB since the first tenth")
    sys.exit(growth_mb > chosen.most_mb)


async def worked_off(film: Path, model: str, frames: int) -> Tenths:
    settings = read_settings(models=(model,))
    engine = Engine.build(settings)
    async with engine.running(settings.drain_timeout_s):
        tenths = Tenths(frames)
        order = Make(
            *(str(film), settings.max_pixels, None, str(film.with_name("cut.webm"))),
            background=None,
            matte=None,
            options={"format": "webm", "speed": "fastest"},
            card=engine.pipeline.catalogue.card(None).model_dump(mode="json"),
            places=engine.pool.places,
        )
        await FilmsApart(engine.batcher, lambda: "cpu").make(order, Watch(on_progress=tenths.hear))
    return tenths


def memory_mb() -> float:
    """Resident, of this process and all below it."""
    process = psutil.Process()
    return float(sum(each.memory_info().rss for each in (process, *process.children(recursive=True))) / MEGABYTE)


def _seed(path: Path, size: tuple[int, int]) -> Path:
    frames, _ = cat_over_coffee(SEED_S * RATE, size, step_px=size[0] / 4 / (SEED_S * RATE))
    return write_clip(path, (noisy([frame], NOISE_LEVELS)[0] for frame in frames), codec="libvpx-vp9", options=QUICKLY)


def repeated(seed: Path, film: Path, times: int) -> int:
    """The seed again and again, without coding it anew; how many frames that are."""
    count = 0
    with av.open(str(seed)) as source, av.open(str(film), "w") as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        packets = [(bytes(packet), packet.pts, packet.is_keyframe) for packet in source.demux(stream) if packet.size]
        time_base = Fraction(stream.time_base or 1)
        step = SEED_S / time_base
        for turn in range(times):
            for content, pts, is_keyframe in packets:
                packet = av.Packet(content)
                packet.stream, packet.time_base, packet.is_keyframe = copy, time_base, is_keyframe
                packet.pts = packet.dts = (pts or 0) + round(turn * step)
                out.mux(packet)
                count += 1
    return count


def _size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return width, height


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of the film, at 25 frames a second")
    parser.add_argument("--size", type=_size, default=(1920, 1080), metavar="WIDTHxHEIGHT")
    parser.add_argument("--model", default="selfie")
    parser.add_argument("--most-mb", type=float, default=60.0, help="that the memory may grow by")
    return parser.parse_args()


if __name__ == "__main__":
    main()
