"""OpenAI's edits of pictures, for chat front ends and for whoever has its client; only for the background."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from service.api.doorway import Refusal
from service.doors.door import Door
from service.doors.openai.edits import edit
from service.errors import NotOffered

CODES: Mapping[str, str] = {
    "missing_key": "invalid_api_key",
    "unknown_key": "invalid_api_key",
    "quota_exceeded": "rate_limit_exceeded",
    "unknown_model": "model_not_found",
}
"""Ours, where the contract has another for it."""

PARAMS: Mapping[str, str] = {
    "unsupported_prompt": "prompt",
    "unknown_model": "model",
    "missing_image": "image",
    "unsupported_image": "image",
    "undecodable_image": "image",
    "truncated_image": "image",
    "too_many_pixels": "image",
    "no_foreground": "image",
}
"""What is wrong, by the code of the failure; of an option, the failure's text begins with its name."""


def worded(refusal: Refusal) -> Response:
    """`{"error": {"message", "type", "param", "code"}}`"""
    status = refusal.coarse_status
    error = {
        "message": refusal.detail,
        "type": _type(status),
        "param": PARAMS.get(refusal.code) or _option(refusal),
        "code": CODES.get(refusal.code, refusal.code),
    }
    return JSONResponse({"error": error}, status)


def _type(status: HTTPStatus) -> str:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server_error"
    return "rate_limit_error" if status == HTTPStatus.TOO_MANY_REQUESTS else "invalid_request_error"


def _option(refusal: Refusal) -> str | None:
    name, _, _ = refusal.detail.partition(":")
    return name if refusal.code in ("bad_option", "unknown_option") and name.isidentifier() else None


router = APIRouter()
router.add_api_route("/v1/images/edits", edit, methods=["POST"], response_class=Response)


@router.post("/v1/images/generations")
@router.post("/v1/images/variations")
async def generate(request: Request) -> Response:
    await request.body()
    raise NotOffered("nothing is generated here; POST /v1/images/edits gives a picture another background")


OPENAI = Door(
    name="openai",
    help="OpenAI's images/edits, where the prompt is about the background",
    router=router,
    prefixes=frozenset({"/v1/images"}),
    refusal=worded,
)
