"""What `/docs` says of the endpoints that take an image, from the table of operations."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from service.api.examples import OF_PICTURES, by_status, examples_of, internal_error_example
from service.api.problems import PROBLEM_MEDIA_TYPE
from service.api.schemas import Problem
from service.errors import Failure, Unavailable
from service.operations.operation import Operation
from service.operations.options import MEDIA_TYPES, Format

BINARY = {"type": "string", "format": "binary"}

JOB_HEADERS: tuple[dict[str, Any], ...] = (
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Of a job: asked again under the same key for the same, it is the same job.",
        "schema": {"type": "string"},
    },
    {
        "name": "X-Webhook-Url",
        "in": "header",
        "description": "Of a job: where to tell of its end, on a server that the operator has named.",
        "schema": {"type": "string"},
    },
)
"""Of whatever becomes a job."""

REQUEST_HEADERS: list[dict[str, Any]] = [
    {
        "name": "X-Request-Timeout-Ms",
        "in": "header",
        "description": "The prediction is of no use later than this; at most the service's own `request_timeout_s`.",
        "schema": {"type": "integer", "minimum": 1},
    },
    {
        "name": "Priority",
        "in": "header",
        "description": "RFC 9218. `u=4` to `u=7` is bulk work, which lets others go first.",
        "schema": {"type": "string", "examples": ["u=5"]},
    },
    {
        "name": "Prefer",
        "in": "header",
        "description": "RFC 7240. `respond-async`: 202 with a job, whose result is that of this request.",
        "schema": {"type": "string"},
    },
    *JOB_HEADERS,
    {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Comes back in the response, and is in the service's log.",
        "schema": {"type": "string"},
    },
]


def takes_image(operation: Operation[Any]) -> dict[str, Any]:
    """The parameters and the body of an operation's endpoint, for FastAPI's `openapi_extra`."""
    pictures = [picture.name for picture in operation.pictures]
    form = {
        "type": "object",
        "properties": {name: BINARY for name in ("image", *pictures)},
        "required": ["image"],
        "additionalProperties": {"type": "string", "description": "Any of the options above, as a form field instead."},
    }
    content = {"multipart/form-data": {"schema": form}, "image/*": {"schema": BINARY}}
    parameters = _parameters(operation) + REQUEST_HEADERS
    body = {"required": True, "content": content}
    # What a menu of operations needs beside that, such as the studio's.
    menu = {"x-icon": list(operation.icon), "x-live": operation.is_live}
    return {"parameters": parameters, "requestBody": body, **menu}


def query_parameters(options: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """An optional one for each field, by its name."""
    properties: dict[str, dict[str, Any]] = options.model_json_schema()["properties"]
    return {name: _parameter(name, schema) for name, schema in properties.items()}


def _parameters(operation: Operation[Any]) -> list[dict[str, Any]]:
    found = query_parameters(operation.options)
    for name, value in operation.example.items():
        found[name]["example"] = value  # `/docs` fills it in
    return list(found.values())


def described(operation: Operation[Any]) -> str:
    """What it does, and a command that does it."""
    query = "?" + "&".join(f"{name}={value}" for name, value in operation.example.items()) if operation.example else ""
    address = f"http://127.0.0.1:8000/{operation.name}{query}"
    suffix = operation.formats[0]
    return f"{operation.description}\n\n```sh\ncurl -F image=@photo.jpg '{address}' -o result.{suffix}\n```"


def _parameter(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """One option in the query. Its description and its examples stand where `/docs` shows them."""
    plain = plain_schema(schema)
    parameter: dict[str, Any] = {"name": name, "in": "query", "required": False}
    parameter["description"] = plain.pop("description", "")
    return {**parameter, "schema": plain}


def plain_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Of one option as a caller gives it: pydantic says of one without a default that it may be null."""
    plain = {name: value for name, value in schema.items() if name not in ("title", "anyOf")}
    alternatives = [entry for entry in schema.get("anyOf", []) if entry.get("type") != "null"]
    plain = {**(alternatives[0] if alternatives else {}), **plain}
    if plain.get("default", ...) in (None, (), []):
        del plain["default"]
    return plain


def answers(operation: Operation[Any]) -> dict[int | str, dict[str, Any]]:
    """The responses of an operation's endpoint, for FastAPI's `responses`."""
    content: dict[str, Any] = {MEDIA_TYPES[format_]: _schema(format_) for format_ in operation.formats}
    if operation.json_example:
        content[MEDIA_TYPES["json"]]["example"] = operation.json_example
    found = {200: {"description": "The result.", "content": content, "headers": HEADERS}, **problems(*OF_PICTURES)}
    found[500]["content"][PROBLEM_MEDIA_TYPE]["examples"] |= internal_error_example()
    return found


def problems(*kinds: type[Failure]) -> dict[int | str, dict[str, Any]]:
    """A response for each status that these failures have, with an example of each of them."""
    return {status: _problem(of_status) for status, of_status in by_status(kinds).items()}


def _problem(kinds: Sequence[type[Failure]]) -> dict[str, Any]:
    """Of one status."""
    content = {"schema": Problem.model_json_schema(), "examples": examples_of(kinds)}
    comes_back = {"headers": COMEBACK} if any(issubclass(kind, Unavailable) for kind in kinds) else {}
    description = " ".join(f"`{kind.code}`: {kind.title}." for kind in kinds)
    return {"description": description, "content": {PROBLEM_MEDIA_TYPE: content}, **comes_back}


def _schema(format_: Format) -> dict[str, Any]:
    return {"schema": {} if format_ == "json" else BINARY}


def _header(description: str, type_: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": type_}}


HEADERS = {
    "X-Request-Id": _header("The caller's own, or a new one; it is in the service's log."),
    "X-Model": _header(
        "name@version of the model that answered; of `best`, of both, separated by a comma; of "
        "an earlier `matte`, `none`."
    ),
    "X-Frames": _header(
        "How many pictures the file has, where it is an animation: the first one was taken.", "integer"
    ),
    "X-Device": _header("Where the network ran."),
    "Server-Timing": _header(
        "Milliseconds of wait (for a thread or for memory), decode, resize, queue, infer, matte, compose and encode."
    ),
    **{
        f"X-Foreground-{side}": _header("Of the visible subject's box in the input, in pixels; for effects.", "integer")
        for side in ("Left", "Top", "Width", "Height")
    },
}

COMEBACK = {
    "Retry-After": _header("Seconds until it is worth trying again.", "integer"),
    "X-Queue-Depth": _header("How many wait, where the queue is full.", "integer"),
}
