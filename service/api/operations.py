"""The endpoints of the operations: read the request, run the pipeline, shape the response. One route a row."""

import asyncio
import re
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from service.api.exchange import ClientLeft, client_leaves, exchange_of
from service.api.openapi import answers, described, takes_image
from service.api.state import ServiceDep
from service.api.uploads import read_upload
from service.engine.pipeline import Answer, Call, Job, Unchanged
from service.operations import OPERATIONS
from service.operations.operation import Operation
from service.operations.options import MEDIA_TYPES, Format
from service.telemetry.log import server_timing

ENTITY_TAG = re.compile(r'"([0-9a-f]{32})"')
"""Ours are no others. RFC 9110 has If-None-Match answered with 304 for GET alone; here it is the same for POST, which
changes nothing and only carries the picture."""


@dataclass(frozen=True)
class Endpoint:
    """What FastAPI calls for one operation."""

    operation: Operation[Any]

    async def __call__(self, request: Request, service: ServiceDep) -> Response:
        upload = await read_upload(request, self.operation)
        call = _call(request, upload.accepted)
        job = Job(self.operation, upload.options, upload.image, upload.pictures)
        return await _respond(request, service.pipeline.run(job, call))


def operation_routes() -> APIRouter:
    """`POST /NAME` for every operation of the table."""
    router = APIRouter()
    for operation in OPERATIONS.values():
        router.add_api_route(
            f"/{operation.name}",
            Endpoint(operation),
            methods=["POST"],
            name=operation.name.replace("-", "_"),
            tags=["images"],
            summary=operation.summary,
            description=described(operation),
            openapi_extra=takes_image(operation),
            responses=answers(operation),
            response_class=Response,
        )
    return router


def _call(request: Request, accepted: Sequence[Format]) -> Call:
    """What the gate has found out about the request."""
    exchange = exchange_of(request)
    known = frozenset(ENTITY_TAG.findall(request.headers.get("if-none-match", "")))
    exchange.call = Call(exchange.deadline, exchange.lane, accepted, exchange.permit, exchange.charge_pixels, known)
    return exchange.call


async def _respond(request: Request, work: Coroutine[Any, Any, Answer]) -> Response:
    exchange = exchange_of(request)
    try:
        answer = await _while_connected(request, work)
    except Unchanged as unchanged:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=_tag_headers(unchanged.fingerprint))
    exchange.answer = answer
    headers = {
        **_tag_headers(answer.fingerprint),
        **({} if exchange.cache is None else {"X-Cache": exchange.cache}),
        "X-Model": answer.model,
        "X-Device": answer.device,
        "Server-Timing": server_timing(answer.elapsed_ms),
        **({} if answer.frames == 1 else {"X-Frames": str(answer.frames)}),
        **_box_headers(answer),
    }
    return Response(answer.body, media_type=MEDIA_TYPES[answer.format], headers=headers)


def _tag_headers(fingerprint: str) -> dict[str, str]:
    """A weak tag: made of the same things, an answer may differ from another in the last bit of a rounded sum."""
    return {"ETag": f'W/"{fingerprint}"', "Vary": "Accept"}


def _box_headers(answer: Answer) -> dict[str, str]:
    if answer.box is None:
        return {}
    left, top, right, bottom = answer.box
    sides = {"Left": left, "Top": top, "Width": right - left, "Height": bottom - top}
    return {f"X-Foreground-{side}": str(pixels) for side, pixels in sides.items()}


async def _while_connected(request: Request, work: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer. Where the client leaves, what waits for it never begins, and what runs ends soon: ClientLeft."""
    task = asyncio.create_task(work)
    leaving = asyncio.create_task(client_leaves(request.receive))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientLeft
        return await task
    finally:
        task.cancel()
        leaving.cancel()
        await asyncio.wait({task, leaving})
