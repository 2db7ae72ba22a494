"""A bug of ours, which no request can be made to find: 500 without internals, and the cause in the log."""

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from service.api.limits import Gate
from service.settings import Settings
from tests.api.asking import problem_of


def ready() -> None:
    """Says that the service is ready: it does not raise."""


async def buggy(scope: Scope, receive: Receive, send: Send) -> None:
    raise KeyError("the inner secret")


async def buggy_half_way(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise KeyError("the inner secret")


def test_a_bug_is_500_and_its_cause_is_in_the_log_under_the_request_id(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    answer = TestClient(Gate(buggy, settings, ready)).post("/segment", headers={"X-Request-Id": "abc-1"})
    detail = problem_of(answer, 500, "internal_error")["detail"]
    assert "abc-1" in detail
    assert "secret" not in answer.text
    (record,) = (record for record in caplog.records if record.getMessage() == "request failed")
    assert "the inner secret" in caplog.text
    assert "abc-1" in str(vars(record))


def test_a_bug_gives_its_permit_back(settings: Settings) -> None:
    client = TestClient(Gate(buggy, settings.model_copy(update={"queue_capacity": 1}), ready))
    for _ in range(3):
        problem_of(client.post("/segment"), 500, "internal_error")


def test_a_bug_after_the_answer_has_begun_does_not_begin_another(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    answer = TestClient(Gate(buggy_half_way, settings, ready)).get("/half")
    assert (answer.status_code, answer.content) == (200, b"half")
    assert "the inner secret" in caplog.text
