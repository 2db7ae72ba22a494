"""A bug of ours, which no request can be made to find: 500 without internals, and the cause in the log."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from service.api.gate import Gate
from service.api.state import Service
from tests.api.asking import problem_of


@pytest.fixture
def service(client: TestClient) -> Service:
    """A running one, to put another application behind its gate."""
    app = client.app
    assert isinstance(app, FastAPI)
    running: Service = app.state.service
    return running


async def buggy(scope: Scope, receive: Receive, send: Send) -> None:
    raise KeyError("the inner secret")


async def buggy_half_way(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise KeyError("the inner secret")


def test_a_bug_is_500_and_its_cause_is_in_the_log_under_the_request_id(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    client = TestClient(Gate(buggy, service, paths=()))
    answer = client.post("/segment", headers={"X-Request-Id": "abc-1"})
    detail = problem_of(answer, 500, "internal_error")["detail"]
    assert "abc-1" in detail
    assert "secret" not in answer.text
    (record,) = (record for record in caplog.records if record.getMessage() == "request failed")
    assert "the inner secret" in caplog.text
    assert "abc-1" in str(vars(record))


def test_a_bug_gives_its_permit_back(service: Service) -> None:
    problem_of(
        TestClient(Gate(buggy, service, paths=())).post("/segment", content=b"some bytes"), 500, "internal_error"
    )
    assert (service.admission.in_flight, service.admission.bytes_in_flight) == (0, 0)


def test_a_bug_after_the_answer_has_begun_does_not_begin_another(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    answer = TestClient(Gate(buggy_half_way, service, paths=())).get("/half")
    assert (answer.status_code, answer.content) == (200, b"half")
    assert "the inner secret" in caplog.text
