"""What a stream of a call's progress means for the service behind it, and the same tools over standard input."""

import base64
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fakes import DARK, HANGING_COLOR, make_store
from tests.pictures import encoded, opened, painted, plain
from tests.system.loading import PATIENT, metric, tiny_server, wait_for_metric
from tests.system.serving import REQUEST_TIMEOUT_S, Server
from tests.weights import pulled_weights

pytest.importorskip("mcp")

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

PHOTO = encoded(painted())


def call(photo: bytes) -> dict[str, Any]:
    """In the protocol of 2025, whose answer is a stream from the first moment on."""
    arguments = {"image": base64.b64encode(photo).decode()}
    params = {"name": "color_pop", "arguments": arguments, "_meta": {"progressToken": "mine"}}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}


HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


def messages(stream: httpx2.Response) -> Iterator[dict[str, Any]]:
    for line in stream.iter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


def shown(result: Any, index: int) -> dict[str, Any]:
    """One content of a tool's result, as it was sent."""
    content: dict[str, Any] = result.content[index].model_dump(by_alias=True)
    return content


PLACES = "silhouette_permits_in_use"


def test_a_call_keeps_its_place_while_it_tells_of_its_progress_and_is_answered_by_a_service_that_stops(
    tmp_path: Path,
) -> None:
    settings = PATIENT | {"SILHOUETTE_DRAIN_TIMEOUT_S": "1"}
    with tiny_server(make_store(tmp_path), **settings) as server, httpx2.Client(timeout=REQUEST_TIMEOUT_S) as client:
        hanging = call(encoded(plain(HANGING_COLOR)))
        with client.stream("POST", f"{server.url}/mcp", json=hanging, headers=HEADERS) as stream:
            heard = messages(stream)
            assert next(heard)["params"]["message"] == "reading the picture"
            assert next(heard)["params"]["message"] == "looking at it"
            assert metric(server, PLACES) == 1
        wait_for_metric(server, 0, PLACES)  # the client has left
        with client.stream("POST", f"{server.url}/mcp", json=hanging, headers=HEADERS) as stream:
            heard = messages(stream)
            assert next(heard)["params"]["message"] == "reading the picture"
            server.process.send_signal(signal.SIGTERM)
            *_, last = heard
        assert last["id"] == 7
        assert last["result"]["isError"]
        assert last["result"]["structuredContent"]["code"] == "draining"


@pytest.mark.anyio
async def test_the_command_has_the_same_tools_reads_files_and_asks_a_running_service(
    server: Server, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(PHOTO)
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "service.cli", "mcp", "--url", server.url], env={}
    )
    async with Client(stdio_client(command)) as client:
        assert len((await client.list_tools()).tools) > 5
        jpeg = base64.b64encode(encoded(painted(), "JPEG")).decode()
        for image in (str(photo), photo.as_uri(), jpeg):
            result = await client.call_tool("replace_background", {"image": image, "color": "white"})
            assert opened(base64.b64decode(shown(result, 0)["data"])).getpixel((5, 5)) != DARK
        saved = {"image": str(photo), "save_to": str(tmp_path / "cutout.webp")}
        told = await client.call_tool("remove_background", saved)
        assert str(tmp_path / "cutout.webp") in shown(told, 0)["text"]
        assert len(told.content) == 1
        assert opened((tmp_path / "cutout.webp").read_bytes()).format == "WEBP"
        twice = await client.call_tool("remove_background", saved)
        assert "there already" in shown(twice, 0)["text"]
        missing = await client.call_tool("color_pop", {"image": str(tmp_path / "nothing.png")})
        assert missing.structured_content["code"] == "missing_image"
        url = await client.call_tool("color_pop", {"image": "https://example.org/photo.png"})
        assert "save the picture" in shown(url, 0)["text"]
        wrong = await client.call_tool("color_pop", {"image": str(photo), "model": "nobodys"})
        assert wrong.structured_content["code"] == "unknown_model"


@pytest.mark.anyio
async def test_the_command_loads_models_itself(tmp_path: Path) -> None:
    """With a real model: the command knows no tiny ones."""
    pulled_weights("selfie")
    photo = tmp_path / "photo.png"
    photo.write_bytes(PHOTO)
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "service.cli", "mcp"], env={"SILHOUETTE_MODELS": "selfie"}
    )
    async with Client(stdio_client(command)) as client:
        result = await client.call_tool("remove_background", {"image": str(photo), "allow_empty": True})
        assert not result.is_error, result.content
        assert "selfie@" in shown(result, 1)["text"]
