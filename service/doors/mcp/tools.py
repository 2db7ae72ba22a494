"""The operations as tools for agents: what each takes, what becomes of a call, and what is said of its result.

Knows the protocol's words, but no transport: `/mcp` and `silhouette mcp` both use it.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.api.openapi import plain_schema
from service.engine.request import ImageRequest
from service.errors import BadOption, Failure, MissingImage, Unavailable
from service.operations import OPERATIONS
from service.operations.operation import Operation
from service.operations.options import MEDIA_TYPES, Format, parse_options

TOOLS: Mapping[str, Operation[Any]] = {name.replace("-", "_"): operation for name, operation in OPERATIONS.items()}
"""In the order of the table; a tool's name is an identifier."""

INSTRUCTIONS = (
    "Tools that find the subject of a photo and work on what is behind it. Each takes one picture and gives one back, "
    "or what is in it as JSON. The same call gives the same result. Where one fails, the text says what to change."
)

ADVICE: Mapping[str, str] = {
    "missing_image": "give the picture",
    "undecodable_image": "check that the whole file arrived; JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC and AVIF are read",
    "unsupported_image": "convert the picture to PNG or JPEG first",
    "truncated_image": "the file is not complete: send all of it",
    "too_many_pixels": "make the picture smaller first",
    "too_many_bytes": "make the picture smaller first, or send it as JPEG or WebP",
    "no_foreground": "try another photo or another `model`, or take the empty result with `allow_empty` true",
    "unknown_model": "leave `model` out, or take one of the loaded ones",
    "not_acceptable": "choose another `format`",
    "too_many_vertices": "choose `encoding` rle",
    "fetching_off": "give the picture as base64",
    "url_refused": "give the picture as base64",
    "fetch_failed": "check the URL, or give the picture as base64",
    "deadline_exceeded": "try again later, or with a smaller picture",
    "model_failed": "another picture may do; if none does, tell whoever runs the service",
}
"""What whoever called can do about a failure, by its code; of others the detail says it."""

SAVE_TO = (
    "The path of a new file for the result, which then does not come back itself: a large picture may be more than "
    "an agent can be handed. The suffix says the format."
)

ReadPicture = Callable[[str], Awaitable[bytes]]
"""From what stands in an argument. Raises BadInput."""


@dataclass(frozen=True)
class Result:
    """What a tool call brought."""

    body: bytes
    media_type: str
    model: str
    box: tuple[int, int, int, int] | None = None
    """(left, top, right, bottom) of the subject in the photo, in pixels."""


def tool_schema(operation: Operation[Any], picture_help: str, saves: bool = False) -> dict[str, Any]:
    """JSON Schema of the arguments. `picture_help` says how a picture is given; `saves`: a result may become a file."""
    pictures = {"image": {"type": "string", "description": f"The photo: {picture_help}."}}
    for picture in operation.pictures:
        instead = f" Instead of `{picture.instead_of}`." if picture.instead_of else ""
        description = f"{picture.help} A picture: {picture_help}.{instead}"
        pictures[picture.name] = {"type": "string", "description": description}
    options: dict[str, dict[str, Any]] = operation.options.model_json_schema()["properties"]
    properties = {**pictures, **{name: plain_schema(schema) for name, schema in options.items()}}
    if saves:
        properties["save_to"] = {"type": "string", "description": SAVE_TO}
    return {"type": "object", "properties": properties, "required": ["image"], "additionalProperties": False}


def without_save_to(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The other arguments, and the path. Its suffix is the format, where no other one is asked for."""
    rest = {name: value for name, value in arguments.items() if name != "save_to"}
    save_to = arguments.get("save_to")
    if not save_to:
        return rest, None
    suffix = str(save_to).rpartition(".")[2].lower()
    if suffix in (*MEDIA_TYPES, "jpg") and not rest.get("format"):
        rest["format"] = suffix
    return rest, str(save_to)


async def image_request_of(
    operation: Operation[Any], arguments: Mapping[str, Any], read_picture: ReadPicture
) -> ImageRequest:
    """Raises BadOption, UnknownOption, MissingImage and what reading the pictures raises."""
    names = ["image", *(picture.name for picture in operation.pictures)]
    given = {name: value for name, value in arguments.items() if name not in names and value is not None}
    options = parse_options(operation.options, given)
    pictures = {name: await _picture(name, arguments[name], read_picture) for name in names if arguments.get(name)}
    image = pictures.pop("image", b"")
    if not image:
        raise MissingImage("the argument `image` is missing")
    return ImageRequest(operation, options, image, pictures)


async def _picture(name: str, given: Any, read_picture: ReadPicture) -> bytes:
    """Agents also hand on what they were handed: image content, with its base64 under `data`."""
    text = given.get("data") if isinstance(given, Mapping) else given
    if not isinstance(text, str):
        raise BadOption(f"{name}: a picture is text")
    return await read_picture(text)


def formats_for_agents(wanted: ImageRequest) -> list[Format]:
    """What a result may come in, best liked first: pictures and text can be shown, an archive cannot."""
    if wanted.options.format is not None:
        return [wanted.options.chosen_format()]
    formats = wanted.options.formats
    return sorted(formats, key=lambda format_: format_ in ("npz", "zip"))[:1]


def content_of(result: Result, tool: str) -> list[dict[str, Any]]:
    """The result as content of the protocol, and a line about it."""
    return [_content(result), {"type": "text", "text": _summary(result, tool)}]


def saved_content(result: Result, tool: str, path: str) -> list[dict[str, Any]]:
    """For a result that became a file."""
    return [{"type": "text", "text": f"Saved as {path}. {_summary(result, tool)}"}]


def _content(result: Result) -> dict[str, Any]:
    if result.media_type == MEDIA_TYPES["json"]:
        return {"type": "text", "text": result.body.decode()}
    encoded = base64.b64encode(result.body).decode("ascii")
    if result.media_type.startswith("image/"):
        return {"type": "image", "data": encoded, "mimeType": result.media_type}
    uri = f"silhouette://result/{result.media_type.rpartition('/')[2]}"
    return {"type": "resource", "resource": {"uri": uri, "mimeType": result.media_type, "blob": encoded}}


def _summary(result: Result, tool: str) -> str:
    made = f"{tool}: {result.media_type}, {len(result.body)} bytes, by the model {result.model}."
    if result.box is None:
        return made
    left, top, right, bottom = result.box
    return f"{made} The subject is {right - left} x {bottom - top} pixels, {left} from the left and {top} from the top."


def failure_facts(failure: Failure) -> dict[str, Any]:
    """What went wrong, for a program; and for an agent, in `advice`, what to change."""
    facts = {"code": failure.code, "detail": failure.detail}
    if isinstance(failure, Unavailable):
        advice = f"call again in {failure.retry_after_s} seconds, with the same arguments"
        return {**facts, "retry_after_s": failure.retry_after_s, "advice": advice}
    return {**facts, **({"advice": ADVICE[failure.code]} if failure.code in ADVICE else {})}


def failure_text(failure: Failure) -> str:
    facts = failure_facts(failure)
    advice = f" What to do: {facts['advice']}." if "advice" in facts else ""
    return f"{failure.code}: {failure.detail}.{advice}"
