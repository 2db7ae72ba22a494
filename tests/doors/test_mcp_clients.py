"""Agents' own clients, over HTTP: the SDK's, in both of its protocols, and FastMCP's."""

import base64
from typing import Any

import pytest

from service.operations import OPERATIONS
from tests.fakes import DARK
from tests.pictures import encoded, opened, painted, plain
from tests.system.serving import Server

pytest.importorskip("mcp")

from mcp.client.client import Client

PHOTO = base64.b64encode(encoded(painted())).decode()

MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])

Heard = list[tuple[float, float | None, str | None]]


@MODES
@pytest.mark.anyio
async def test_each_operation_is_a_tool_with_its_options(server: Server, mode: str) -> None:
    async with Client(f"{server.url}/mcp", mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == [name.replace("-", "_") for name in OPERATIONS]
    schema = tools["replace_background"].input_schema
    assert schema["required"] == ["image"]
    assert {"image", "background", "color", "fit", "model"} <= set(schema["properties"])
    assert schema["properties"]["refine"]["enum"] == ["auto", "off", "on"]
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())


@MODES
@pytest.mark.anyio
async def test_a_tool_gives_a_picture_and_says_what_it_is(server: Server, mode: str) -> None:
    heard: Heard = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with Client(f"{server.url}/mcp", mode=mode) as client:
        result = await client.call_tool("remove_background", {"image": PHOTO}, progress_callback=hear)
    assert not result.is_error
    picture, text = result.content
    assert picture.type == "image"
    assert picture.mime_type == "image/png"
    assert opened(base64.b64decode(picture.data)).mode == "RGBA"
    assert text.type == "text"
    assert "tiny-subject@1" in text.text
    assert "The subject is 8" in text.text
    assert heard == [(0, 4, "reading the picture"), (1, 4, "looking at it"), (3, 4, "making the result")]


@MODES
@pytest.mark.anyio
async def test_figures_come_as_text_and_further_pictures_and_options_are_taken(server: Server, mode: str) -> None:
    async with Client(f"{server.url}/mcp", mode=mode) as client:
        summary = await client.call_tool("segment", {"image": PHOTO, "output": "summary"})
        replaced = await client.call_tool(
            "replace_background", {"image": f"data:image/png;base64,{PHOTO}", "background": PHOTO, "format": "webp"}
        )
        archive = await client.call_tool("segment", {"image": PHOTO, "output": "masks", "format": "zip"})
    assert '"label":"red"' in summary.content[0].text  # type: ignore[union-attr]
    assert replaced.content[0].mime_type == "image/webp"  # type: ignore[union-attr]
    assert archive.content[0].resource.mime_type == "application/zip"  # type: ignore[union-attr]


@MODES
@pytest.mark.anyio
async def test_a_jpeg_whose_base64_looks_like_a_path_is_read(server: Server, mode: str) -> None:
    jpeg = base64.b64encode(encoded(painted(), "JPEG")).decode()
    assert jpeg.startswith("/")
    async with Client(f"{server.url}/mcp", mode=mode) as client:
        assert not (await client.call_tool("color_pop", {"image": jpeg})).is_error


FAILING: dict[str, tuple[dict[str, Any], str]] = {
    "no_foreground": ({"image": base64.b64encode(encoded(plain(DARK))).decode()}, "allow_empty"),
    "unknown_option": ({"image": PHOTO, "refien": "on"}, "refine"),
    "bad_option": ({"image": PHOTO, "refine": "maybe"}, "auto"),
    "missing_image": ({}, "`image`"),
    "undecodable_image": ({"image": "no base64!"}, "base64"),
    "bad_option of a path": ({"image": "/home/me/photo.jpg"}, "base64"),
    "unknown_option of a file": ({"image": PHOTO, "save_to": "/tmp/a.png"}, "save_to"),
    "fetching_off": ({"image": "https://example.org/photo.jpg"}, "base64"),
    "unsupported_image": ({"image": base64.b64encode(b"no picture at all").decode()}, "PNG"),
    "unknown_model": ({"image": PHOTO, "model": "nobodys"}, "tiny-subject"),
}


@MODES
@pytest.mark.parametrize("code", FAILING)
@pytest.mark.anyio
async def test_a_failure_says_what_to_change(server: Server, mode: str, code: str) -> None:
    arguments, advice = FAILING[code]
    code = code.split()[0]
    async with Client(f"{server.url}/mcp", mode=mode) as client:
        result = await client.call_tool("remove_background", arguments)
    assert result.is_error
    assert result.structured_content["code"] == code
    assert result.content[0].text.startswith(f"{code}: ")  # type: ignore[union-attr]
    assert advice in result.content[0].text  # type: ignore[union-attr]


@pytest.mark.anyio
async def test_fastmcps_client_calls_a_tool(server: Server) -> None:
    fastmcp = pytest.importorskip("fastmcp")
    async with fastmcp.Client(f"{server.url}/mcp") as client:
        assert len(await client.list_tools()) == len(OPERATIONS)
        result = await client.call_tool("blur_background", {"image": PHOTO, "strength": 0.5})
        assert result.content[0].type == "image"
        with pytest.raises(fastmcp.exceptions.ToolError, match="no_foreground"):
            await client.call_tool("blur_background", FAILING["no_foreground"][0])
