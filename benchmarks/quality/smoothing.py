"""How calm the mattes of a live session are: flicker of a still scene, and lag behind a moving one."""

import argparse
import asyncio
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect

from benchmarks.harness.cameras import FILM_FRAMES, Set, add_camera_arguments, filmed, framed, hello, opened, person
from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.load import HOST
from benchmarks.harness.report import write_rows
from benchmarks.harness.servers import Server, silhouette
from service.stream.protocol import unpack

STILL_NOISE = (4.0, 8.0, 16.0)
WALKS_PX = (2.0, 6.0, 16.0)

MIN_CALMED = 0.8
MAX_LAG_FRAMES = 1.0

EPILOG = """\
Films of a real person over a real photo, with the noise of a sensor, go through `/stream` once without smoothing and
once with 0.9.

example:
  python -m benchmarks.quality.smoothing

Exits with 1 where a goal is missed: 80% less flicker, and less than one frame of lag.
"""


@dataclass(frozen=True)
class Calm:
    """What smoothing did to one film."""

    film: str
    figure: str
    without: float
    mediapipe: float
    """As MediaPipe would smooth the same mattes."""
    smoothed: float
    met: bool


Mattes = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
"""(frames, h, w) in [0, 1]."""


def flicker(mattes: Mattes) -> float:
    """The mean change from frame to frame."""
    return float(np.abs(np.diff(mattes, axis=0)).mean())


def lag_frames(mattes: Mattes, exact: Mattes, most: int = 3, steps: int = 20) -> float:
    """By how many frames the mattes are behind the exact ones: the shift in time at which they differ least."""
    delays = [step / steps for step in range(most * steps + 1)]
    errors = [float(np.abs(mattes[most + 1 :] - _delayed(exact, delay, most + 1)).mean()) for delay in delays]
    return delays[int(np.argmin(errors))]


def _delayed(mattes: Mattes, delay: float, first: int) -> Mattes:
    """From frame `first` on, interpolated between the two frames that are `delay` behind."""
    whole, part = int(delay), delay - int(delay)
    newer, older = (mattes[first - lag : len(mattes) - lag] for lag in (whole, whole + 1))
    result: Mattes = (1 - part) * newer + part * older
    return result


def mediapipe_smoothed(mattes: Mattes, ratio: float = 0.9) -> Mattes:
    """What MediaPipe would make of them: mixed with the former one where the network is undecided.

    Source: MediaPipe's `segmentation_smoothing_calculator.cc`.
    """
    smoothed = [mattes[0]]
    for plane in mattes[1:]:
        x = np.square(plane - 0.5)
        certain = x * (5.68842 + x * (-0.748699 + x * (-57.8051 + x * (291.309 + x * -624.717))))
        smoothed.append(plane + (smoothed[-1] - plane) * (1 - np.minimum(1, certain)) * ratio)
    return np.stack(smoothed)


async def calm(server: Server, model: str, stage: Set) -> list[Calm]:
    still = [await _still(server, model, stage, noise) for noise in STILL_NOISE]
    return still + [await _walk(server, model, stage, step) for step in WALKS_PX]


async def _still(server: Server, model: str, stage: Set, noise: float) -> Calm:
    frames = list(filmed([stage.picture(stage.middle_px)] * FILM_FRAMES, noise))
    raw, smooth = [await mattes(server, model, frames, strength) for strength in (0.0, 0.9)]
    before, theirs, ours = (flicker(each) * 255 for each in (raw, mediapipe_smoothed(raw), smooth))
    met = ours <= (1 - MIN_CALMED) * before
    return Calm(f"still, noise {noise:g}", "change a frame, levels", before, theirs, ours, met)


async def _walk(server: Server, model: str, stage: Set, step: float) -> Calm:
    pictures = [stage.picture(x) for x in stage.walk(step, FILM_FRAMES)]
    exact = await mattes(server, model, list(filmed(pictures, 0.0)), 0.0)
    frames = list(filmed(pictures))
    raw, smooth = [await mattes(server, model, frames, strength) for strength in (0.0, 0.9)]
    before, theirs, ours = (lag_frames(each, exact) for each in (raw, mediapipe_smoothed(raw), smooth))
    return Calm(f"walk, {step:g} px a frame", "lag, frames", before, theirs, ours, ours < MAX_LAG_FRAMES)


async def mattes(server: Server, model: str, frames: Sequence[bytes], smoothing: float) -> Mattes:
    """One after the other, so that none is dropped."""
    planes = []
    async with connect(f"ws://{HOST}:{server.port}/stream", max_size=None, compression=None) as socket:
        size = Image.open(io.BytesIO(frames[0])).size
        ready = await opened(socket, hello(model, "matte", size, smoothing))
        shape = (ready["matte_height"], ready["matte_width"])
        for seq, content in enumerate(frames):
            await socket.send(framed(seq, 0.0, content))
            message = await socket.recv()
            assert isinstance(message, bytes), message
            planes.append(np.frombuffer(unpack(message)[1], np.uint8).reshape(shape).astype(np.float32) / 255)
    return np.stack(planes)


def print_calm(rows: Sequence[Calm]) -> None:
    table = Table(title="mattes with smoothing 0.9", box=None, title_justify="left")
    for heading in ("film", "figure", "without", "MediaPipe's", "ours", ""):
        table.add_column(heading, justify="left" if heading in ("film", "figure", "") else "right")
    for row in rows:
        figures = [f"{figure:.2f}" for figure in (row.without, row.mediapipe, row.smoothed)]
        table.add_row(row.film, row.figure, *figures, "met" if row.met else "missed")
    Console().print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    add_camera_arguments(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where a goal is missed, with 2 where the service does not start or refuses."""
    chosen = _parser().parse_args(arguments)
    with (
        ending_in_one_line("smoothing"),
        silhouette(chosen.model, max_sessions="64", max_session_fps="120") as server,
    ):
        rows = asyncio.run(calm(server, chosen.model, Set(person(server, chosen.model), chosen.size)))
    write_rows(rows, chosen.json)
    print_calm(rows)
    sys.exit(0 if all(row.met for row in rows) else 1)


if __name__ == "__main__":
    main()
