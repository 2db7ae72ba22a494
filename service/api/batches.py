"""`/batches`: one operation on many pictures, a job for each of them, and all results in one ZIP."""

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from service.api.acceptance import place_for, say_where, times_of
from service.api.asker import Asker, owner_of
from service.api.batch_form import PICTURES, URLS, BatchForm, read_batch_form
from service.api.examples import OF_JOBS
from service.api.exchange import exchange_of
from service.api.idempotency import promise
from service.api.jobs import OF_ID
from service.api.openapi import BINARY, JOB_HEADERS, problems
from service.api.state import Service, ServiceDep
from service.api.uploads import accepted_formats
from service.api.zip_stream import NAMELESS, Names, safe_name, zip_stream
from service.engine.deferred import PHOTO, Deferred
from service.engine.request import ImageRequest
from service.errors import (
    BadOption,
    Failure,
    FetchingOff,
    JobUnfinished,
    KeyReused,
    MalformedForm,
    MissingImage,
    NotAcceptable,
    NotReady,
    RequestInProgress,
    StorageFull,
    TooManyBytes,
    TooManyJobs,
    UnknownBatch,
    UnknownModel,
    UnknownOption,
    UnsupportedBody,
    UrlRefused,
)
from service.jobs import Batch, Job, JobStore, NewFolder, NewJob, State
from service.operations import OPERATIONS
from service.operations.operation import Operation
from service.operations.options import parse_options
from service.pixels.decode import count_pixels

router = APIRouter(tags=["jobs"])

REFUSALS = (
    *(UnsupportedBody, MalformedForm, MissingImage, TooManyBytes, BadOption, UnknownOption, UnknownModel),
    *(NotAcceptable, FetchingOff, UrlRefused, TooManyJobs, StorageFull, KeyReused, RequestInProgress, NotReady),
    *OF_JOBS,
)

MANY = {"type": "array", "items": BINARY}

FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "operation": {"type": "string", "enum": list(OPERATIONS)},
        PICTURES: MANY,
        URLS: {"type": "array", "items": {"type": "string"}},
    },
    "required": ["operation"],
    "additionalProperties": {"type": "string", "description": "Any of the operation's options, and its pictures."},
}
DOCUMENT: dict[str, Any] = {
    "parameters": list(JOB_HEADERS),
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}},
}


class BatchInfo(BaseModel):
    """Many jobs that were asked for together."""

    id: str
    state: Literal["running", "ended"]
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None = Field(description="When it is forgotten, with its results.")
    total: int
    counts: dict[str, int] = Field(description="How many of its jobs are `queued`, `running`, `done`, ...")
    jobs: str = Field(description="The path of the list of its jobs.")
    result: str | None = Field(description="The path of a ZIP with all results, once all jobs have ended.")

    @classmethod
    def of(cls, batch: Batch, service: Service) -> Self:
        root, has_ended = service.settings.root_path, batch.ended_at is not None
        return cls(
            id=batch.id,
            state="ended" if has_ended else "running",
            total=batch.total,
            counts={state.value: batch.counts.get(state, 0) for state in State},
            jobs=f"{root}/jobs?batch={batch.id}",
            result=f"{root}/batches/{batch.id}/result" if has_ended and batch.counts.get(State.DONE) else None,
            **times_of(batch, service),
        )


@router.post(
    "/batches",
    summary="An operation on many pictures, each as a job",
    status_code=HTTPStatus.ACCEPTED,
    responses=problems(*REFUSALS),
    openapi_extra=DOCUMENT,
)
async def batches(request: Request, response: Response, service: ServiceDep) -> BatchInfo:
    """A form with `operation`, a file `image` for each picture, or a `url` where the service fetches pictures, and the
    options of the operation, which are those of all. One that is no picture fails alone.

    The answer comes when all are kept, and `Location` says where to ask how far they are.
    """
    asker = Asker.of(request, service)
    async with place_for(asker, service) as place:
        form = await read_batch_form(request, place.path, service.settings.max_batch_pictures)
        batch, pixel_count = await asyncio.to_thread(_added, request, service, form, place, asker)
    if batch.id == place.id:
        _charge(request, batch, pixel_count)
    service.jobs.wake()
    say_where(f"{service.settings.root_path}/batches/{batch.id}", request, response)
    return BatchInfo.of(batch, service)


@router.get(
    "/batches/{id}",
    summary="How far a batch is",
    responses=problems(UnknownBatch, *OF_JOBS),
    openapi_extra=OF_ID,
)
def batch(request: Request, service: ServiceDep) -> BatchInfo:
    """A batch of one key is unknown to all others."""
    return BatchInfo.of(_batch_of(request, service), service)


@router.get(
    "/batches/{id}/result",
    summary="The results of a batch, as a ZIP",
    response_class=StreamingResponse,
    responses=problems(UnknownBatch, JobUnfinished, *OF_JOBS),
    openapi_extra=OF_ID,
)
def result(request: Request, service: ServiceDep) -> StreamingResponse:
    """Each with the name of its picture and the suffix of its format, in their order. Where some failed,
    `failures.json` says which, and why."""
    found = _batch_of(request, service)
    if found.ended_at is None:
        unfinished = sum(count for state, count in found.counts.items() if not state.is_final)
        raise JobUnfinished(f"{unfinished} of its {found.total} jobs have not ended yet; ask for it again later")
    files = _files(service.jobs.store, service.jobs.store.jobs_in(found.id))
    headers = {"Content-Disposition": f'attachment; filename="batch-{found.id}.zip"'}
    return StreamingResponse(zip_stream(files), media_type="application/zip", headers=headers)


