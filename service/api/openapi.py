"""What `/docs` says of the endpoints that take an image, from the table of operations."""

from typing import Any

from service.api.problems import PROBLEM_MEDIA_TYPE
from service.api.schemas import Problem
from service.operations.operation import Operation
from service.operations.options import MEDIA_TYPES, Format, Options

BINARY = {"type": "string", "format": "binary"}

FAILURES = {
    400: "The form could not be parsed: `malformed_form`.",
    401: "`missing_key` or `unknown_key`, where the service wants keys.",
    403: "`scope_missing`: the key is good for other things.",
    404: "`unknown_model`; the detail lists the loaded ones.",
    406: "`not_acceptable`: the result does not come in the wanted format.",
    408: "`slow_upload`.",
    413: "`too_many_bytes`.",
    415: "`unsupported_image`, whose detail says what the file is and what is read instead, or `unsupported_body`.",
    422: "`undecodable_image`, `truncated_image`, `too_many_pixels`, `missing_image`, `bad_option`, `unknown_option`, "
    "`no_foreground` or `too_many_vertices`.",
    429: "`quota_exceeded`: the key has used up its quota; `Retry-After` says when to come back.",
    500: "`model_failed`, `model_crashed` or `internal_error`.",
    503: "`not_ready`, `queue_full`, `deadline_unreachable`, `out_of_memory` or `draining`; `Retry-After` says when to "
    "come back.",
    504: "`deadline_exceeded`.",
}


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
    parameters = _parameters(operation.options) + REQUEST_HEADERS
    body = {"required": True, "content": content}
    # What a menu of operations needs beside that, such as the studio's.
    menu = {"x-icon": list(operation.icon), "x-live": operation.is_live}
    return {"parameters": parameters, "requestBody": body, **menu}


def _parameters(kind: type[Options]) -> list[dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = kind.model_json_schema()["properties"]
    return [_parameter(name, dict(schema)) for name, schema in properties.items()]


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """One option in the query. Its examples move up, where `/docs` shows them."""
    schema.pop("title", None)
    parameter: dict[str, Any] = {"name": name, "in": "query", "required": False}
    parameter["description"] = schema.pop("description", "")
    alternatives = [entry for entry in schema.pop("anyOf", []) if entry.get("type") != "null"]
    schema = {**(alternatives[0] if alternatives else {}), **schema}
    if schema.get("default", ...) in (None, (), []):
        del schema["default"]
    if examples := schema.pop("examples", []):
        schema["examples"] = examples
    return {**parameter, "schema": schema}


def answers(*formats: Format) -> dict[int | str, dict[str, Any]]:
    """The responses of an endpoint, for FastAPI's `responses`."""
    content: dict[str, Any] = {MEDIA_TYPES[format_]: _schema(format_) for format_ in formats}
    return {200: {"description": "The result.", "content": content, "headers": HEADERS}, **problems(*FAILURES)}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    schema = Problem.model_json_schema()
    return {
        status: {"description": FAILURES[status], "content": {PROBLEM_MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def _schema(format_: Format) -> dict[str, Any]:
    return {"schema": {} if format_ == "json" else BINARY}


def _header(description: str, type_: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": type_}}


HEADERS = {
    "X-Request-Id": _header("The caller's own, or a new one; it is in the service's log."),
    "X-Model": _header("name@version of the model that answered; of `best`, of both, separated by a comma."),
    "X-Device": _header("Where the network ran."),
    "Server-Timing": _header("Milliseconds of decode, resize, queue, infer, matte, compose and encode."),
    **{
        f"X-Foreground-{side}": _header("Of the visible subject's box in the input, in pixels; for effects.", "integer")
        for side in ("Left", "Top", "Width", "Height")
    },
}
