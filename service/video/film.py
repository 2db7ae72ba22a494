"""One film from file to file: read, look, steady, compose, write, all at once, a few frames at a time. No HTTP."""

import asyncio
import math
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from service.engine.together import together
from service.errors import BadInput, BadOption, VideoTooLong
from service.models.decisions import Plane
from service.video.choice import FilmChoice
from service.video.composing import Composer
from service.video.files import FilmFiles
from service.video.kept import KeptMattes, identity_of
from service.video.line import Line, read_on
from service.video.look import Looker, Means, Shown
from service.video.source import Facts, Frame, Limits, Source
from service.video.steady import Matted, Steadier, steadied
from service.video.watch import Progress, Watch
from service.video.writers import WRITERS, Composed, Order, Writer
from service.workers.machine import available_cores

if TYPE_CHECKING:
    from service.engine.engine import Engine

Result = TypeVar("Result")
Ready = TypeVar("Ready")

FRAMES_AT_ONCE = 8
"""In memory, each counted as if it were being composed: those that are, those that are written, what the encoders keep
of former ones, and a dozen that wait as the codec stores them, in a twelfth of the room."""


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
    engine: "Engine", files: FilmFiles, choice: FilmChoice, limits: Limits, watch: Watch | None = None
) -> Made:
    """The result has its name only once it is whole; cut short, nothing is there but what `FilmFiles.mattes` keeps;
    refused, not that either, unless it was there before.

    Raises what `Source` and the catalogue raise, BadOption for a background that is missing, and what the engine fails
    with.
    """
    card = engine.pipeline.catalogue.card(choice.options.model)
    with engine.served.in_use(card):
        await engine.served.be_awake(card, math.inf)
        means = Means(card, engine.batcher, engine.pool.places, engine.pixels)
        return await make_with(means, files, choice, limits, watch or Watch())


async def make_with(means: Means, files: FilmFiles, choice: FilmChoice, limits: Limits, watch: Watch) -> Made:
    """As `make_film`, where somebody else sees to it that workers have the model."""
    class_ids = means.card.class_table.find(choice.options.keep)
    loop, threads = asyncio.get_running_loop(), ThreadPoolExecutor(2, thread_name_prefix="film")  # reads, writes
    with ExitStack() as closing:
        closing.callback(threads.shutdown)
        identity = await loop.run_in_executor(threads, identity_of, files.source, means.card.label, sorted(class_ids))
        source = closing.enter_context(await loop.run_in_executor(threads, Source, files.source, limits))
        kept = KeptMattes(files.mattes, identity)
        closing.callback(kept.close)
        closing.callback(threads.shutdown)  # once more, and first: nothing is closed that a thread still works on
        film = _Film(choice, source, Looker(means, class_ids, kept), threads)
        is_resumed = len(kept) > 0
        try:
            made = await film.run(files, watch)
        except BadInput:
            if not is_resumed:
                kept.forget()
            raise
    kept.forget()
    return made


class _Film:
    """One that is open."""

    def __init__(self, choice: FilmChoice, source: Source, looker: Looker, threads: ThreadPoolExecutor) -> None:
        self._choice = choice
        self._source = source
        self._looker = looker
        self._threads = threads
        self._composer = Composer(choice, source.facts, looker.class_table)

    async def run(self, files: FilmFiles, watch: Watch) -> Made:
        self._check_length()
        self._check_size()
        if watch.before_film is not None:
            await watch.before_film(FRAMES_AT_ONCE * self._frame_pixels)
        limits, composer = self._source.limits, self._composer
        if files.background is not None:
            await self._on_thread(partial(composer.take_background, files.background, limits))
        if files.matte is not None:
            await self._on_thread(partial(composer.take_matte, files.matte, limits))
        writer = await self._on_thread(lambda: WRITERS[self._choice.format.name](self._order(files.unfinished)))
        try:
            count = await self._work_off(writer, watch, is_still=files.matte is not None)
            await self._on_thread(writer.finish)
        except BaseException:
            self._threads.shutdown()
            with suppress(Exception):
                writer.abandon()
            _remove(files.unfinished)
            raise
        files.unfinished.replace(files.result)
        source = self._source
        lost_sound = sum(track.lost for track in source.tracks)
        return Made(source.facts, count, source.lost, source.damaged, lost_sound)

    @property
    def _frame_pixels(self) -> int:
        return self._source.facts.size.width * self._source.facts.size.height

    async def _work_off(self, writer: Writer[Composed, Ready], watch: Watch, *, is_still: bool) -> int:
        """The number of frames."""
        count = 0
        async with together() as group:
            line = Line(group)
            composed = self._still(line, writer, watch) if is_still else self._steady(line, writer, watch)
            async for frame, ready in composed:
                await self._on_thread(partial(writer.write, ready, frame.at, frame.duration))
                count += 1
                watch.on_progress(Progress(count, self._source.facts.frames))
        return count

    def _steady(self, line: Line, writer: Writer[Composed, Ready], watch: Watch) -> AsyncIterator[tuple[Frame, Ready]]:
        """All frames, each ready to be written, made as far ahead as there are places."""

        async def look(frame: Frame) -> Matted[Shown]:
            await self._charge(watch)
            return await self._looker.look(frame)

        async def compose(steady: tuple[Shown, Plane]) -> tuple[Frame, Ready]:
            shown, plane = steady
            return await self._prepared(shown.frame, writer, lambda: self._composer.steady(shown, plane))

        frames = read_on(self._source.frames(), self._threads)
        matted = line.ordered(frames, look, self._looker.places + 1)
        return line.ordered(steadied(matted, Steadier(self._choice.film.smoothing)), compose, available_cores())

    def _still(self, line: Line, writer: Writer[Composed, Ready], watch: Watch) -> AsyncIterator[tuple[Frame, Ready]]:
        """As `_steady`, where the matte is fixed."""

        async def compose(frame: Frame) -> tuple[Frame, Ready]:
            await self._charge(watch)
            return await self._prepared(frame, writer, lambda: self._composer.still(frame.coded))

        return line.ordered(read_on(self._source.frames(), self._threads), compose, available_cores())

    async def _prepared(
        self, frame: Frame, writer: Writer[Composed, Ready], compose: Callable[[], Composed]
    ) -> tuple[Frame, Ready]:
        return frame, await self._looker.on_pixels("compose", frame, lambda: writer.prepare(compose()))

    async def _charge(self, watch: Watch) -> None:
        if watch.before_frame is not None:
            await watch.before_frame(self._frame_pixels)

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

    def _check_size(self) -> None:
        """Raises BadOption for frames that a format cannot count the pixels of."""
        most, (width, height) = self._choice.format.most_side, self._source.facts.size
        if most is not None and max(width, height) > most:
            name = self._choice.format.name
            raise BadOption(f"format: {name} has frames of at most {most} pixels a side, not {width} x {height}")

    async def _on_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _remove(path: Path) -> None:
    """A file, or a folder of pictures."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
