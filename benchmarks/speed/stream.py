"""Points synthetic cameras at `/stream` and says how many frames come back, and how late."""

import argparse
import asyncio
import io
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.harness.cameras import FILM_FRAMES, Set, add_camera_arguments, filmed, framed, hello, opened, person
from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.cpu import cpu_s
from benchmarks.harness.load import HOST
from benchmarks.harness.report import write_rows
from benchmarks.harness.servers import Server, silhouette
from service.configuration_errors import ConfigurationError
from service.stream.protocol import unpack

WARM_UP_S = 2.0
WALK_PX = 6.0

MAX_P95_MS = 50.0
MIN_OF_FPS = 0.97
"""Of the camera's, since a clock of its own starts and ends between frames."""

EPILOG = """\
A camera sends on its own clock, whether or not results come. A frame's time is from the moment it should have been sent
until its result is there, so it includes this program, which shares the cores with the service. CPU is that of
the service and its workers; 100% is one core.

examples:
  python -m benchmarks.speed.stream
  more cameras:            python -m benchmarks.speed.stream --cameras 8x15
  pictures back:           python -m benchmarks.speed.stream --output composite --cameras 1x30,2x15

Exits with 1 where a goal is missed: the frames of the camera, with a p95 under 50 ms for a lone one.
How calm the mattes are is told by benchmarks.quality.smoothing.
"""


@dataclass
class Take:
    """What one camera saw come back."""

    sent: int = 0
    late_ms: list[float] = field(default_factory=list)
    dropped: int = 0


@dataclass(frozen=True)
class Row:
    """Some cameras at once."""

    cameras: int
    fps: float
    output: str
    answered_fps: float
    """The mean camera's."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    dropped: int
    cpu_percent: float

    @property
    def met(self) -> bool:
        keeps_up = self.answered_fps >= MIN_OF_FPS * self.fps
        return keeps_up and (self.cameras > 1 or self.output != "matte" or self.p95_ms < MAX_P95_MS)


async def film(url: str, greeting: str, frames: Sequence[bytes], fps: float, seconds: float) -> Take:
    """One camera, for so long after a warm-up that does not count."""
    take = Take()
    async with connect(url, max_size=None, compression=None) as socket:
        await opened(socket, greeting)
        started = time.perf_counter()
        counts_from = started + WARM_UP_S
        reading = asyncio.create_task(_read(socket, take, counts_from))
        count = round((WARM_UP_S + seconds) * fps)
        for seq in range(count):
            due = started + seq / fps
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            take.sent += due >= counts_from
            await socket.send(framed(seq, due, frames[seq % len(frames)]))
        await asyncio.sleep(0.5)
        reading.cancel()
    return take


async def _read(socket: ClientConnection, take: Take, counts_from: float) -> None:
    before = 0
    async for message in socket:
        if isinstance(message, str):
            raise ConfigurationError(message)
        header, _ = unpack(message)
        sent_at = header["timestamp_ms"] / 1000
        if sent_at < counts_from:
            before = header["dropped"]
            continue
        take.late_ms.append((time.perf_counter() - sent_at) * 1000)
        take.dropped = header["dropped"] - before


async def measure(
    server: Server, model: str, frames: Sequence[bytes], plan: tuple[int, float], output: str, seconds: float
) -> Row:
    cameras, fps = plan
    greeting = hello(model, output, Image.open(io.BytesIO(frames[0])).size)
    cpu = asyncio.create_task(_cpu_percent(server, WARM_UP_S, seconds))
    films = [_started_later(i / fps / cameras, server, greeting, frames, fps, seconds) for i in range(cameras)]
    takes = await asyncio.gather(*films)
    late = np.array([ms for take in takes for ms in take.late_ms] or [np.inf])
    p50, p95, p99 = np.percentile(late, [50, 95, 99])
    answered = len(late) / cameras / seconds
    return Row(cameras, fps, output, answered, p50, p95, p99, sum(take.dropped for take in takes), await cpu)


async def _started_later(
    delay_s: float, server: Server, greeting: str, frames: Sequence[bytes], fps: float, seconds: float
) -> Take:
    """Cameras do not take their frames at the same moment."""
    await asyncio.sleep(delay_s)
    return await film(f"ws://{HOST}:{server.port}/stream", greeting, frames, fps, seconds)


async def _cpu_percent(server: Server, after_s: float, seconds: float) -> float:
    await asyncio.sleep(after_s)
    before = cpu_s(server.processes())
    await asyncio.sleep(seconds)
    return 100 * (cpu_s(server.processes()) - before) / seconds


def print_rows(rows: Sequence[Row], title: str) -> None:
    table = Table(title=title, box=None, title_justify="left")
    for heading in ("cameras", "fps", "output", "answered fps", "p50 ms", "p95 ms", "p99 ms", "dropped", "CPU", ""):
        table.add_column(heading, justify="left" if heading in ("output", "") else "right")
    for row in rows:
        times = [f"{ms:.1f}" for ms in (row.p50_ms, row.p95_ms, row.p99_ms)]
        figures = (f"{row.answered_fps:.1f}", *times, str(row.dropped), f"{row.cpu_percent:.0f}%")
        table.add_row(str(row.cameras), f"{row.fps:g}", row.output, *figures, "met" if row.met else "missed")
    Console().print(table)


def run(chosen: argparse.Namespace) -> list[Row]:
    with silhouette(chosen.model, max_sessions="64", max_session_fps="120") as server:
        stage = Set(person(server, chosen.model), chosen.size)
        frames = list(filmed(stage.picture(x) for x in stage.walk(WALK_PX, FILM_FRAMES)))
        return list(_rows(server, chosen, frames))


def _rows(server: Server, chosen: argparse.Namespace, frames: Sequence[bytes]) -> Iterator[Row]:
    for plan in chosen.cameras:
        yield asyncio.run(measure(server, chosen.model, frames, plan, chosen.output, chosen.seconds))


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    add_camera_arguments(parser)
    parser.add_argument("--cameras", type=_plans, default=[(1, 30.0), (4, 15.0)], metavar="NxFPS,...")
    parser.add_argument("--output", choices=("matte", "composite", "both"), default="matte", help="default: matte")
    parser.add_argument("--seconds", type=float, default=15.0, metavar="N", help="that count; default: 15")
    return parser


def _plans(text: str) -> list[tuple[int, float]]:
    try:
        return [(int(count), float(fps)) for count, fps in (plan.split("x") for plan in text.split(","))]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 1x30,4x15") from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where a goal is missed, with 2 where the service does not start or refuses."""
    chosen = _parser().parse_args(arguments)
    with ending_in_one_line("stream"):
        rows = run(chosen)
    write_rows(rows, chosen.json)
    width, height = chosen.size
    print_rows(rows, f"{chosen.model}, {width}x{height}")
    sys.exit(0 if all(row.met for row in rows) else 1)


if __name__ == "__main__":
    main()
