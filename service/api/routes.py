"""The endpoints: read the request, call the Pipeline, shape the response."""

import asyncio
import re
from collections.abc import Coroutine, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.exchange import ClientLeft, exchange_of
from service.api.negotiation import MEDIA_TYPES
from service.api.openapi import answers, offered, problems, takes_image
from service.api.schemas import Health, ModelInfo
from service.api.state import Service
from service.api.uploads import read_upload
from service.engine.pipeline import Answer, Call, Unchanged
from service.errors import BadOption
from service.operations.options import (
    OPAQUE_PICTURE,
    SEGMENT_FORMATS,
    BlurBackgroundOptions,
    ColorPopOptions,
    Format,
    RemoveBackgroundOptions,
    ReplaceBackgroundOptions,
    SegmentOptions,
)
from service.telemetry.log import server_timing

ENTITY_TAG = re.compile(r'"([0-9a-f]{32})"')
"""Ours are no others. RFC 9110 has If-None-Match answered with 304 for GET alone; here it is the same for POST, which
changes nothing and only carries the picture."""

router = APIRouter()


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]


@router.post(
    "/segment",
    tags=["images"],
    summary="Say what every pixel shows",
    openapi_extra=takes_image(SegmentOptions),
    responses=answers(*offered(list(SEGMENT_FORMATS.values()))),
    response_class=Response,
)
async def segment(request: Request, service: ServiceDep) -> Response:
    """A label map, masks, an overlay or figures. Semantic, so instance-free: two people are one mask of `person`."""
    upload = await read_upload(request, SegmentOptions)
    return await _respond(
        request, service.pipeline.segment(upload.image, upload.options, _call(request, upload.accepted))
    )


@router.post(
    "/remove-background",
    tags=["images"],
    summary="Cut the subject out",
    openapi_extra=takes_image(RemoveBackgroundOptions),
    responses=answers(*OPAQUE_PICTURE),
    response_class=Response,
)
async def remove_background(request: Request, service: ServiceDep) -> Response:
    """The subject with straight alpha, or its matte alone."""
    upload = await read_upload(request, RemoveBackgroundOptions)
    return await _respond(
        request, service.pipeline.apply(upload.image, upload.options, _call(request, upload.accepted))
    )


@router.post(
    "/replace-background",
    tags=["images"],
    summary="Put something else behind the subject",
    openapi_extra=takes_image(ReplaceBackgroundOptions, "background"),
    responses=answers(*OPAQUE_PICTURE),
    response_class=Response,
)
async def replace_background(request: Request, service: ServiceDep) -> Response:
    """Exactly one of `background`, a picture, or `color`."""
    upload = await read_upload(request, ReplaceBackgroundOptions, "background")
    background = upload.files.get("background")
    if (background is None) == (upload.options.color is None):
        raise BadOption("give exactly one of `background` (a multipart file) and `color`")
    work = service.pipeline.apply(upload.image, upload.options, _call(request, upload.accepted), background)
    return await _respond(request, work)


@router.post(
    "/blur-background",
    tags=["images"],
    summary="Blur everything but the subject",
    openapi_extra=takes_image(BlurBackgroundOptions),
    responses=answers(*OPAQUE_PICTURE),
    response_class=Response,
)
async def blur_background(request: Request, service: ServiceDep) -> Response:
    """The subject stays sharp, and its colours do not bleed into the blur."""
    upload = await read_upload(request, BlurBackgroundOptions)
    return await _respond(
        request, service.pipeline.apply(upload.image, upload.options, _call(request, upload.accepted))
    )


@router.post(
    "/color-pop",
    tags=["images"],
    summary="Keep the subject in colour, turn the rest grey",
    openapi_extra=takes_image(ColorPopOptions),
    responses=answers(*OPAQUE_PICTURE),
    response_class=Response,
)
async def color_pop(request: Request, service: ServiceDep) -> Response:
    """The subject as it was, the rest at `saturation`."""
    upload = await read_upload(request, ColorPopOptions)
    return await _respond(
        request, service.pipeline.apply(upload.image, upload.options, _call(request, upload.accepted))
    )


@router.get("/models", tags=["models"], summary="The loaded models")
async def models(service: ServiceDep) -> list[ModelInfo]:
    """The default model comes first; `best`, which is two of them together, last."""
    models = service.pipeline.catalogue.models
    return [ModelInfo.of(model, default=model is models[0]) for model in models]


@router.get("/models/{name}", tags=["models"], summary="One loaded model", responses=problems(404, 422))
async def model(name: str, service: ServiceDep) -> ModelInfo:
    found = service.pipeline.catalogue.model(name)
    return ModelInfo.of(found, default=found is service.pipeline.catalogue.cards[0])


@router.get("/livez", tags=["probes"], summary="Is the process alive?")
async def livez() -> Health:
    """200 as long as the event loop turns, whatever the load."""
    return Health()


@router.get("/readyz", tags=["probes"], summary="Can it answer now?", responses=problems(503))
async def readyz(service: ServiceDep) -> Health:
    """200 while models are loaded and warmed up, and workers are alive to run them or can be started again."""
    service.check_ready()
    return Health()


@router.get("/startupz", tags=["probes"], summary="Has it started?", responses=problems(503))
async def startupz(service: ServiceDep) -> Health:
    """503 until every worker has loaded its models for the first time."""
    service.check_started()
    return Health()


@router.get("/metrics", tags=["probes"], summary="Figures for Prometheus", response_class=PlainTextResponse)
async def metrics(service: ServiceDep) -> Response:
    """Requests, stages, the queue, the workers and their memory, in Prometheus' text format."""
    return Response(service.engine.metrics.render(), media_type=CONTENT_TYPE_LATEST)


def _call(request: Request, accepted: Sequence[Format]) -> Call:
    """What the gate has found out about the request."""
    exchange = exchange_of(request)
    known = frozenset(ENTITY_TAG.findall(request.headers.get("if-none-match", "")))
    exchange.call = Call(exchange.deadline, exchange.lane, accepted, exchange.reserve_pixels, known)
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
    """The answer. A client that leaves takes its waiting ticket along, so that it costs no device time: ClientLeft."""
    task = asyncio.create_task(work)
    leaving = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientLeft
        return await task
    finally:
        task.cancel()
        leaving.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
