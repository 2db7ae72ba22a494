"""`Prefer: respond-async` (RFC 7240): an operation is accepted at once, and done as a job."""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from service.api.acceptance import APPLIED, place_for
from service.api.asker import Asker
from service.api.exchange import exchange_of
from service.api.idempotency import promise
from service.api.jobs import JobInfo, job_path
from service.api.state import Service
from service.api.uploads import Upload, read_upload
from service.engine.deferred import Deferred, write_pictures
from service.engine.further import pixels_of
from service.engine.request import ImageRequest
from service.jobs import Job, NewFolder
from service.operations.operation import Operation

DEFERRED: dict[int | str, dict[str, Any]] = {
    202: {"model": JobInfo, "description": "With `Prefer: respond-async`: the job; `Location` is where to ask for it."}
}


async def defer(request: Request, service: Service, operation: Operation[Any]) -> Response:
    """202, once the request is one that can be done, and kept.

    Raises what `place_for`, `read_upload`, `pixels_of` and `Asker.of` raise, and KeyReused.
    """
    asker = Asker.of(request, service)
    async with place_for(asker, service) as place:
        upload = await read_upload(request, operation)
        traceparent = exchange_of(request).traceparent
        job, pixel_count = await asyncio.to_thread(_added, service, operation, upload, place, asker, traceparent)
    if job.id == place.id:
        exchange_of(request).charge_pixels(pixel_count)
    service.jobs.wake()
    return await asyncio.to_thread(accepted, job, service)


def accepted(job: Job, service: Service) -> Response:
    """What is said of a job that was just asked for, or has been before."""
    headers = {**APPLIED, "Location": job_path(job, service)}
    content = JobInfo.with_position(job, service).model_dump(mode="json")
    return JSONResponse(content, HTTPStatus.ACCEPTED, headers)


def _added(
    service: Service,
    operation: Operation[Any],
    upload: Upload[Any],
    place: NewFolder,
    asker: Asker,
    traceparent: str,
) -> tuple[Job, int]:
    """The job, and how many pixels its pictures have."""
    service.pipeline.check(ImageRequest(operation, upload.options, upload.image, upload.pictures))
    pictures = (upload.image, *upload.pictures.values())
    pixel_count = pixels_of(upload.image, upload.pictures, service.settings.max_pixels)
    new = Deferred(operation, upload.given, upload.accepted, traceparent=traceparent).as_job()
    write_pictures(place.path, upload.image, upload.pictures)
    asked = promise(asker.key, [json.dumps(new.options, sort_keys=True), *upload.pictures, *pictures])
    return service.jobs.store.add(place, new, asker.owner, asked, asker.webhook), pixel_count
