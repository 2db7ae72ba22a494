"""How calm the mattes of a live session are: flicker of a still scene, and lag behind a moving one."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect

from benchmarks.cameras import (
    FILM_FRAMES,
    Mattes,
    Set,
    filmed,
    flicker,
    framed,
    hello,
    lag_frames,
    mediapipe_smoothed,
    opened,
)
from benchmarks.load import HOST
from benchmarks.servers import Server
from service.stream.protocol import unpack

STILL_NOISE = (4.0, 8.0, 16.0)
WALKS_PX = (2.0, 6.0, 16.0)

MIN_CALMED = 0.8
MAX_LAG_FRAMES = 1.0


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
