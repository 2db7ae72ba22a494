"""The film's side: runs in a process of its own, and does one order after the other, until it is killed.

It decodes, composes and encodes by itself. What the networks say it asks of the service, which is behind a socket: a
frame as the network sees it goes over, 300 kB with U2-Net, and what the network says comes back, 400 kB.

It ends with the service, however that dies. Ctrl-C and SIGTERM are the service's business.
"""

import asyncio
import contextlib
import os
import socket
from dataclasses import asdict
from pathlib import Path

from threadpoolctl import threadpool_limits

from service.errors import Failure
from service.fronts.link import Link, RemoteQueue
from service.queue.pixel_scheduler import PixelScheduler
from service.video.apart.orders import Check, Ended, Made, Make, order_of
from service.video.choice import FilmChoice
from service.video.files import FilmFiles
from service.video.film import make_with
from service.video.look import Means
from service.video.source import Limits, Source
from service.video.watch import Progress, Watch
from service.workers.allocator import keep_blocks
from service.workers.lifetime import end_with_the_service, leave_signals_to_the_service
from service.workers.machine import available_cores

NICE = 5
"""Beside a photo, a third of a core: in the service's queues photos go first, and in the kernel's they nearly do."""

OOM_SCORE = 500
"""Of 1000: where memory runs out, the kernel is to take the film, and not the service."""


def work_on_films(connection: socket.socket) -> None:
    """Everything a film's process does."""
    leave_signals_to_the_service()
    end_with_the_service()
    stand_back()
    keep_blocks()  # half the page faults: 0.7 instead of 1.2 s of the system for 60 frames of 720p, on a busy machine
    threadpool_limits(1, user_api="blas")  # as in the service: pictures run beside each other already
    asyncio.run(_obey(connection))


def stand_back() -> None:
    """Behind the service."""
    os.nice(NICE)
    with contextlib.suppress(OSError):  # no Linux
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))


async def _obey(connection: socket.socket) -> None:
    link = Link(connection, on_lost=lambda: os._exit(1))
    await link.open()
    pixels = PixelScheduler(available_cores())
    while True:
        order = order_of((await link.ask("next")).facts)
        await link.ask("ended", **asdict(await _done(order, link, pixels)))


async def _done(order: Check, link: Link, pixels: PixelScheduler) -> Ended:
    """Anything else that is raised ends the process, and the log has it."""
    limits = Limits(order.pixels, order.seconds)
    try:
        if isinstance(order, Make):
            return Ended(made=asdict(await _made(order, limits, link, pixels)))
        with Source(Path(order.source), limits):
            return Ended()
    except (Failure, OSError) as error:
        return Ended.by(error)


async def _made(order: Make, limits: Limits, link: Link, pixels: PixelScheduler) -> Made:
    background, matte = [await asyncio.to_thread(_content, path) for path in (order.background, order.matte)]
    choice = FilmChoice.of(order.options, has_background=background is not None)
    means = Means(order.model, RemoteQueue(link), order.places, pixels)
    files = FilmFiles(Path(order.source), Path(order.result), background, matte)
    made = await make_with(means, files, choice, limits, _watch(link))
    return Made(made.frames, made.lost, made.damaged, made.lost_sound)


def _content(path: str | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


def _watch(link: Link) -> Watch:
    """All of it is the service's business."""

    async def take_room(pixels: int) -> None:
        await link.ask("room", pixels=pixels)

    async def charge(pixels: int) -> None:
        await link.ask("frame", pixels=pixels)

    def tell(progress: Progress) -> None:
        link.tell("progress", frames=progress.frames, total=progress.total)

    return Watch(tell, take_room, charge)
