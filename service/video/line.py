"""Stages of work that overlap: while one frame is written, the next is composed, and those after it are looked at.

Knows no picture. Between two stages there are never more items than the first of them has places, so however long a
film is, it never takes more memory than a few frames.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Line:
    """Of one film. What one stage raises ends all of them."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group

    async def ordered(
        self, source: AsyncIterator[Item], work: Callable[[Item], Awaitable[Result]], places: int
    ) -> AsyncIterator[Result]:
        """What `work` makes of each item, in their order; up to `places` of them are in work, or wait to be taken."""
        free = asyncio.Semaphore(places)
        begun: asyncio.Queue[asyncio.Task[Result] | None] = asyncio.Queue()

        async def worked(item: Item) -> Result:
            return await work(item)

        async def pump() -> None:
            async for item in source:
                await free.acquire()
                begun.put_nowait(self._group.create_task(worked(item)))
            begun.put_nowait(None)

        self._group.create_task(pump())
        while (task := await begun.get()) is not None:
            yield await task
            free.release()


async def read_on(items: Iterator[Item], threads: Executor) -> AsyncIterator[Item]:
    """The items of an iterator that takes its time, each made on a thread."""
    loop = asyncio.get_running_loop()
    while True:
        item = await loop.run_in_executor(threads, _next, items)
        if item is None:
            return
        yield item


def _next(items: Iterator[Item]) -> Item | None:
    """None at the end: StopIteration cannot cross a thread."""
    with contextlib.suppress(StopIteration):
        return next(items)
    return None
