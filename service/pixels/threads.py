"""Work whose time grows with the picture belongs on a pixel thread; on the event loop everybody would wait for it.

Threads that have nothing to do help the one that has: a large picture in parts is done in half the time on two cores.
"""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Part = TypeVar("Part")


def pixel_work(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function, which raises AssertionError on the thread of an event loop. `python -O` leaves it as it is."""
    if not __debug__:
        return function

    @wraps(function)
    def off_the_loop(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        assert not _turns_a_loop(), f"{function.__qualname__} takes longer the larger the picture: not on an event loop"
        return function(*args, **kwargs)

    return off_the_loop


def _turns_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Helpers:
    """Threads for parts of what other threads work on, no more of them than `spare` says at that moment."""

    def __init__(self, most: int, spare: Callable[[], int]) -> None:
        self._spare = spare
        self._executor = ThreadPoolExecutor(max(1, most), thread_name_prefix="pixel-parts")

    def run(self, work: Callable[[], Result]) -> Result:
        """What `work` returns or raises, on this thread; its `in_parts` is helped."""
        token = _HELPERS.set(self)
        try:
            return work()
        finally:
            _HELPERS.reset(token)

    @property
    def spare(self) -> int:
        """How many threads have nothing to do, at this moment."""
        return max(0, self._spare())

    def lend(self, work: Callable[[Part], Result], parts: Sequence[Part]) -> "list[Future[Result]]":
        """Of the first of `parts`, as many as there are threads to spare."""
        return [self._executor.submit(work, part) for part in parts[: self.spare]]

    def close(self) -> None:
        """Returns when the threads have ended."""
        self._executor.shutdown()


_HELPERS: ContextVar[Helpers | None] = ContextVar("helpers", default=None)


def in_parts(work: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
    """As `map`: what `work` says of each part, in order. It must not matter which thread does which, or when.

    A helper that has not begun when its part is due, as the machine has other things to do, is not waited for.
    """
    helpers, at = _HELPERS.get(), 0
    while at < len(parts):
        own, *others = parts[at:]
        lent = helpers.lend(work, others) if helpers else []
        try:
            yield work(own)
            for part, future in zip(others, lent, strict=False):
                yield work(part) if future.cancel() else future.result()
        finally:
            if begun := [future for future in lent if not future.cancel()]:
                wait(begun)
        at += 1 + len(lent)


def each_part(work: Callable[[Part], None], parts: Sequence[Part]) -> None:
    """Does all the work; whoever has done a part takes the next, so that nobody waits for the longest of a few.

    It must not matter which thread does which, or when.
    """
    helpers, left = _HELPERS.get(), iter(parts)

    def do_what_is_left(_: object) -> None:
        for part in left:
            work(part)

    lent = helpers.lend(do_what_is_left, parts[1:]) if helpers else []
    try:
        do_what_is_left(None)
    finally:
        for _ in left:  # nothing, unless one has failed
            pass
        if begun := [future for future in lent if not future.cancel()]:
            wait(begun)
    for future in begun:
        future.result()


def of_each_part(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """What `work` says of each part, in order; done as `each_part` does it."""
    said: dict[int, Result] = {}

    def note(number: int) -> None:
        said[number] = work(parts[number])

    each_part(note, range(len(parts)))
    return [said[number] for number in range(len(parts))]


PARTS_A_THREAD = 4
"""So that those who are done sooner can take what is left."""


def strips(rows: int, step: int) -> list[tuple[int, int]]:
    """(top, bottom) of shares of so many rows: one where no thread is to spare. Each begins at a multiple of `step`."""
    helpers = _HELPERS.get()
    threads = 1 + (helpers.spare if helpers else 0)
    share = math.ceil(rows / (1 if threads == 1 else PARTS_A_THREAD * threads))
    length = max(step, -(-share // step) * step)
    return [(top, min(rows, top + length)) for top in range(0, rows, length)]
