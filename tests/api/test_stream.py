"""What decides about a session before it begins, in this process; the rest is in `tests/system/test_stream.py`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from service.api.problems import STATUS
from service.api.stream import CLOSE_CODES
from service.app import create_app
from service.errors import Failure
from service.settings import Settings
from tests.clients import ready_client
from tests.fakes import tiny_families
from tests.pictures import HEIGHT, WIDTH

HELLO = {"type": "hello", "width": WIDTH, "height": HEIGHT}
DOCS = (Path(__file__).parents[2] / "docs" / "stream.md").read_text(encoding="utf-8")


def end_of(socket: WebSocketTestSession) -> tuple[dict[str, Any], int, str]:
    """The problem, the close code and its reason."""
    problem: dict[str, Any] = socket.receive_json()
    with pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_json()
    return problem, closed.value.code, closed.value.reason


@pytest.fixture(scope="module")
def narrow(settings: Settings) -> Iterator[TestClient]:
    """Room for the pictures of one small session."""
    with ready_client(settings.model_copy(update={"max_megapixels_in_flight": 0.3})) as running:
        yield running


def test_a_service_that_is_not_ready_says_so_and_when_to_come_back(settings: Settings) -> None:
    never_started = TestClient(create_app(settings, tiny_families))
    with never_started.websocket_connect("/stream") as socket:
        problem, code, reason = end_of(socket)
    assert (problem["code"], code, reason) == ("not_ready", 4503, "not_ready")
    assert problem["status"] == STATUS[_failure("not_ready")]
    assert problem["retry_after_s"] > 0


def _failure(code: str) -> type[Failure]:
    return next(failure for failure in STATUS if failure.code == code)


def test_a_session_whose_pictures_do_not_fit_beside_others_is_refused_until_there_is_room(narrow: TestClient) -> None:
    with narrow.websocket_connect("/stream") as first:
        first.send_json(HELLO)
        assert first.receive_json()["type"] == "ready"
        with narrow.websocket_connect("/stream") as second:
            second.send_json(HELLO)
            problem, code, _ = end_of(second)
        assert (problem["code"], code) == ("queue_full", 4503)
    with narrow.websocket_connect("/stream") as third:
        third.send_json(HELLO)
        assert third.receive_json()["type"] == "ready"


@pytest.mark.parametrize("path", ["/stream", "/cut/stream"])
def test_a_proxy_may_take_its_own_path_off_or_leave_it(settings: Settings, path: str) -> None:
    below = settings.model_copy(update={"root_path": "/cut"})
    with ready_client(below) as client, client.websocket_connect(path) as socket:
        socket.send_json(HELLO)
        assert socket.receive_json()["type"] == "ready"


def test_those_who_say_nothing_keep_nobody_out(client: TestClient, settings: Settings) -> None:
    with contextlib.ExitStack() as silent:
        for _ in range(settings.max_sessions + 1):
            silent.enter_context(client.websocket_connect("/stream"))
        with client.websocket_connect("/stream") as socket:
            socket.send_json(HELLO)
            assert socket.receive_json()["type"] == "ready"


def test_where_too_many_say_nothing_the_one_that_was_silent_for_longest_goes(settings: Settings) -> None:
    few = settings.model_copy(update={"max_hellos": 2, "peer_share": 1})
    with ready_client(few) as client, contextlib.ExitStack() as silent:
        first, _ = (silent.enter_context(client.websocket_connect("/stream")) for _ in range(2))
        answer = {"code": "too_many_sessions"}
        while answer.get("code") == "too_many_sessions":  # as long as the first may still be about to speak
            with client.websocket_connect("/stream") as socket:
                with contextlib.suppress(WebSocketDisconnect):
                    socket.send_json(HELLO)
                answer = socket.receive_json()
        assert answer["type"] == "ready"
        problem, code, _ = end_of(first)
    assert (problem["code"], code) == ("slow_hello", 4408)


def test_the_default_model_is_the_services_own(client: TestClient) -> None:
    with client.websocket_connect("/stream") as socket:
        socket.send_json(HELLO)
        ready = socket.receive_json()
    assert (ready["model"], ready["matte_width"], ready["matte_height"]) == ("tiny-subject@1", 64, 48)
    assert len(ready["session"]) == 32


def test_no_client_gets_more_frames_a_second_than_the_service_allows(client: TestClient) -> None:
    for wanted, granted in ((5, 5), (500, 30)):
        with client.websocket_connect("/stream") as socket:
            socket.send_json(HELLO | {"max_fps": wanted})
            assert socket.receive_json()["max_fps"] == granted


@pytest.mark.parametrize(("failure", "code"), CLOSE_CODES.items())
def test_every_close_code_is_in_the_documentation(failure: type[Failure], code: int) -> None:
    (row,) = [line for line in DOCS.splitlines() if line.startswith(f"| {code} |")]
    assert f"`{failure.code}`" in row


def test_every_stage_is_in_the_documentation() -> None:
    for stage in ("wait", "decode", "queue", "infer", "smooth", "compose", "encode"):
        assert f"`{stage}`" in DOCS
