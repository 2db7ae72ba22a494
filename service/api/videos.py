"""`POST /videos`: takes a film in, checks what can be checked at once, and leaves the rest to a job."""

import asyncio
import json
import shutil
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile

from service.api.acceptance import place_for, say_where
from service.api.asker import Asker
from service.api.examples import OF_KEYS
from service.api.exchange import exchange_of
from service.api.forms import only_once, read_form
from service.api.idempotency import promise
from service.api.jobs import JobInfo, job_path
from service.api.openapi import BINARY, JOB_HEADERS, problems, query_parameters
from service.api.request_headers import MULTIPART, media_type_of
from service.api.state import Service, ServiceDep
from service.configuration_errors import MissingExtra
from service.errors import (
    BadOption,
    KeyReused,
    MalformedForm,
    MissingImage,
    NotOffered,
    NotReady,
    RequestInProgress,
    StorageFull,
    TooManyBytes,
    TooManyJobs,
    TooManyPixels,
    UndecodableVideo,
    UnknownModel,
    UnknownOption,
    UnsupportedBody,
    UnsupportedVideo,
    UrlRefused,
    VideoTooLong,
)
from service.jobs import IdempotencyKey, Job, NewFolder, NewJob
from service.video.choice import FilmChoice, FilmOptions
from service.video.jobs import BACKGROUND, KIND, MATTE, UPLOAD
from service.video.libraries import check_libraries, has_libraries

FILM = "video"
"""The name of the form field that has the film."""

FILES = {FILM: UPLOAD, BACKGROUND: BACKGROUND, MATTE: MATTE}
"""Fields that are files, and what they are called in the job's folder. `matte` is that of every frame."""

MEMORY_BYTES = 1024 * 1024
"""Of a form's file, before it goes to disk."""

RAW_TYPES = ("video/", "image/gif", "application/octet-stream")

REFUSALS = (
    *(UnsupportedBody, MalformedForm, MissingImage, TooManyBytes, UnsupportedVideo, UndecodableVideo, VideoTooLong),
    *(TooManyPixels, BadOption, UnknownOption, UnknownModel, TooManyJobs, NotReady, NotOffered, *OF_KEYS),
    *(StorageFull, KeyReused, RequestInProgress, UrlRefused),
)


def _document() -> dict[str, Any]:
    """What `/docs` says of the body and the options."""
    form = {
        "type": "object",
        "properties": {FILM: BINARY, BACKGROUND: BINARY, MATTE: BINARY},
        "required": [FILM],
        "additionalProperties": {"type": "string", "description": "Any of the options, as a form field instead."},
    }
    parameters = [*query_parameters(FilmOptions).values(), *JOB_HEADERS]
    content = {"multipart/form-data": {"schema": form}, "video/*": {"schema": BINARY}}
    # For whoever shows a menu, such as the studio: what has to be installed before.
    missing = {} if has_libraries() else {"x-missing": "video"}
    return {"parameters": parameters, "requestBody": {"required": True, "content": content}, **missing}


router = APIRouter(tags=["videos"])


@router.post(
    "/videos",
    summary="An effect on every frame of a film, as a job",
    status_code=HTTPStatus.ACCEPTED,
    responses=problems(*REFUSALS),
    openapi_extra=_document(),
)
async def videos(request: Request, response: Response, service: ServiceDep) -> JobInfo:
    """The film is a multipart file `video`, or the raw body with `Content-Type: video/*`. Beside the options below,
    those of the effect are taken: `color`, `strength`, `keep`, `model` and the others of its own endpoint.

    The answer comes at once, and `Location` says where to ask how far it is.
    """
    try:
        check_libraries()
    except MissingExtra as missing:
        raise NotOffered(str(missing)) from missing
    if service.settings.jobs != "disk":
        raise NotOffered("films take jobs on disk: this service has SILHOUETTE_JOBS=redis, for pictures")
    asker = Asker.of(request, service)
    async with place_for(asker, service) as place:
        options = await _read(request, place.path)
        await asyncio.to_thread(_check_options, service, place, options)
        await service.films.check(place.path / UPLOAD)
        found = await asyncio.to_thread(_added, service, place, asker, options, exchange_of(request).traceparent)
    service.jobs.wake()
    say_where(job_path(found, service), request, response)
    return JobInfo.of(found, service)


async def _read(request: Request, folder: Path) -> Mapping[str, str]:
    """The options; the film and its background are in the folder then."""
    media_type = media_type_of(request.headers)
    options = only_once(request.query_params.multi_items())
    if media_type == MULTIPART:
        async with read_form(request, max_memory_bytes=MEMORY_BYTES) as form:
            for name, kept in FILES.items():
                if isinstance(file := form.get(name), UploadFile):
                    await asyncio.to_thread(_keep, file.file, folder / kept)
            fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
            options = only_once([*options.items(), *fields])
    elif media_type.startswith(RAW_TYPES):
        with (folder / UPLOAD).open("wb") as upload:
            async for part in request.stream():
                await asyncio.to_thread(upload.write, part)
    else:
        raise UnsupportedBody(f"the request has {media_type or 'no Content-Type'}; send multipart/form-data or video/*")
    if not (folder / UPLOAD).exists():
        raise MissingImage(
            f"send the film as a multipart file named `{FILM}`, or as the body with Content-Type video/*"
        )
    if not (folder / UPLOAD).stat().st_size:
        raise MissingImage("the film is here, but its file is empty: it has 0 bytes")
    return options


def _keep(content: BinaryIO, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(content, file, MEMORY_BYTES)


def _check_options(service: Service, place: NewFolder, options: Mapping[str, str]) -> None:
    """Raises BadOption, UnknownOption or UnknownModel for what cannot be or does not go together."""
    choice = FilmChoice.of(options, has_background=(place.path / BACKGROUND).exists())
    if choice.format.is_folder:
        raise BadOption(f"format: {choice.format.name} is a folder, which the command line writes; take zip")
    card = service.pipeline.catalogue.card(choice.options.model)
    card.class_table.find(choice.options.keep)


def _added(service: Service, place: NewFolder, asker: Asker, options: Mapping[str, str], traceparent: str) -> Job:
    asked = _promise(asker.key, place, options)
    new = NewJob(KIND, options, traceparent=traceparent)
    return service.jobs.store.add(place, new, asker.owner, asked, asker.webhook)


def _promise(key: str | None, place: NewFolder, options: Mapping[str, str]) -> IdempotencyKey | None:
    files = (path for path in (place.path / name for name in FILES.values()) if path.exists())
    return promise(key, [KIND, json.dumps(options, sort_keys=True), *files])
