"""Work whose time grows with the picture belongs on a pixel thread; on the event loop everybody would wait for it."""

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


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
