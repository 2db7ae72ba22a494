"""Many photos at once on one pixel thread: they wait within their deadlines, the first is done first, and what nobody
waits for any more ends."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.api.state import Service
from service.engine.pipeline import PIXEL_STAGES
from service.queue.claim import Claim
from service.queue.schedule import Lane
from service.settings import Settings
from service.telemetry.stopwatch import Stopwatch
from tests.api.wire import Wire, on_loop
from tests.clients import ready_client
from tests.fakes import DARK, RED
from tests.pictures import encoded

MEGAPIXELS = 2.0

MANY = 40
"""Eight times as many photos as there is time for."""

ROOM = 5.0
"""Megapixels: two photos."""

PHOTO_PIXELS = 1600 * 1250

PAGE_PIXELS = 2000 * 2000
"""Of a square page on which such a photo would lie as a whole, with a tenth of the page around it."""


def photo() -> bytes:
    """A red square on dark noise, so that every stage has something to do."""
    noise = np.random.default_rng(7).integers(0, 40, (1250, 1600, 3), np.uint8)
    picture = Image.fromarray(noise + np.uint8(DARK[0]))
    picture.paste(RED, (500, 300, 1100, 900))
    return encoded(picture, "JPEG", quality=90)


PHOTO = photo()


@pytest.fixture(scope="module")
def narrow(settings: Settings) -> Iterator[TestClient]:
    """One pixel thread, and room for two photos."""
    changed = {"pixel_threads": 1, "max_megapixels": MEGAPIXELS, "max_megapixels_in_flight": ROOM, "peer_share": 1.0}
    with ready_client(settings.model_copy(update=changed)) as running:
        yield running


@pytest.fixture
def service(narrow: TestClient) -> Service:
    state: Service = narrow.app.state.service  # type: ignore[attr-defined]
    return state


def asking(app: ASGIApp, **headers: str) -> Wire:
    """A photo that is uploaded as a whole."""
    wire = Wire(app, "/remove-background", content_type="image/jpeg", **headers)
    wire.give(PHOTO, more=False)
    return wire.open()


async def timed(wire: Wire) -> tuple[float, Wire]:
    await wire.done()
    return time.monotonic(), wire


async def all_of(wires: Sequence[Wire]) -> list[Wire]:
    """In the order in which they were done."""
    done = await asyncio.gather(*map(timed, wires))
    return [wire for _, wire in sorted(done, key=lambda each: each[0])]


async def seconds_alone(app: ASGIApp) -> float:
    began = time.monotonic()
    assert (await asking(app).done()).status == 200
    return time.monotonic() - began


def test_24_photos_at_once_wait_for_room_and_for_the_thread_and_all_are_answered(
    narrow: TestClient, service: Service
) -> None:
    async def story(app: ASGIApp) -> tuple[list[Wire], float]:
        wires, most = [asking(app) for _ in range(24)], 0
        answers = asyncio.ensure_future(all_of(wires))
        while not answers.done():
            most = max(most, service.admission.pixels_in_flight)
            await asyncio.sleep(0.01)  # a look now and then: a loop that never rests takes the thread's time
        return answers.result(), most / 1e6

    answers, most = on_loop(narrow, story)
    assert [answer.status for answer in answers] == [200] * 24
    assert MEGAPIXELS < most <= ROOM
    assert service.admission.pixels_in_flight == 0


def test_the_page_of_a_product_shot_is_booked_like_a_picture(narrow: TestClient, service: Service) -> None:
    async def story(app: ASGIApp) -> None:
        await until(lambda: service.admission.pixels_in_flight == 0)
        wire = Wire(app, "/product-shot", content_type="image/jpeg")
        wire.give(PHOTO, more=False)
        answer = asyncio.ensure_future(wire.open().done())
        await until(lambda: service.admission.pixels_in_flight > 0)
        assert service.admission.pixels_in_flight == PHOTO_PIXELS + PAGE_PIXELS
        await answer
        assert wire.status == 200

    on_loop(narrow, story)


def test_the_first_of_eight_is_done_long_before_the_last_and_none_is_overtaken_by_many(
    narrow: TestClient,
) -> None:
    async def story(app: ASGIApp) -> tuple[list[Wire], list[Wire], int]:
        wires = [asking(app) for _ in range(8)]
        await wires[0].done()
        still_waiting = sum(not wire.is_answered for wire in wires)
        return wires, [wires[0], *await all_of(wires[1:])], still_waiting

    wires, done, still_waiting = on_loop(narrow, story)
    assert still_waiting >= 4
    # While one is with the network, the thread takes another: two may change places there.
    assert max(abs(wires.index(wire) - place) for place, wire in enumerate(done)) <= 4


LATE = {"deadline_exceeded", "deadline_unreachable"}


def test_where_there_is_no_time_for_all_each_is_served_or_told_that_it_is_too_late(narrow: TestClient) -> None:
    async def story(app: ASGIApp) -> list[Wire]:
        patience_ms = 5 * 1000 * await seconds_alone(app)
        return await all_of([asking(app, x_request_timeout_ms=str(int(patience_ms))) for _ in range(MANY)])

    answers = on_loop(narrow, story)
    assert {answer.code for answer in answers if answer.status != 200} <= LATE


def test_at_a_deadline_everybody_is_told_so_and_not_when_there_is_a_thread(
    narrow: TestClient, service: Service
) -> None:
    async def story(app: ASGIApp) -> tuple[list[Wire], int]:
        async with taken_thread(service):
            answers = await all_of([asking(app, x_request_timeout_ms="200") for _ in range(4)])
            return answers, service.engine.pixels.busy_threads

    answers, busy_threads = on_loop(narrow, story)
    assert {answer.code for answer in answers} <= LATE
    assert busy_threads == 1


@contextlib.asynccontextmanager
async def taken_thread(service: Service, expected_s: float | None = None) -> AsyncIterator[None]:
    """The one that there is has something to do until the end of the block; for so long, as far as anybody knows."""
    may_end, pixels = threading.Event(), service.engine.pixels
    claim = Claim("endless", PIXEL_STAGES[:1], time.monotonic() + 60, Lane.INTERACTIVE, Stopwatch())
    claim.megapixels = 1.0
    if expected_s is not None:
        pixels.forecast.learn(claim, PIXEL_STAGES[0], expected_s)
    with pixels.claiming(claim):
        work = asyncio.ensure_future(pixels.run(claim, PIXEL_STAGES[0], lambda: may_end.wait(30)))
        await until(lambda: pixels.busy_threads == 1)
        try:
            yield
        finally:
            may_end.set()
            await work


def test_a_client_that_obeys_retry_after_is_served(narrow: TestClient, service: Service) -> None:
    async def story(app: ASGIApp) -> list[Wire]:
        count = max(8, int(3 / await seconds_alone(app)))
        others = [asking(app) for _ in range(count)]
        await until(lambda: service.engine.pixels.depth(Lane.INTERACTIVE) >= count // 2)
        hurry = str(int(500 * service.engine.pixels.expected_wait_s()))
        answers = [await asking(app, x_request_timeout_ms=hurry).done()]
        while answers[-1].status != 200:  # on a busy machine it may take longer than anybody could foresee: 504
            await asyncio.sleep(int(answers[-1].headers.get("Retry-After", 0)))
            answers.append(await asking(app, x_request_timeout_ms=hurry).done())
        await all_of(others)
        return answers

    refused, *_, served = on_loop(narrow, story)
    assert (refused.status, refused.code) == (503, "deadline_unreachable")
    assert served.status == 200


def test_what_a_client_who_left_took_stays_booked_until_its_thread_has_ended(
    narrow: TestClient, service: Service
) -> None:
    async def story(app: ASGIApp) -> tuple[bool, bool]:
        pixels, admission = service.engine.pixels, service.admission
        wire = asking(app)
        await until(lambda: admission.pixels_in_flight > 0 and pixels.busy_threads == 1)
        wire.leave()
        await wire.done()
        was_busy, was_booked = pixels.busy_threads == 1, admission.pixels_in_flight > 0
        await until(lambda: pixels.busy_threads == 0)
        assert admission.pixels_in_flight == 0
        assert admission.idle.is_set()
        return was_busy, was_booked

    was_busy, was_booked = on_loop(narrow, story)
    assert was_busy == was_booked


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # bounded by `on_loop`
        await asyncio.sleep(0)


# --- readiness --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def modest(settings: Settings) -> Iterator[TestClient]:
    """Says that it is not ready where a request would wait for more than five seconds."""
    with ready_client(settings.model_copy(update={"pixel_threads": 1, "ready_max_wait_s": 5.0})) as running:
        yield running


def test_readyz_says_no_while_a_request_would_wait_too_long_and_work_is_still_taken(modest: TestClient) -> None:
    service: Service = modest.app.state.service  # type: ignore[attr-defined]

    async def look(app: ASGIApp) -> Wire:
        return await Wire(app, "/readyz", "GET").open().done()

    async def story(app: ASGIApp) -> tuple[Wire, Wire]:
        async with taken_thread(service, expected_s=100.0):
            full = await look(app)
        return full, await look(app)

    full, idle = on_loop(modest, story)
    assert (full.status, full.code) == (503, "not_ready")
    assert 60 < int(full.headers["Retry-After"]) <= 95
    assert "a request would wait" in full.body.decode()
    assert idle.status == 200
