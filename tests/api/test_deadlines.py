"""A body that does not come, and a prediction that comes too late."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.settings import Settings
from tests.api.asking import ask, problem_of
from tests.api.wire import PICTURE, Wire, on_loop
from tests.clients import ready_client
from tests.pictures import painted


@pytest.fixture(scope="module")
def impatient(settings: Settings) -> Iterator[TestClient]:
    """The service that waits for hardly anything."""
    hasty = settings.model_copy(update={"upload_timeout_s": 0.5, "min_bytes_per_s": 1e9, "request_timeout_s": 1e-6})
    with ready_client(hasty) as running:
        yield running


@pytest.mark.parametrize(
    ("media_type", "begin"),
    [
        ("image/png", b""),
        ("image/png", PICTURE[:100]),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; "),
    ],
    ids=["nothing", "half a picture", "half a form"],
)
def test_a_body_that_does_not_come_is_408_and_the_connection_closes(
    impatient: TestClient, media_type: str, begin: bytes
) -> None:
    async def story(app: ASGIApp) -> Wire:
        wire = Wire(app, "/segment", content_type=media_type)
        wire.give(begin)
        wire.open()
        return await answered(wire)

    wire = on_loop(impatient, story)
    assert (wire.status, wire.code) == (408, "slow_upload")
    assert wire.headers["Connection"] == "close"


async def answered(wire: Wire) -> Wire:
    """Leaves once the answer has begun: until then nothing more comes."""
    await wire.answer_begun()
    wire.leave()
    return await wire.done()


def test_a_body_that_trickles_in_is_408_as_well(impatient: TestClient) -> None:
    async def story(app: ASGIApp) -> Wire:
        wire = Wire(app, "/segment", content_type="image/png").open()
        while not wire.is_answered:
            await wire.turn()
            wire.give(b"x")
        return await answered(wire)

    wire = on_loop(impatient, story)
    assert (wire.status, wire.code) == (408, "slow_upload")
    assert wire.taken_before_answer > 1


def test_a_body_that_is_not_there_when_the_caller_will_have_gone_is_504(client: TestClient) -> None:
    async def story(app: ASGIApp) -> Wire:
        wire = Wire(app, "/segment", content_type="image/png", x_request_timeout_ms="500").open()
        wire.give(PICTURE[:100])
        return await answered(wire)

    wire = on_loop(client, story)
    assert (wire.status, wire.code) == (504, "deadline_exceeded")


def test_a_prediction_that_comes_too_late_is_504(impatient: TestClient) -> None:
    problem_of(ask(impatient, "/segment", painted()), 504, "deadline_exceeded")


def test_the_service_is_ready_for_more_after_all_that(impatient: TestClient) -> None:
    for _ in range(3):
        problem_of(ask(impatient, "/segment", painted()), 504, "deadline_exceeded")
    assert impatient.get("/readyz").status_code == 200
