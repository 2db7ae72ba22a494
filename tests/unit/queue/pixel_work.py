"""A scheduler of real threads, whose work begins and ends when a test says so."""

import asyncio
import math
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from service.errors import QueueFull
from service.queue.claim import Claim
from service.queue.pixel_scheduler import PixelScheduler
from service.queue.schedule import Lane
from service.telemetry.stopwatch import Stopwatch

PATIENCE_S = 60.0

STAGES = ("read", "refine", "finish")


class Room:
    """Memory for so many pixels, and what one request takes of it."""

    def __init__(self, pixels: int = 0, peer: str = "") -> None:
        self.free = pixels
        self.peer = peer
        self.holds = 0
        self.can_ever_fit = True
        self.is_greedy = False

    def book_pixels(self, count: int) -> bool:
        if not self.can_ever_fit:
            raise QueueFull
        if count > self.free:
            return False
        self.free -= count
        return True

    def lets_others_go_first(self, count: int) -> bool:
        return self.is_greedy

    def hold(self) -> None:
        self.holds += 1

    def release(self) -> None:
        self.holds -= 1


class Threads:
    """A scheduler whose work begins and ends under the eyes of the test."""

    def __init__(self, threads: int = 1) -> None:
        self.scheduler = PixelScheduler(threads)
        self.begun: list[str] = []
        self._go_on: dict[str, threading.Event] = {}
        self._began: dict[str, asyncio.Event] = {}
        self._loop = asyncio.get_running_loop()

    def ask(
        self,
        name: str,
        stage: str = "read",
        *,
        claim: Claim | None = None,
        pixels: int = 0,
        stops: bool = False,
        **facts: Any,
    ) -> "asyncio.Task[str]":
        """Work that answers its name; `stops`: not before the test says so."""
        self._go_on[name], self._began[name] = threading.Event(), asyncio.Event()
        if not stops:
            self._go_on[name].set()
        asked = self._with_claim(claim or a_claim(**facts), lambda claim: self._run(name, stage, claim, pixels))
        return asyncio.create_task(asked)

    async def _with_claim(self, claim: Claim, run: Callable[[Claim], Awaitable[str]]) -> str:
        with self.scheduler.claiming(claim):
            return await run(claim)

    async def _run(self, name: str, stage: str, claim: Claim, pixels: int) -> str:
        def work() -> str:
            self.begun.append(name)
            self._loop.call_soon_threadsafe(self._began[name].set)
            assert self._go_on[name].wait(PATIENCE_S)
            claim.check_wanted()
            return name

        return await self.scheduler.run(claim, stage, work, pixels)

    async def has_begun(self, name: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self._began[name].wait()

    def end(self, name: str) -> None:
        self._go_on[name].set()


def a_claim(
    lane: Lane = Lane.INTERACTIVE,
    deadline: float = math.inf,
    megapixels: float | None = None,
    booking: Room | None = None,
    kind: str = "cutout",
    stages: Sequence[str] = STAGES,
) -> Claim:
    claim = Claim(kind, stages, deadline, lane, Stopwatch(), booking)
    claim.megapixels = megapixels
    return claim


async def a_turn() -> None:
    """What was just asked is in the queue."""
    await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # a thread's end has no event to wait for
            await asyncio.sleep(0.001)


async def over(*tasks: "asyncio.Task[str]") -> list[str | BaseException]:
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE_S)


def soon(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


def taught(threads: Threads, seconds: float, megapixels: float = 12.0) -> None:
    """Each stage of a picture of this size is known to take so long."""
    claim = a_claim(megapixels=megapixels)
    for stage in STAGES:
        threads.scheduler.forecast.learn(claim, stage, seconds)
