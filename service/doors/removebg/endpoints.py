"""`POST /v1.0/removebg`, `GET /v1.0/account` and `POST /v1.0/improve`."""

import base64
import json
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from service.api.running import answer_headers, by_size, run_operation
from service.api.state import ServiceDep
from service.doors.removebg.kinds import told
from service.doors.removebg.operation import REMOVEBG_OPERATION, RemovebgOptions
from service.doors.removebg.source import Wish, read_wish
from service.engine.request import Answer, ImageRequest
from service.errors import NotOffered
from service.operations.options import MEDIA_TYPES

UNCOUNTED = 1_000_000
"""Nothing is sold here. Clients stop where the account has none of them, so there are always as many."""

router = APIRouter()


@router.post("/v1.0/removebg")
async def removebg(request: Request, service: ServiceDep) -> Response:
    wish = await read_wish(request, service)
    pictures = {} if wish.background is None else {"background": wish.background}
    options = RemovebgOptions.model_validate({"parameters": wish.parameters})
    answer = await run_operation(request, service, ImageRequest(REMOVEBG_OPERATION, options, wish.image, pictures))
    headers = _headers(answer, wish)
    if _wants_json(",".join(request.headers.getlist("accept"))):
        body = await by_size(len(answer.body), _json_of, answer)
        return Response(body, media_type="application/json", headers=headers)
    return Response(answer.body, media_type=MEDIA_TYPES[answer.format], headers=headers)


@router.get("/v1.0/account")
async def account() -> Response:
    credit = {"total": UNCOUNTED, "subscription": 0, "payg": UNCOUNTED, "enterprise": 0}
    attributes = {"credits": credit, "api": {"free_calls": UNCOUNTED, "sizes": "all"}}
    return JSONResponse({"data": {"attributes": attributes}})


@router.post("/v1.0/improve")
async def improve(request: Request) -> Response:
    await request.body()
    raise NotOffered("there is no improvement program here: no picture is kept")


def _headers(answer: Answer, wish: Wish) -> dict[str, str]:
    notes, kind = answer.notes, told(answer.notes["kind"], wish.parameters.type_level)
    ignored = [name for name in (*notes["ignored"].split(","), *wish.unknown) if name]
    return {
        **answer_headers(answer),
        "X-Width": notes["width"],
        "X-Height": notes["height"],
        "X-Max-Width": notes["max_width"],
        "X-Max-Height": notes["max_height"],
        "X-Credits-Charged": "0",
        **({} if kind is None else {"X-Type": kind}),
        **{f"X-Foreground-{side.capitalize()}": str(pixels) for side, pixels in _foreground(answer).items()},
        **({"X-Ignored-Params": ",".join(ignored)} if ignored else {}),
    }


def _foreground(answer: Answer) -> dict[str, int]:
    """Where it is in the photo, in pixels."""
    left, top, right, bottom = answer.box or (0, 0, 0, 0)
    return {"top": top, "left": left, "width": right - left, "height": bottom - top}


def _wants_json(accept: str) -> bool:
    """Only who takes nothing but JSON: axios, for one, sends `application/json, text/plain, */*` for a picture."""
    ranges = [entry.split(";")[0].strip().lower() for entry in accept.split(",")]
    return "application/json" in ranges and not any(entry == "*/*" or entry.startswith("image/") for entry in ranges)


def _json_of(answer: Answer) -> bytes:
    result: dict[str, Any] = {"result_b64": base64.b64encode(answer.body).decode()}
    result |= {f"foreground_{side}": pixels for side, pixels in _foreground(answer).items()}
    return json.dumps({"data": result}).encode()
