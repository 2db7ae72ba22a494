"""The operations as tools: their schemas, and what becomes of arguments and results."""

import asyncio
import base64
from typing import Any

import pytest

from service.doors.mcp.tools import (
    TOOLS,
    Result,
    content_of,
    failure_text,
    formats_for_agents,
    image_request_of,
    tool_schema,
    without_save_to,
)
from service.engine.request import ImageRequest
from service.errors import BadOption, Failure, MissingImage, QueueFull, UnknownOption


async def read(text: str) -> bytes:
    return base64.b64decode(text)


def image_request(tool: str, **arguments: Any) -> ImageRequest:
    return asyncio.run(image_request_of(TOOLS[tool], arguments, read))


@pytest.mark.parametrize("name", TOOLS)
def test_a_schema_has_the_pictures_and_every_option(name: str) -> None:
    operation = TOOLS[name]
    schema = tool_schema(operation, "base64")
    pictures = {"image", *(picture.name for picture in operation.pictures)}
    assert set(schema["properties"]) == pictures | set(operation.options.model_fields)
    assert all(property_["type"] for property_ in schema["properties"].values())
    assert all("description" in property_ for property_ in schema["properties"].values())


def test_where_files_are_at_hand_a_result_may_become_one_whose_suffix_is_the_format() -> None:
    assert "save_to" in tool_schema(TOOLS["color_pop"], "base64", saves=True)["properties"]
    assert without_save_to({"fit": "cover"}) == ({"fit": "cover"}, None)
    assert without_save_to({"save_to": "a.jpg"}) == ({"format": "jpg"}, "a.jpg")
    assert without_save_to({"save_to": "a.jpg", "format": "png"}) == ({"format": "png"}, "a.jpg")
    assert without_save_to({"save_to": "a.picture"}) == ({}, "a.picture")


def test_arguments_become_an_image_request() -> None:
    made = image_request(
        "replace_background", image="aaaa", background={"type": "image", "data": "bbbb"}, feather=2, fit=None
    )
    assert (made.image, made.pictures["background"]) == (base64.b64decode("aaaa"), base64.b64decode("bbbb"))
    assert made.options.feather == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "failure"),
    [
        ({}, MissingImage),
        ({"image": ""}, MissingImage),
        ({"image": 7}, BadOption),
        ({"image": "aaaa", "picture": "aaaa"}, UnknownOption),
        ({"image": "aaaa", "feather": 1000}, BadOption),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], failure: type[Failure]) -> None:
    with pytest.raises(failure):
        image_request("remove_background", **arguments)


@pytest.mark.parametrize(
    ("arguments", "format_"),
    [({}, "png"), ({"output": "masks"}, "json"), ({"output": "masks", "format": "zip"}, "zip")],
)
def test_an_agent_gets_what_can_be_shown_unless_it_asks_otherwise(arguments: dict[str, Any], format_: str) -> None:
    assert formats_for_agents(image_request("segment", image="aaaa", **arguments)) == [format_]


def test_a_result_is_its_content_and_a_line_about_it() -> None:
    picture, line = content_of(Result(b"bytes", "image/webp", "u2net@1", (1, 2, 11, 22)), "color_pop")
    assert picture == {"type": "image", "data": base64.b64encode(b"bytes").decode(), "mimeType": "image/webp"}
    assert "10 x 20 pixels, 1 from the left and 2 from the top" in line["text"]
    assert content_of(Result(b"{}", "application/json", "m"), "segment")[0] == {"type": "text", "text": "{}"}
    archive, _ = content_of(Result(b"PK", "application/zip", "m"), "segment")
    assert archive["resource"]["mimeType"] == "application/zip"


def test_a_failure_says_what_to_do_about_it() -> None:
    assert "call again in 3 seconds" in failure_text(QueueFull("too many", retry_after_s=3))
    assert failure_text(MissingImage()) == "missing_image: The request has no image. What to do: give the picture."
    assert failure_text(BadOption("fit: cover or contain")) == "bad_option: fit: cover or contain."
