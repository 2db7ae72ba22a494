"""From a camera to a virtual one: the newest frame, with its effect, and no older one."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from av.video.frame import VideoFrame
from PIL import Image, ImageOps

from service.camera.cameras import Films
from service.camera.virtual import VirtualCamera
from service.engine.engine import Engine
from service.errors import Failure
from service.models.labels import Size
from service.models.store import ModelCard
from service.pixels.decode.orientation import UPRIGHT
from service.queue.schedule import Lane
from service.stream.composer import Composer
from service.telemetry.stopwatch import Stopwatch
from service.video.colours import photo_of

Result = TypeVar("Result")

STALE_S = 2.0
"""A frame that nobody could look at for so long is left out."""


@dataclass
class Tally:
    """What came of the frames."""

    sent: int = 0
    dropped: int = 0
    """The next one was there already."""
    failed: int = 0


class _Newest:
    """Between the thread of the camera and the event loop."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._frame: VideoFrame | None = None
        self._is_over = False
        self._changed = asyncio.Event()

    def offer(self, frame: VideoFrame | None) -> None:
        """None: no more will come."""
        self._tally.dropped += frame is not None and self._frame is not None
        self._is_over = frame is None
        self._frame = frame or self._frame
        self._changed.set()

    async def take(self) -> VideoFrame | None:
        """None at the end."""
        while self._frame is None and not self._is_over:
            self._changed.clear()
            await self._changed.wait()
        frame, self._frame = self._frame, None
        return frame


class Meeting:
    """One camera, one effect, one virtual camera."""

    def __init__(self, engine: Engine, card: ModelCard, composer: Composer, size: Size) -> None:
        self.tally = Tally()
        self._engine = engine
        self._card = card
        self._composer = composer
        self._size = size

    async def run(self, camera: Films, virtual: VirtualCamera, on_frame: Callable[[], None] = lambda: None) -> None:
        """Until the camera ends, or this is cancelled. A frame that fails is left out: the next one comes already."""
        newest, stopping = _Newest(self.tally), threading.Event()
        loop = asyncio.get_running_loop()

        def read() -> None:
            for frame in camera.frames():
                if stopping.is_set():
                    return
                loop.call_soon_threadsafe(newest.offer, frame)
            loop.call_soon_threadsafe(newest.offer, None)

        with ThreadPoolExecutor(2, thread_name_prefix="camera") as threads:
            reading = loop.run_in_executor(threads, read)
            try:
                while (frame := await newest.take()) is not None:
                    await self._show(frame, virtual, threads)
                    on_frame()
            finally:
                stopping.set()
                await asyncio.wait({reading})

    async def _show(self, frame: VideoFrame, virtual: VirtualCamera, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()

        async def on_thread(work: Callable[[], Result]) -> Result:
            return await loop.run_in_executor(threads, work)

        prepared = await on_thread(lambda: self._composer.see(self._picture(frame)))
        deadline = loop.time() + STALE_S
        try:
            outcome = await self._engine.batcher.predict(self._card.key, prepared.pixels, deadline, Lane.LIVE)
        except Failure:
            self.tally.failed += 1
            return
        await on_thread(lambda: virtual.send(self._composer.compose(prepared, outcome.scores, Stopwatch())))
        self.tally.sent += 1

    def _picture(self, frame: VideoFrame) -> Image.Image:
        """RGB, of the virtual camera's size: cut to its aspect where the camera films in another."""
        picture = photo_of(frame, UPRIGHT).rgb
        return picture if picture.size == self._size else ImageOps.fit(picture, self._size, Image.Resampling.BILINEAR)
