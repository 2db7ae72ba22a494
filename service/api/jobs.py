"""`/jobs`: how far work is that outlives its request, its result, and an end to it."""

from datetime import datetime
from typing import Any, Literal, Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import FileResponse

from service.api.acceptance import times_of
from service.api.asker import owner_of
from service.api.examples import OF_JOBS
from service.api.forms import only_once
from service.api.openapi import problems
from service.api.problems import failure_of, problem_body
from service.api.ranges import pass_over_bad_range
from service.api.result_response import ResultResponse
from service.api.running import result_headers
from service.api.state import Service, ServiceDep
from service.engine.deferred import KIND as PICTURE
from service.engine.deferred import answer_in
from service.errors import (
    BadOption,
    JobUnfinished,
    RangeNotSatisfiable,
    ResultGone,
    UnknownBatch,
    UnknownJob,
    UnknownOption,
)
from service.jobs import Job, State
from service.operations.options import parse_options

router = APIRouter(tags=["jobs"])

MOST_LISTED = 1000

REFUSED_LISTS = (BadOption, UnknownOption, UnknownBatch, *OF_JOBS)

OF_ID: dict[str, Any] = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}
"""Any text is one, so there is nothing for FastAPI to refuse in words of its own."""

OF_LIST: dict[str, Any] = {
    "parameters": [
        {
            "name": "state",
            "in": "query",
            "required": False,
            "description": "Only those in this state.",
            "schema": {"type": "string", "enum": [state.value for state in State]},
        },
        {
            "name": "batch",
            "in": "query",
            "required": False,
            "description": "Only those of this batch.",
            "schema": {"type": "string"},
        },
    ]
}


class Wanted(BaseModel):
    """Of a list: which jobs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State | None = None
    batch: str | None = None


class JobProgress(BaseModel):
    """How far a job is."""

    done: int
    total: int | None = Field(description="Null as long as nobody knows; of films, to about one.")
    unit: Literal["frames", "pictures"] = "frames"


class JobFailure(BaseModel):
    """Why a job has no result: the problem document that it would have been, without a `request_id`."""

    type: str
    title: str
    status: int
    code: str
    detail: str

    @classmethod
    def of(cls, job: Job) -> Self | None:
        if job.failure_code is None:
            return None
        return cls(**problem_body(failure_of(job.failure_code, job.failure_detail or ""), request_id=""))


class JobInfo(BaseModel):
    """A job."""

    id: str
    kind: str = Field(description="`picture` or `video`.")
    operation: str | None = Field(description="Of a picture.")
    name: str | None = Field(description="Of a picture of a batch: that of its file.")
    batch: str | None = Field(description="The id of the batch that it belongs to.")
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    position: int | None = Field(
        description="How many came before it and wait as well; null when it has begun, and in lists."
    )
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None = Field(description="When it is forgotten, with its result.")
    progress: JobProgress
    result: str | None = Field(description="The path of the result, once there is one.")
    media_type: str | None
    notes: dict[str, Any] = Field(
        description="Of a film: frames, and how much of it could not be decoded. Of a picture: what made the result."
    )
    failure: JobFailure | None

    @classmethod
    def of(cls, job: Job, service: Service, position: int | None = None) -> Self:
        return cls(
            id=job.id,
            kind=job.kind,
            operation=job.options.get("operation") if job.kind == PICTURE else None,
            name=job.name or None,
            batch=job.batch,
            state=job.state.value,
            position=position,
            progress=_progress(job),
            result=f"{job_path(job, service)}/result" if job.result else None,
            media_type=job.media_type,
            notes=dict(job.notes),
            failure=JobFailure.of(job),
            **times_of(job, service),
        )

    @classmethod
    def with_position(cls, job: Job, service: Service) -> Self:
        """As one is told of it alone: to count who is before it takes a look at all."""
        return cls.of(job, service, service.jobs.store.position(job) if job.state is State.QUEUED else None)


def _progress(job: Job) -> JobProgress:
    if job.kind == PICTURE:
        return JobProgress(done=int(job.state is State.DONE), total=1, unit="pictures")
    return JobProgress(done=job.done, total=job.total)


def job_path(job: Job, service: Service) -> str:
    """As a client has to ask for it."""
    return f"{service.settings.root_path}/jobs/{job.id}"


@router.get("/jobs", summary="Your jobs", responses=problems(*REFUSED_LISTS), openapi_extra=OF_LIST)
def jobs(request: Request, service: ServiceDep) -> list[JobInfo]:
    """The newest first, a thousand at most; or those of one batch, in their order. Those of other keys are not among
    them. Their positions are not told here."""
    store, owner = service.jobs.store, owner_of(request)
    wanted = parse_options(Wanted, only_once(request.query_params.multi_items()))
    if wanted.batch is None:
        found = store.jobs_of(owner, MOST_LISTED, wanted.state)
    else:
        in_batch = store.jobs_in(store.batch(wanted.batch, owner).id)
        found = [each for each in in_batch if wanted.state in (None, each.state)]
    return [JobInfo.of(each, service) for each in found]


@router.get("/jobs/{id}", summary="How far a job is", responses=problems(UnknownJob, *OF_JOBS), openapi_extra=OF_ID)
def job(request: Request, service: ServiceDep) -> JobInfo:
    """A job of one key is unknown to all others."""
    return JobInfo.with_position(_job_of(request, service), service)


@router.get(
    "/jobs/{id}/result",
    summary="The result of a job",
    response_class=FileResponse,
    responses=problems(UnknownJob, JobUnfinished, ResultGone, RangeNotSatisfiable, *OF_JOBS),
    openapi_extra=OF_ID,
)
def result(request: Request, service: ServiceDep) -> Response:
    """Whole, or the part that `Range` asks for. Of a picture it has the bytes and the headers that the direct request
    would have been answered with; where that would have been a problem document, so is this.
    """
    pass_over_bad_range(request.scope)
    found = _job_of(request, service)
    if found.failure_code:
        raise failure_of(found.failure_code, found.failure_detail or "")
    file = service.jobs.store.result_file(found)
    if file is None:
        raise _without_result(found)
    if found.kind == PICTURE:
        headers = result_headers(*answer_in(found))
        return ResultResponse(file, media_type=found.media_type, headers=headers)
    return ResultResponse(file, media_type=found.media_type, filename=found.result)


def _without_result(job: Job) -> JobUnfinished | ResultGone:
    """For whoever asks again until there is one: that there will be none is another answer than not yet."""
    if job.state is State.CANCELLED:
        return ResultGone("the job was cancelled")
    if job.state is State.DONE:
        return ResultGone("the result was deleted")
    return JobUnfinished(f"the job is {job.state}; `GET /jobs/{job.id}` tells of it")


@router.delete(
    "/jobs/{id}",
    summary="Cancel a job, or delete its result",
    responses=problems(UnknownJob, *OF_JOBS),
    openapi_extra=OF_ID,
)
async def cancel(request: Request, service: ServiceDep) -> JobInfo:
    """Whatever it is at, it ends; what is there of it is deleted."""
    return JobInfo.of(await service.jobs.cancel(request.path_params["id"], owner_of(request)), service)


def _job_of(request: Request, service: Service) -> Job:
    """Raises UnknownJob."""
    return service.jobs.store.get(request.path_params["id"], owner_of(request))
