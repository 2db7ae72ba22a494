"""A place for each request in flight and no more: who is refused, who waits, and when a place is free again."""

import contextlib
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.app import create_app
from service.queue.admission import Admission
from service.settings import Settings
from service.workers.machine import available_cores
from tests.api.wire import PICTURE, Wire, asked, on_loop
from tests.clients import ready_client
from tests.fakes import tiny_families

SILENT = 30


@pytest.fixture(scope="module")
def one_place(settings: Settings) -> Iterator[TestClient]:
    """The service with room for one request."""
    with ready_client(settings.model_copy(update={"queue_capacity": 1})) as running:
        yield running


def admission_of(app: ASGIApp) -> Admission:
    admission: Admission = app.state.service.admission  # type: ignore[attr-defined]
    return admission


@contextlib.contextmanager
def place_taken(app: ASGIApp) -> Iterator[None]:
    permit = admission_of(app).admit()
    try:
        yield
    finally:
        permit.give_back()


async def begun(app: ASGIApp, **headers: str) -> Wire:
    """A request whose body has not ended."""
    wire = Wire(app, "/segment", content_type="image/png", **headers).open()
    wire.give(PICTURE[:90])
    await wire.turn()
    assert not wire.is_answered
    return wire


@contextlib.asynccontextmanager
async def waiting(app: ASGIApp, **headers: str) -> AsyncIterator[Wire]:
    """A request that is here as a whole, and waits for a place until the end of the block."""
    wire = await begun(app, **headers)
    with place_taken(app):
        wire.give(PICTURE[90:], more=False)
        await wire.turn()
        assert not wire.is_answered
        yield wire


def test_a_request_too_many_is_503_on_its_headers(one_place: TestClient) -> None:
    async def story(app: ASGIApp) -> Wire:
        with place_taken(app):
            wire = Wire(app, "/segment", content_type="image/png").open()
            await wire.answer_begun()
        wire.leave()
        return await wire.done()

    refused = on_loop(one_place, story)
    assert (refused.status, refused.code, refused.headers["Content-Type"]) == (
        503,
        "queue_full",
        "application/problem+json",
    )
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.headers["Connection"] == "close"


def test_a_small_request_that_is_refused_keeps_its_connection(one_place: TestClient) -> None:
    async def story(app: ASGIApp) -> Wire:
        with place_taken(app):
            return await asked(app, "/segment")

    refused = on_loop(one_place, story)
    assert (refused.status, refused.headers.get("Connection")) == (503, None)


def test_those_who_have_only_begun_to_send_keep_nobody_out(one_place: TestClient) -> None:
    async def story(app: ASGIApp) -> tuple[Wire, list[Wire]]:
        silent = [await begun(app) for _ in range(SILENT)]
        answered = await asked(app, "/segment")
        for wire in silent:
            wire.give(PICTURE[90:], more=False)
        return answered, [await wire.done() for wire in silent]

    answered, later = on_loop(one_place, story)
    assert answered.status == 200
    assert [wire.status for wire in later] == [200] * SILENT


def test_a_body_that_is_here_waits_for_a_place(one_place: TestClient) -> None:
    async def story(app: ASGIApp) -> Wire:
        async with waiting(app) as wire:
            pass
        return await wire.done()

    assert on_loop(one_place, story).status == 200


def test_a_body_that_waits_for_a_place_until_its_deadline_is_504(one_place: TestClient) -> None:
    async def story(app: ASGIApp) -> Wire:
        async with waiting(app, x_request_timeout_ms="2000") as wire:
            return await wire.done()

    wire = on_loop(one_place, story)
    assert (wire.status, wire.code) == (504, "deadline_exceeded")


def test_a_caller_who_leaves_while_it_waits_for_a_place_is_gone_at_once(one_place: TestClient) -> None:
    async def story(app: ASGIApp) -> int:
        async with waiting(app) as wire:
            wire.leave()
            await wire.done()
            return admission_of(app).bytes_in_flight

    assert on_loop(one_place, story) == 0


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/models", "/docs"])
def test_probes_and_pages_answer_while_every_place_is_taken(one_place: TestClient, path: str) -> None:
    async def story(app: ASGIApp) -> Wire:
        with place_taken(app):
            return await asked(app, path, "GET")

    assert on_loop(one_place, story).status == 200


def test_the_place_is_free_again_after_an_answer(one_place: TestClient) -> None:
    async def story(app: ASGIApp) -> list[int]:
        return [(await asked(app, "/remove-background")).status for _ in range(3)]

    assert on_loop(one_place, story) == [200, 200, 200]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/segment", b"no picture", {"content_type": "image/png"}, 415),
        ("/segment", PICTURE[:200], {"content_type": "image/png"}, 422),
        ("/segment", PICTURE, {"content_type": "text/plain"}, 415),
        ("/segment", PICTURE, {"content_type": "image/png", "accept": "text/html"}, 406),
        ("/segment", PICTURE, {"content_type": "image/png", "content_length": "999999999"}, 413),
        ("/segment", b"--x", {"content_type": "multipart/form-data"}, 400),
        ("/nowhere", PICTURE, {"content_type": "image/png"}, 404),
    ],
)
def test_the_place_is_free_again_after_a_failure(
    one_place: TestClient, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    async def story(app: ASGIApp) -> tuple[Wire, Wire]:
        failing = Wire(app, path, **headers)
        failing.give(body, more=False)
        return await failing.open().done(), await asked(app, "/segment")

    failed, next_one = on_loop(one_place, story)
    assert (failed.status, next_one.status) == (status, 200)


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_caller_who_leaves_during_the_upload_frees_the_place_and_is_no_bug(
    one_place: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(app: ASGIApp) -> Wire:
        leaving = await begun(app)
        leaving.leave()
        await leaving.done()
        return await asked(app, "/segment")

    assert on_loop(one_place, story).status == 200
    assert not errors_in(caplog)


def test_a_caller_who_leaves_before_the_answer_frees_the_place_and_is_no_bug(
    one_place: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(app: ASGIApp) -> Wire:
        leaving = await begun(app)
        leaving.give(PICTURE[90:], more=False)
        leaving.leave()
        await leaving.done()
        await admission_of(app).idle.wait()  # a thread may be at work for it until it sees that nobody waits
        return await asked(app, "/segment")

    assert on_loop(one_place, story).status == 200
    assert not errors_in(caplog)


def test_a_machine_that_takes_more_images_at_once_has_more_places(settings: Settings) -> None:
    at_once = 100
    app = create_app(settings.model_copy(update={"pool": "local", "max_batch_size": at_once}), tiny_families)
    assert admission_of(app).capacity == 2 * at_once + available_cores()
