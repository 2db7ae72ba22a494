"""A long list that is worked off a few at a time, behind a bar of progress."""

from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

from service.cli.console import work_progress
from service.engine.together import together

Item = TypeVar("Item")


async def work_through(
    items: Collection[Item], places: int, words: str, work: Callable[[Item], Awaitable[None]]
) -> None:
    """In their order, `places` of them at once: 10,000 items are never 10,000 tasks. What one raises ends all."""
    waiting = iter(items)
    with work_progress() as progress:
        bar = progress.add_task(words, total=len(items))

        async def take() -> None:
            for item in waiting:
                await work(item)
                progress.advance(bar)

        async with together() as group:
            for _ in range(min(places, len(items))):
                group.create_task(take())
