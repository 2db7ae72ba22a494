"""One live session: reads what the client sends, answers the newest frame, and never has more than that waiting."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from service.errors import Draining, Failure, IdleSession, TooManyBytes
from service.models.labels import Size
from service.models.store import ModelCard
from service.queue.asking import TicketQueue
from service.queue.permit import Permit
from service.queue.schedule import Lane
from service.settings import Settings
from service.stream.choice import Choice
from service.stream.composer import Composer, Prepared
from service.stream.inbox import Change, FrameRate, Inbox
from service.stream.protocol import Background, Frame, Hello, Result, Update, read_message
from service.telemetry.metrics import Metrics
from service.telemetry.stopwatch import Stopwatch

Outcome = TypeVar("Outcome")

STALE_S = 5.0
"""A frame that nobody could look at for so long is of no use any more."""

LAST_FRAME_S = 5.0
"""For the frame in work, when the service stops."""

FRAME_SLACK_BYTES = 16_384
"""A tiny picture may be larger as a JPEG than as raw pixels."""

PIXELS_A_SESSION = 8
"""The frame, what is composed of it, the backdrop and the background picture at twice the size, in frames."""


class ConnectionLost(Exception):
    """The client is gone."""


class Connection(Protocol):
    """The socket, as a session needs it. Each of these raises ConnectionLost."""

    async def receive(self) -> str | bytes: ...

    async def send(self, message: bytes) -> None: ...

    async def say(self, type_: str, **fields: Any) -> None:
        """A JSON text."""

    async def report(self, failure: Failure, seq: int | None = None) -> None:
        """Its problem document."""


@dataclass(frozen=True)
class SharedParts:
    """What all sessions share."""

    batcher: TicketQueue
    metrics: Metrics
    settings: Settings
    threads: Executor
    """For pixels. Their own, so that a frame never waits for a 12 megapixel PNG."""
    admit: Callable[[], Permit]
    """For a background picture, as for any request."""


@dataclass
class Tally:
    """What came of the frames of a session."""

    answered: int = 0
    dropped: int = 0
    failed: int = 0
    slowest_ms: float = 0.0
    total_ms: float = 0.0

    def answer(self, elapsed_ms: float) -> None:
        """One more, which took so long from its arrival to its last byte."""
        self.answered += 1
        self.slowest_ms = max(self.slowest_ms, elapsed_ms)
        self.total_ms += elapsed_ms


class Session:
    """From the hello to the end. Raises ConnectionLost from `run`, or the failure that ended it."""

    def __init__(self, id_: str, hello: Hello, card: ModelCard, shared: SharedParts, connection: Connection) -> None:
        settings = shared.settings
        self.id = id_
        self.tally = Tally()
        self._started = time.monotonic()
        self._hello = hello
        self.card = card
        self._shared = shared
        self._connection = connection
        self._composer = Composer(card, hello.size, Choice.of(hello))
        self._inbox = Inbox()
        self._stopping = asyncio.Event()
        self._reason: Failure = Draining()
        """Why it was stopped."""
        self._max_fps = min(hello.max_fps or settings.max_session_fps, settings.max_session_fps)
        self._rate = FrameRate(self._max_fps)

    @property
    def pixels(self) -> int:
        """What it takes up in memory, in pixels."""
        return PIXELS_A_SESSION * self._hello.width * self._hello.height

    @property
    def max_frame_bytes(self) -> int:
        raw = 3 * self._hello.width * self._hello.height
        return min(self._shared.settings.max_upload_bytes, raw + FRAME_SLACK_BYTES)

    def facts(self) -> dict[str, Any]:
        """For the log."""
        tally, choice = self.tally, self._composer.choice
        return {
            "model": self.card.label,
            "effect": choice.effect.name,
            "output": choice.output,
            "size": f"{self._hello.width}x{self._hello.height}",
            "seconds": round(time.monotonic() - self._started, 1),
            "frames": tally.answered,
            "dropped": tally.dropped,
            "failed": tally.failed,
            "mean_ms": round(tally.total_ms / max(1, tally.answered), 1),
            "max_ms": round(tally.slowest_ms, 1),
        }

    def stop(self, reason: Failure) -> None:
        """The frame that is being worked on is still answered."""
        self._reason = reason
        self._inbox.end(reason)
        self._stopping.set()

    async def run(self) -> None:
        await self._be_ready()
        tasks = {asyncio.create_task(work) for work in (self._read_all(), self._answer_all(), self._end_in_time())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await _ended(tasks)

    async def _end_in_time(self) -> None:
        """Raises the reason for a client that does not even read the answer to its last frame."""
        await self._stopping.wait()
        await asyncio.sleep(LAST_FRAME_S)
        raise self._reason

    async def _be_ready(self) -> None:
        size = await self._on_thread(self._composer.matte_size)
        await self._connection.say(
            "ready",
            session=self.id,
            model=self.card.label,
            matte_width=size.width,
            matte_height=size.height,
            max_fps=self._max_fps,
            idle_timeout_s=self._shared.settings.session_idle_timeout_s,
        )

    async def _read_all(self) -> None:
        """Raises IdleSession, MalformedMessage, TooManyBytes or ConnectionLost."""
        now = asyncio.get_running_loop().time
        while True:
            raw = await self._within_idle_time(self._connection.receive(), "sent")
            try:
                message = read_message(raw, now())
            except Failure as failure:
                if isinstance(raw, str) and failure.code == "bad_option":  # an update: what was chosen before stays
                    await self._connection.report(failure)
                    continue
                raise
            if isinstance(message, Frame):
                self._offer(message)
            else:
                await self._inbox.hand_over(message)

    async def _within_idle_time(self, work: Awaitable[Outcome], what: str) -> Outcome:
        """Raises IdleSession where the client has `what` nothing for so long: sent, or read."""
        timeout_s = self._shared.settings.session_idle_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                return await work
        except TimeoutError as error:
            raise IdleSession(f"the client has {what} nothing for {timeout_s:g} seconds") from error

    def _offer(self, frame: Frame) -> None:
        if len(frame.payload) > self.max_frame_bytes:
            raise TooManyBytes(f"a frame of {len(frame.payload)} bytes; this session takes {self.max_frame_bytes}")
        if not self._inbox.offer(frame):
            self.tally.dropped += 1
            self._count("dropped")

    async def _answer_all(self) -> None:
        """Raises what it was stopped for, or IdleSession where the client does not read."""
        while True:
            item = await self._inbox.take(self._rate.next_s)
            if isinstance(item, Frame):
                self._rate.took(asyncio.get_running_loop().time())
                await self._answer_frame(item)
            else:
                await self._answer_change(item)

    async def _answer_frame(self, frame: Frame) -> None:
        try:
            result = await self._result(frame)
        except Failure as failure:
            self.tally.failed += 1
            self._count("failed")
            await self._connection.report(failure, frame.header.seq)
            return
        await self._within_idle_time(self._connection.send(result.packed()), "read")
        elapsed_s = asyncio.get_running_loop().time() - frame.arrived_at
        self.tally.answer(elapsed_s * 1000)
        self._count("answered")
        self._shared.metrics.stream_frame_seconds.observe(elapsed_s)

    def _count(self, outcome: str) -> None:
        self._shared.metrics.stream_frames.labels(outcome).inc()

    async def _result(self, frame: Frame) -> Result:
        loop, watch = asyncio.get_running_loop(), Stopwatch()
        watch.add("wait", (loop.time() - frame.arrived_at) * 1000)

        def prepare() -> Prepared:
            with watch.measure("decode"):
                return self._composer.prepare(frame)

        prepared = await self._on_thread(prepare)
        outcome = await self._shared.batcher.predict(
            self.card.key, prepared.pixels, frame.arrived_at + STALE_S, Lane.LIVE
        )
        watch.add("queue", outcome.queue_ms)
        watch.add("infer", outcome.infer_ms)
        parts, is_cut = await self._on_thread(lambda: self._composer.finish(prepared, outcome.scores, watch))
        return Result(frame.header, parts, is_cut, self.tally.dropped, watch.measured_ms)

    async def _answer_change(self, change: Change) -> None:
        try:
            if isinstance(change, Background):
                size = await self._take_background(change)
                await self._connection.say("background", width=size.width, height=size.height)
            else:
                self._update(change)
                await self._connection.say("updated", **self._chosen())
        except Failure as failure:
            await self._connection.report(failure)

    def _update(self, update: Update) -> None:
        self._composer.choose(self._composer.choice.updated(update))

    def _chosen(self) -> dict[str, Any]:
        choice = self._composer.choice
        options = choice.options.model_dump(exclude_defaults=True)
        return {
            "effect": choice.effect.name,
            "options": options,
            "output": choice.output,
            "smoothing": choice.smoothing,
        }

    async def _take_background(self, background: Background) -> Size:
        permit = self._shared.admit()
        try:
            permit.take_bytes(len(background.payload))
            max_pixels = self._shared.settings.max_pixels
            return await self._on_thread(
                lambda: self._composer.take_background(background, max_pixels, permit.take_pixels)
            )
        finally:
            permit.give_back()

    async def _on_thread(self, work: Callable[[], Outcome]) -> Outcome:
        return await asyncio.get_running_loop().run_in_executor(self._shared.threads, work)


async def _ended(tasks: Collection["asyncio.Task[None]"]) -> None:
    """Cancelled and over. What else they raised is of no interest any more."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()
