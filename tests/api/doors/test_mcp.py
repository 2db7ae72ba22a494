"""The Model Context Protocol over HTTP, as its messages: who may ask, and what is no call of a tool."""

from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from service.settings import Settings
from tests.clients import ready_client

pytest.importorskip("mcp")

HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28"}

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def post(client: TestClient, method: str, params: dict[str, Any] | None = None, **headers: str) -> Response:
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {"_meta": META, **(params or {})}}
    name = {"Mcp-Name": params["name"]} if params and "name" in params else {}
    return client.post("/mcp", json=message, headers={**HEADERS, "Mcp-Method": method, **name, **headers})


def test_a_request_is_answered_without_a_handshake(client: TestClient) -> None:
    answer = post(client, "tools/list")
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == 7
    assert answer.json()["result"]["tools"][0]["name"] == "segment"


def test_an_unknown_tool_is_an_error_of_the_protocol_that_names_the_others(client: TestClient) -> None:
    error = post(client, "tools/call", {"name": "paint_a_hat", "arguments": {}}).json()["error"]
    assert error["code"] == -32602
    assert "remove_background" in error["message"]


def test_a_call_that_fails_is_counted_by_its_code(client: TestClient) -> None:
    answer = post(client, "tools/call", {"name": "color_pop", "arguments": {"image": "aaaa", "keep": "nobody", "x": 1}})
    assert answer.json()["result"]["isError"]
    assert 'door="mcp",model="none",reason="unknown_option"' in client.get("/metrics").text


@pytest.mark.parametrize("origin", ["https://attacker.example", "null", "http://testserver.attacker.example"])
def test_pages_of_elsewhere_are_refused(client: TestClient, origin: str) -> None:
    answer = post(client, "tools/list", Origin=origin)
    assert answer.status_code == 403
    assert answer.json()["error"]["data"]["code"] == "origin_refused"


def test_pages_of_the_service_and_of_allowed_origins_may_ask(settings: Settings) -> None:
    with ready_client(settings.model_copy(update={"allowed_origins": ("https://agents.example",)})) as client:
        for origin in ("http://testserver", "https://agents.example"):
            assert post(client, "tools/list", Origin=origin).status_code == 200


def test_other_names_of_the_service_are_refused(client: TestClient) -> None:
    assert post(client, "tools/list", Host="attacker.example").json()["error"]["data"]["code"] == "host_not_allowed"


def test_there_are_no_sessions_to_listen_to_or_to_end(client: TestClient) -> None:
    for answer in (client.get("/mcp", headers=HEADERS), client.delete("/mcp", headers=HEADERS)):
        assert answer.status_code == 405
        assert answer.json()["jsonrpc"] == "2.0"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"jsonrpc": "2.0"}', b"\xff"])
def test_a_body_that_is_no_message_is_refused(client: TestClient, body: bytes) -> None:
    headers = {**HEADERS, "Content-Type": "application/json"}
    for version in ("2025-11-25", "2026-07-28"):
        answer = client.post("/mcp", content=body, headers={**headers, "MCP-Protocol-Version": version})
        assert 400 <= answer.status_code < 500
