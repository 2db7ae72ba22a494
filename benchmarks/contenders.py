"""Servers that are measured against each other: how each is asked for a cutout, and what one measurement tells."""

import asyncio
import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from PIL import Image
from skimage import data

from benchmarks.load import Load, Tally, multipart, run_load
from benchmarks.servers import MEGABYTE, Server, StartFailed, watched

MODEL = "u2net"

PHOTO_SIZES = {"1080p": (1920, 1080), "12mp": (4000, 3000)}
WARM_UP_REQUESTS = 2


def photo(name: str) -> bytes:
    """A JPEG of that size: the astronaut, cut to its shape and enlarged."""
    width, height = PHOTO_SIZES[name]
    astronaut = Image.fromarray(data.astronaut())
    enlarged = astronaut.resize((width, height), Image.Resampling.BICUBIC, box=(0, 0, 512, 512 * height / width))
    out = io.BytesIO()
    enlarged.save(out, "JPEG", quality=90)
    return out.getvalue()


def ask_silhouette(picture: bytes) -> bytes:
    return multipart("/remove-background", "image", picture, {"model": MODEL, "format": "png"})


def ask_rembg(picture: bytes) -> bytes:
    return multipart("/api/remove", "file", picture, {"model": MODEL})


def ask_handler(picture: bytes) -> bytes:
    """`peer_servers/fastapi_onnxruntime.py`."""
    return multipart("/remove", "file", picture, {})


def ask_litserve(picture: bytes) -> bytes:
    return multipart("/predict", "file", picture, {})


@dataclass(frozen=True)
class Contender:
    """A server, and the whole HTTP request that asks it to cut a photo out, as PNG, with U2-Net."""

    name: str
    start: Callable[[], AbstractContextManager[Server]]
    ask: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Cell:
    """What one server did with one photo at one concurrency, in one round."""

    server: str
    photo: str
    concurrency: int
    goodput: float
    p50_s: float
    p95_s: float
    """Of the good answers."""
    refused_share: float
    peak_rss_mb: float
    """Of all processes; pages that several share are counted in each."""
    peak_pss_mb: float
    """The same with shared pages counted once; NaN where the kernel does not tell."""
    answer_kb: float
    statuses: dict[int, int]
    lost: int
    """Requests whose connection broke, or that were never answered."""
    ran_out_of_memory: bool


def measure(contender: Contender, name: str, concurrency: int, seconds: float, obey: bool = False) -> Cell:
    """Starts the server, measures, and stops it. Raises StartFailed where it does not answer even one client."""
    request = contender.ask(photo(name))
    with contender.start() as server:
        _warm_up(server, request)
        load = Load(server.port, [request], concurrency, seconds, obey_retry_after=obey)
        tally = Tally()
        with watched(server) as memory:
            asyncio.run(run_load(load, tally))
    return Cell(
        contender.name,
        name,
        concurrency,
        tally.goodput,
        tally.latency_s(0.5),
        tally.latency_s(0.95),
        tally.refused_share,
        memory.peak_bytes / MEGABYTE,
        memory.peak_pss_bytes / MEGABYTE,
        tally.received_bytes / max(1, len(tally.answers)) / 1000,
        tally.statuses,
        tally.broken + tally.unanswered,
        memory.ran_out,
    )


def _warm_up(server: Server, request: bytes) -> None:
    """Some peers load their model with the first request."""
    for _ in range(WARM_UP_REQUESTS):
        tally = Tally()
        asyncio.run(run_load(Load(server.port, [request], connections=1, seconds=0.001), tally))
        if not tally.good:
            raise StartFailed(f"{server.name} does not answer: {tally.statuses or 'nothing'} ({server.log})")
