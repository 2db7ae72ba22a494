"""Whether a long film takes more memory than a short one: one is made, worked off as a job of the service, and watched.

Fifty frames are coded once, and their packets put one after the other as often as it takes, so that a film of an hour
is made in seconds. What is told is the memory of all processes after each tenth of the way, that of the film's own
process by itself, and the rate until there, as what piles up makes slow as well. Exits with 1 where the memory has
grown by more than `--most-mb` since the first tenth, when all is warm.

    .venv/bin/python -m benchmarks.reliability.film_soak --minutes 10 --rate 4
    .venv/bin/python -m benchmarks.reliability.film_soak --minutes 60 --rate 5 --size 320x180
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import psutil

from benchmarks.harness.command import argument_parser
from service.engine.engine import Engine
from service.settings import read_settings
from service.video.apart.child import NICE
from service.video.apart.films import FilmsApart
from service.video.apart.orders import Make
from service.video.watch import Progress, Watch
from tests.clips import RATE, cat_over_coffee, noisy, write_clip

SEED_FRAMES = 50
NOISE_LEVELS = 3.0
MEGABYTE = 1e6

QUICKLY = {"deadline": "realtime", "cpu-used": "8", "crf": "30", "b": "0", "g": str(SEED_FRAMES)}


@dataclass
class Tenths:
    """What is measured after each tenth of a film."""

    frames: int
    seen_mb: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    _began_s: float = field(default_factory=time.monotonic)

    def hear(self, progress: Progress) -> None:
        if progress.frames % SEED_FRAMES == 0:
            self.peak_mb = max(self.peak_mb, sum(memory_mb()))
        if progress.frames == (len(self.seen_mb) + 1) * self.frames // 10:
            now_s, (others_mb, film_mb) = time.monotonic(), memory_mb()
            self.seen_mb.append(others_mb + film_mb)
            rate = self.frames / 10 / (now_s - self._began_s)
            self._began_s = now_s
            print(
                f"{10 * len(self.seen_mb):4} %  {others_mb + film_mb:6.0f} MB, {film_mb:6.0f} of them the film's  "
                f"{rate:6.1f} frames/s",
                flush=True,
            )


def main() -> None:
    chosen = _chosen()
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.webm"
        seed = _seed(Path(folder) / "seed.webm", chosen.size, chosen.rate)
        frames = repeated(seed, film, chosen.rate, times=round(chosen.minutes * 60 * chosen.rate / SEED_FRAMES))
        tenths = asyncio.run(worked_off(film, chosen.model, frames))
    growth_mb = tenths.seen_mb[-1] - tenths.seen_mb[0]
    print(f"{frames} frames, peak {tenths.peak_mb:.0f} MB, grown by {growth_mb:.0f} MB since the first tenth")
    sys.exit(growth_mb > chosen.most_mb)


async def worked_off(film: Path, model: str, frames: int) -> Tenths:
    settings = read_settings(models=(model,))
    engine = Engine.build(settings)
    async with engine.running(settings.drain_timeout_s):
        tenths = Tenths(frames)
        order = Make(
            source=str(film),
            pixels=settings.max_pixels,
            seconds=None,
            result=str(film.with_name("cut.webm")),
            background=None,
            matte=None,
            options={"format": "webm", "speed": "fastest"},
            card=engine.pipeline.catalogue.card(None).model_dump(mode="json"),
            places=engine.pool.places,
        )
        await FilmsApart(engine.batcher, lambda: "cpu").make(order, Watch(on_progress=tenths.hear))
    return tenths


def memory_mb() -> tuple[float, float]:
    """Resident: of this process and its workers, and of the film's own process."""
    others, film = 0.0, 0.0
    for each in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            resident_mb = each.memory_info().rss / MEGABYTE
            if each.nice() >= NICE + psutil.Process().nice():
                film += resident_mb
            else:
                others += resident_mb
    return others, film


def _seed(path: Path, size: tuple[int, int], rate: float) -> Path:
    frames, _ = cat_over_coffee(SEED_FRAMES, size, step_px=size[0] / 4 / SEED_FRAMES)
    times = [round(1000 * number / rate) for number in range(SEED_FRAMES)]
    seen = (noisy([frame], NOISE_LEVELS)[0] for frame in frames)
    return write_clip(path, seen, codec="libvpx-vp9", options=QUICKLY, times=times)


def repeated(seed: Path, film: Path, rate: float, times: int) -> int:
    """The seed again and again, without coding it anew; how many frames that are."""
    count = 0
    with av.open(str(seed)) as source, av.open(str(film), "w") as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        packets = [(bytes(packet), packet.pts, packet.is_keyframe) for packet in source.demux(stream) if packet.size]
        time_base = Fraction(stream.time_base or 1)
        step = Fraction(SEED_FRAMES) / Fraction(rate) / time_base
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
    parser = argument_parser(__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of the film")
    parser.add_argument("--rate", type=float, default=float(RATE), help="of the film, in frames a second")
    parser.add_argument("--size", type=_size, default=(1920, 1080), metavar="WIDTHxHEIGHT")
    parser.add_argument("--model", default="selfie")
    parser.add_argument("--most-mb", type=float, default=60.0, help="that the memory may grow by")
    return parser.parse_args()


if __name__ == "__main__":
    main()
