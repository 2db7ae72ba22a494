"""One film from file to file: read, look, steady, compose, write, all at once, a few frames at a time. No HTTP."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from PIL import Image

from service.engine.engine import Engine
from service.engine.together import together
from service.errors import VideoTooLong
from service.models.decisions import Plane
from service.models.store import ModelCard
from service.operations.effect import Scene
from service.pixels.decode import Photo, decode
from service.pixels.matting import matte
from service.pixels.threads import pixel_work
from service.video.choice import FilmChoice
from service.video.kept import KeptMattes, identity_of
from service.video.line import Line, read_on
from service.video.look import Looker, Shown
from service.video.source import Facts, Frame, Limits, Source
from service.video.steady import Matted, Steadier, steadied
from service.video.writers import WRITERS, Order, Writer
from service.workers.machine import available_cores

Result = TypeVar("Result")

CUT_OFF = ".silhouette-part"
KEPT = ".silhouette-mattes"


@dataclass(frozen=True)
class FilmFiles:
    """Where it is read from and written to."""

    source: Path
    result: Path
    background: bytes | None = None

    @property
    def unfinished(self) -> Path:
        """The result while it is written."""
        return self.result.with_name(f".{self.result.name}{CUT_OFF}")

    @property
    def mattes(self) -> Path:
        """What the networks said so far; stays where the work is cut short."""
        return self.result.with_name(f".{self.result.name}{KEPT}")


@dataclass(frozen=True)
class Progress:
    """How far it is."""

    frames: int
    total: int | None
    """To about one; None where nobody knows."""


@dataclass(frozen=True)
class Watch:
    """What whoever waits for the film wants to hear, on the event loop."""

    on_progress: Callable[[Progress], None] = lambda progress: None
    before_frame: Callable[[int], Awaitable[None]] | None = None
    """Is told how many pixels a frame has, and may keep it waiting."""


@dataclass(frozen=True)
class Made:
    """What became of it."""

    facts: Facts
    frames: int
    lost: int
    """Packets of the pictures that did not decode."""
    damaged: int
    """Frames that did in part."""
    lost_sound: int
    """Packets of all tracks that did not decode."""


async def make_film(
    engine: Engine, files: FilmFiles, choice: FilmChoice, limits: Limits, watch: Watch | None = None
) -> Made:
    """The result has its name only once it is whole; cut short, nothing is there but what `FilmFiles.mattes` keeps.

    Raises what `Source` and the catalogue raise, BadOption for a background that is missing, and what the engine fails
    with.
    """
    card = engine.pipeline.catalogue.card(choice.options.model)
    with engine.served.in_use(card):
        await engine.served.be_awake(card, math.inf)
        return await _make(engine, files, choice, limits, watch or Watch(), card)


async def _make(
    engine: Engine, files: FilmFiles, choice: FilmChoice, limits: Limits, watch: Watch, card: ModelCard
) -> Made:
    class_ids = card.class_table.find(choice.options.keep)
    loop, threads = asyncio.get_running_loop(), ThreadPoolExecutor(2, thread_name_prefix="film")  # reads, writes
    with ExitStack() as closing:
        closing.callback(threads.shutdown)
        identity = await loop.run_in_executor(threads, identity_of, files.source, card.label, sorted(class_ids))
        source = closing.enter_context(await loop.run_in_executor(threads, Source, files.source, limits))
        kept = KeptMattes(files.mattes, identity)
        closing.callback(kept.close)
        closing.callback(threads.shutdown)  # once more, and first: nothing is closed that a thread still works on
        film = _Film(engine, choice, source, Looker(engine, card, class_ids, kept), threads)
        made = await film.run(files, watch)
    kept.forget()
    return made


class _Film:
    """One that is open."""

    def __init__(
        self, engine: Engine, choice: FilmChoice, source: Source, looker: Looker, threads: ThreadPoolExecutor
    ) -> None:
        self._engine = engine
        self._choice = choice
        self._source = source
        self._looker = looker
        self._threads = threads
        self._backdrop: Photo | None = None

    async def run(self, files: FilmFiles, watch: Watch) -> Made:
        self._check_length()
        if files.background is not None:
            self._backdrop = await self._on_thread(lambda: self._fitted(files.background or b""))
        writer = await self._on_thread(lambda: WRITERS[self._choice.format.name](self._order(files.unfinished)))
        try:
            count = await self._work_off(writer, watch)
            await self._on_thread(writer.finish)
        except BaseException:
            self._threads.shutdown()
            with suppress(Exception):
                writer.abandon()
            files.unfinished.unlink(missing_ok=True)
            raise
        files.unfinished.replace(files.result)
        source = self._source
        lost_sound = sum(track.lost for track in source.tracks)
        return Made(source.facts, count, source.lost, source.damaged, lost_sound)

    async def _work_off(self, writer: Writer, watch: Watch) -> int:
        """The number of frames."""
        count = 0
        async with together() as group:
            async for frame, picture in self._composed(Line(group), watch):
                await self._on_thread(partial(writer.write, picture, frame.at, frame.duration))
                count += 1
                watch.on_progress(Progress(count, self._source.facts.frames))
        return count

    def _composed(self, line: Line, watch: Watch) -> AsyncIterator[tuple[Frame, Image.Image]]:
        """All frames, each with its picture, made as far ahead as there are places."""
        strength = self._choice.film.smoothing

        async def look(frame: Frame) -> Matted[Shown]:
            if watch.before_frame is not None:
                await watch.before_frame(frame.photo.size.width * frame.photo.size.height)
            return await self._looker.look(frame)

        frames = read_on(self._source.frames(), self._threads)
        matted = line.ordered(frames, look, self._engine.pool.places + 1)
        return line.ordered(steadied(matted, Steadier(strength)), self._compose, available_cores())

    async def _compose(self, steady: tuple[Shown, Plane]) -> tuple[Frame, Image.Image]:
        shown, plane = steady
        frame = shown.frame
        picture = await self._looker.on_pixels("compose", frame, lambda: self._picture(shown, plane))
        return frame, picture

    def _picture(self, shown: Shown, plane: Plane) -> Image.Image:
        """RGBA, RGB or L, as the choice's content says."""
        photo, options = shown.frame.photo, self._choice.options
        soft = matte(self._looker.prediction(shown, plane), (1,), photo, options.refine)
        pictures = {} if self._backdrop is None else {"background": self._backdrop}
        picture = self._choice.effect.compose(Scene.of(photo, soft, pictures, options), options)
        return picture if self._choice.content != "picture" else _opaque(picture)

    def _fitted(self, background: bytes) -> Photo:
        """As large as the frames. Raises what `decode` raises."""
        fit_picture = self._choice.effect.fit_picture
        photo = decode(background, self._source.limits.pixels)
        return fit_picture(photo, self._source.facts.size, self._choice.options) if fit_picture else photo

    def _order(self, path: Path) -> Order:
        choice, source = self._choice, self._source
        tracks = source.tracks if choice.format.has_sound else ()
        film = choice.film
        return Order(path, source.facts, choice.content, film.quality, film.speed, tracks, source.origin)

    def _check_length(self) -> None:
        """Raises VideoTooLong for what a format has no room for, as far as it is known."""
        most, frames = self._choice.format.most_frames, self._source.facts.frames
        if most is not None and frames is not None and frames > most:
            name = self._choice.format.name
            raise VideoTooLong(f"{name} is for clips of at most {most} frames, and this one has about {frames}")

    async def _on_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@pixel_work
def _opaque(picture: Image.Image) -> Image.Image:
    """RGB: where a background lets something through, that is black."""
    if picture.mode == "RGB":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, (0, 0, 0, 255)), picture.convert("RGBA")).convert(
        "RGB"
    )