@router.delete(
    "/batches/{id}",
    summary="Cancel a batch, or delete its results",
    responses=problems(UnknownBatch, *OF_JOBS),
    openapi_extra=OF_ID,
)
async def cancel(request: Request, service: ServiceDep) -> BatchInfo:
    """All of its jobs end, whatever they are at; what is there of them is deleted."""
    return BatchInfo.of(await service.jobs.cancel_batch(request.path_params["id"], owner_of(request)), service)


def _batch_of(request: Request, service: Service) -> Batch:
    """Raises UnknownBatch."""
    return service.jobs.store.batch(request.path_params["id"], owner_of(request))


def _charge(request: Request, batch: Batch, pixel_count: int) -> None:
    """Each picture is a request; the first one was counted when the batch came."""
    exchange = exchange_of(request)
    if exchange.allowance is not None:
        exchange.allowance.take_further_requests(batch.total - 1)
    exchange.charge_pixels(pixel_count)


def _added(request: Request, service: Service, form: BatchForm, place: NewFolder, asker: Asker) -> tuple[Batch, int]:
    """The batch, and how many pixels the pictures that are here have."""
    for part in (*form.pictures, *form.further.values()):
        if part.path.stat().st_size > service.settings.max_upload_bytes:
            raise TooManyBytes(f"{part.filename} has more than {service.settings.max_upload_bytes} bytes")
    template = _template(request, service, form)
    for url in form.urls:
        service.fetcher.check(url)
    most, count = service.settings.max_batch_pictures, len(form.pictures) + len(form.urls)
    if not 1 <= count <= most:
        failure = BadOption if count else MissingImage
        raise failure(f"a batch has 1 to {most} pictures: files called `{PICTURES}`, or addresses called `{URLS}`")
    jobs = [*_of_files(form, template, place.path), *_of_urls(form, template, place.path)]
    pixel_count = sum(_pixels_in(folder, service.settings.max_pixels) for folder, _ in jobs)
    told = [json.dumps(new.options, sort_keys=True) + new.name for _, new in jobs]
    asked = promise(asker.key, ["batch", *told, *(path for folder, _ in jobs for path in sorted(folder.iterdir()))])
    return service.jobs.store.add_batch(place, jobs, asker.owner, asked, asker.webhook), pixel_count


def _template(request: Request, service: Service, form: BatchForm) -> Deferred:
    """What is to be done with each of the pictures. Raises what its endpoint does."""
    given = {**form.texts, **request.query_params}
    operation = _operation(given.pop("operation", ""))
    known = [picture.name for picture in operation.pictures]
    if unknown := form.further.keys() - set(known):
        names = ", ".join((PICTURES, *known))
        raise BadOption(f"unexpected file {', '.join(sorted(unknown))}; the files are {names}")
    options = parse_options(operation.options, given)
    accepted = accepted_formats(request, options)
    pictures = {name: part.path.read_bytes() for name, part in form.further.items()}
    service.pipeline.check(ImageRequest(operation, options.model_copy(update={"format": accepted[0]}), b"", pictures))
    return Deferred(operation, given, accepted, traceparent=exchange_of(request).traceparent)


def _operation(name: str) -> Operation[Any]:
    if name not in OPERATIONS:
        raise BadOption(f"`operation` is one of {', '.join(OPERATIONS)}")
    return OPERATIONS[name]


def _of_files(form: BatchForm, template: Deferred, place: Path) -> Iterator[tuple[Path, NewJob]]:
    for number, part in enumerate(form.pictures, 1):
        folder = _folder(form, place / f"file-{number}")
        part.path.rename(folder / PHOTO)
        yield folder, template.as_job(safe_name(part.filename))


def _of_urls(form: BatchForm, template: Deferred, place: Path) -> Iterator[tuple[Path, NewJob]]:
    for number, url in enumerate(form.urls, 1):
        folder = _folder(form, place / f"url-{number}")
        yield folder, template.fetching(url).as_job(safe_name(url.partition("?")[0]))


def _folder(form: BatchForm, path: Path) -> Path:
    """A new one, with the pictures that go to each job."""
    path.mkdir()
    for name, part in form.further.items():
        os.link(part.path, path / name)
    return path


def _pixels_in(folder: Path, most: int) -> int:
    """Of all its pictures; those that are none fail when their turn comes, and cost nothing."""
    total = 0
    for path in folder.iterdir():
        with contextlib.suppress(Failure):
            total += count_pixels(path.read_bytes(), most)
    return total


def _files(store: JobStore, jobs: list[Job]) -> Iterator[tuple[str, Path | bytes]]:
    names, failures = Names(), list[Mapping[str, str | None]]()
    for job in jobs:
        if (file := store.result_file(job)) is not None:
            stem = Path(job.name or NAMELESS).stem
            try:
                yield names.unused(stem, file.path.suffix), file.path
            finally:  # also where the client leaves in the middle
                file.let_go()
        elif job.state is State.FAILED:
            failures.append({"name": job.name, "code": job.failure_code, "detail": job.failure_detail})
    if failures:
        yield names.unused("failures", ".json"), json.dumps(failures, indent=2).encode()
