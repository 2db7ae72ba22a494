"""What a request held is free when it is over, and not only when Python's collector of cycles comes by."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.engine.pipeline import Read
from service.engine.request import Answer, ImageRequest
from service.pixels.decode import Photo
from tests.api.test_admission import admission_of
from tests.api.wire import PICTURE, Wire, asked, on_loop
from tests.fakes import RAISING_COLOR
from tests.pictures import encoded, plain

LARGE = (ImageRequest, Read, Photo, Answer)
"""What holds pictures."""


@contextmanager
def nobody_collects() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def is_answered(app: ASGIApp) -> None:
    assert (await asked(app, "/remove-background")).status == 200


async def fails_in_the_network(app: ASGIApp) -> None:
    wire = Wire(app, "/remove-background", content_type="image/png")
    wire.give(encoded(plain(RAISING_COLOR)), more=False)
    assert (await wire.open().done()).status == 500


async def cannot_be_read(app: ASGIApp) -> None:
    wire = Wire(app, "/remove-background", content_type="image/png")
    wire.give(PICTURE[: len(PICTURE) // 2], more=False)
    assert (await wire.open().done()).status == 422


async def is_left(app: ASGIApp) -> None:
    wire = Wire(app, "/remove-background", content_type="image/png")
    wire.give(PICTURE, more=False)
    wire.leave()
    await wire.open().done()
    await admission_of(app).idle.wait()  # a thread may be at work for it until it sees that nobody waits


async def is_left_at_work(app: ASGIApp) -> None:
    wire = Wire(app, "/remove-background", content_type="image/png")
    wire.give(PICTURE, more=False)
    wire.open()
    await until(lambda: admission_of(app).pixels_in_flight > 0)
    wire.leave()
    await wire.done()
    await admission_of(app).idle.wait()


@pytest.mark.parametrize("request_that", [is_answered, fails_in_the_network, cannot_be_read, is_left, is_left_at_work])
def test_pictures_and_answers_are_free_as_soon_as_a_request_is_over(
    client: TestClient, request_that: Callable[[ASGIApp], Awaitable[None]]
) -> None:
    async def story(app: ASGIApp) -> bool:
        await is_answered(app)
        with nobody_collects():
            before = kept()  # by whoever: tests that failed, caches of others
            await request_that(app)
            await until(lambda: not kept_since(before))  # a thread that has given its part may not have let go yet
            return True

    assert on_loop(client, story)


async def until(is_so: Callable[[], bool]) -> None:
    """Looks again whenever everybody else on the loop had a turn."""
    while True:
        if is_so():
            return
        await asyncio.sleep(0)


def kept_since(before: list[object]) -> list[object]:
    known = {id(each) for each in before}
    return [each for each in kept() if id(each) not in known]


def kept() -> list[object]:
    """Pictures and answers that are still in memory."""
    return [each for each in gc.get_objects() if type(each) in LARGE]
