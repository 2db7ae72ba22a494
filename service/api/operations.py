"""The endpoints of the operations: read the request, run the pipeline, shape the response. One route a row."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from service.api.deferring import DEFERRED, defer
from service.api.exchange import exchange_of
from service.api.openapi import answers, described, takes_image
from service.api.request_headers import prefers_async
from service.api.running import response_of, result_headers, run_operation, tag_headers
from service.api.state import ServiceDep
from service.api.uploads import read_upload
from service.engine.request import ImageRequest, Unchanged
from service.operations import OPERATIONS
from service.operations.operation import Operation

ENTITY_TAG = re.compile(r'"([0-9a-f]{32})"')
"""Ours are no others. RFC 9110 has If-None-Match answered with 304 for GET alone; here it is the same for POST, which
changes nothing and only carries the picture."""


@dataclass(frozen=True)
class Endpoint:
    """What FastAPI calls for one operation."""

    operation: Operation[Any]

    async def __call__(self, request: Request, service: ServiceDep) -> Response:
        if prefers_async(request.headers):
            return await defer(request, service, self.operation)
        upload = await read_upload(request, self.operation)
        wanted = ImageRequest(self.operation, upload.options, upload.image, upload.pictures)
        known = frozenset(ENTITY_TAG.findall(request.headers.get("if-none-match", "")))
        try:
            answer = await run_operation(request, service, wanted, upload.accepted, known)
        except Unchanged as unchanged:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=tag_headers(unchanged.fingerprint))
        return response_of(answer, result_headers(answer, exchange_of(request).cache))


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
            responses={**answers(operation), **DEFERRED},
            response_class=Response,
        )
    return router
