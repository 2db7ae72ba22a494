"""In what form each door refuses a request. Whoever adds a door adds its row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Form:
    """How a contract says that there is no result."""

    post: str
    """A path of it that takes a POST."""
    elsewhere: str
    """A path of the door where nothing is."""
    said: Callable[[Any], str]
    """The reason in the JSON of an answer. Raises where that has another form."""
    statuses: Mapping[int, int] = field(default_factory=dict)
    """Our status -> the contract's, where it has another one."""


def _rembg(answer: Any) -> str:
    assert set(answer) == {"detail"}
    return str(answer["detail"])


def _removebg(answer: Any) -> str:
    assert set(answer) == {"errors"}
    (error,) = answer["errors"]
    assert set(error) == {"title", "code", "detail"}
    return f"{error['code']}: {error['detail']}"


def _withoutbg(answer: Any) -> str:
    assert set(answer) == {"error", "detail"}
    return str(answer["error"])


def _huggingface(answer: Any) -> str:
    assert set(answer) == {"error"}
    return str(answer["error"])


def _openai(answer: Any) -> str:
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    return str(answer["error"]["message"])


def _inference(answer: Any) -> str:
    assert set(answer) == {"error", "code"}
    return str(answer["error"])


def _mcp(answer: Any) -> str:
    assert (answer["jsonrpc"], answer["id"], set(answer)) == ("2.0", None, {"jsonrpc", "id", "error"})
    assert set(answer["error"]) == {"code", "message", "data"}
    return str(answer["error"]["message"])


AS_BAD_REQUEST = {406: 400, 415: 400, 422: 400}


def _label_studio(answer: Any) -> str:
    assert set(answer) == {"error", "code", "status"}
    return str(answer["error"])


def _x_anylabeling(answer: Any) -> str:
    assert answer["success"] is False
    assert set(answer["error"]) == {"code", "message"}
    return str(answer["error"]["message"])


def _roboflow(answer: Any) -> str:
    assert set(answer) == {"message"}
    return str(answer["message"])


FORMS: dict[str, Form] = {
    "removebg": Form("/v1.0/removebg", "/v1.0/removebg/nothing", _removebg, {401: 403, 413: 400, 500: 503}),
    "rembg": Form("/api/remove", "/api/nothing", _rembg),
    "withoutbg": Form("/v1/remove-background", "/v1/remove-background/nothing", _withoutbg),
    "huggingface": Form("/hf/image-segmentation", "/hf/nothing", _huggingface),
    "openai": Form("/v1/images/edits", "/v1/images/nothing", _openai, AS_BAD_REQUEST),
    "inference": Form("/v2/models/tiny-subject/infer", "/v2/nothing", _inference, AS_BAD_REQUEST),
    "label-studio": Form("/label-studio/predict", "/label-studio/nothing", _label_studio),
    "x-anylabeling": Form("/v1/predict", "/v1/predict/nothing", _x_anylabeling, {401: 200, 413: 200, 500: 200}),
    "roboflow": Form("/sam2/segment_image", "/sam2/nothing", _roboflow, AS_BAD_REQUEST),
    "mcp": Form("/mcp", "/mcp/nothing", _mcp),
}
