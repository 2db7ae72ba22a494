"""A place for each request in flight and no more: who is refused, how fast, and when a place is free again."""

import logging
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.settings import Settings
from tests.api.wire import PICTURE, Wire, asked, on_loop
from tests.clients import ready_client


@pytest.fixture(scope="module")
def one_place(settings: Settings) -> Iterator[TestClient]:
    """The service with room for one request."""
    with ready_client(settings.model_copy(update={"queue_capacity": 1})) as running:
        yield running


async def held(app: ASGIApp) -> Wire:
    """A request that has its place and whose body has not ended."""
    wire = Wire(app, "/segment", content_type="image/png").open()
    wire.give(PICTURE[:100])
    await wire.turn()
    assert not wire.is_answered
    return wire


def test_a_request_too_many_is_503_while_the_first_is_still_there(one_place: TestClient) -> None:
    async def story(app: ASGIApp) -> tuple[Wire, Wire]:
        first = await held(app)
        second = await asked(app, "/segment")
        assert not first.is_answered
        first.give(PICTURE[100:], more=False)
        return await first.done(), second

    first, second = on_loop(one_place, story)
    assert (second.status, second.code, second.headers["Content-Type"]) == (
        503,
        "queue_full",
        "application/problem+json",
    )
    assert int(second.headers["Retry-After"]) > 0
    assert second.taken_before_answer == 0
    assert first.status == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/models", "/docs"])
def test_probes_and_pages_answer_while_every_place_is_taken(one_place: TestClient, path: str) -> None:
    async def story(app: ASGIApp) -> Wire:
        first = await held(app)
        probe = await asked(app, path, "GET")
        first.give(PICTURE[100:], more=False)
        await first.done()
        return probe

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
        leaving = await held(app)
        leaving.leave()
        await leaving.done()
        return await asked(app, "/segment")

    assert on_loop(one_place, story).status == 200
    assert not errors_in(caplog)


def test_a_caller_who_leaves_before_the_answer_frees_the_place_and_is_no_bug(
    one_place: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(app: ASGIApp) -> Wire:
        leaving = await held(app)
        leaving.give(PICTURE[100:], more=False)
        leaving.leave()
        await leaving.done()
        return await asked(app, "/segment")

    assert on_loop(one_place, story).status == 200
    assert not errors_in(caplog)
