"""`/jobs`: how far work is that outlives its request, its result, and an end to it."""

from datetime import UTC, datetime
from typing import Any, Literal, Self

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from service.api.examples import OF_KEYS
from service.api.exchange import exchange_of
from service.api.openapi import problems
from service.api.state import Service, ServiceDep
from service.errors import JobUnfinished, UnknownJob
from service.jobs import Job, State

router = APIRouter(tags=["jobs"])

OF_ID: dict[str, Any] = {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}
"""Any text is one, so there is nothing for FastAPI to refuse in words of its own."""


class JobProgress(BaseModel):
    """How far a job is."""

    done: int
    total: int | None = Field(description="Null as long as nobody knows; of films, to about one.")
    unit: Literal["frames"] = "frames"


class JobFailure(BaseModel):
    """Why a job has no result: the `code` and `detail` of the problem document that it would have been."""

    code: str
    detail: str


class JobInfo(BaseModel):
    """A job."""

    id: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None = Field(description="When it is forgotten, with its result.")
    progress: JobProgress
    result: str | None = Field(description="The path of the result, once there is one.")
    media_type: str | None
    notes: dict[str, Any] = Field(description="Of a film: frames, and how much of it could not be decoded.")
    failure: JobFailure | None

    @classmethod
    def of(cls, job: Job, service: Service) -> Self:
        failure = JobFailure(code=job.failure_code, detail=job.failure_detail or "") if job.failure_code else None
        return cls(
            id=job.id,
            kind=job.kind,
            state=job.state.value,
            created_at=_date(job.created_at),
            ended_at=None if job.ended_at is None else _date(job.ended_at),
            expires_at=None if job.ended_at is None else _date(job.ended_at + service.settings.job_retention_s),
            progress=JobProgress(done=job.done, total=job.total),
            result=f"{job_path(job, service)}/result" if job.result else None,
            media_type=job.media_type,
            notes=dict(job.notes),
            failure=failure,
        )


def job_path(job: Job, service: Service) -> str:
    """As a client has to ask for it."""
    return f"{service.settings.root_path}/jobs/{job.id}"


def owner_of(request: Request) -> str:
    """The name of the caller's key; empty where the service has no keys."""
    allowance = exchange_of(request).allowance
    return "" if allowance is None else allowance.key.name


@router.get("/jobs/{id}", summary="How far a job is", responses=problems(UnknownJob, *OF_KEYS), openapi_extra=OF_ID)
def job(request: Request, service: ServiceDep) -> JobInfo:
    """A job of one key is unknown to all others."""
    return JobInfo.of(_job_of(request, service), service)


@router.get(
    "/jobs/{id}/result",
    summary="The result of a job",
    response_class=FileResponse,
    responses=problems(UnknownJob, JobUnfinished, *OF_KEYS),
    openapi_extra=OF_ID,
)
def result(request: Request, service: ServiceDep) -> FileResponse:
    """Whole, or the part that `Range` asks for."""
    found = _job_of(request, service)
    if found.state is not State.DONE or found.result is None or not found.result.is_file():
        raise JobUnfinished(f"the job is {found.state}" + (f": {found.failure_detail}" if found.failure_code else ""))
    return FileResponse(found.result, media_type=found.media_type, filename=found.result.name)


@router.delete(
    "/jobs/{id}",
    summary="Cancel a job, or delete its result",
    responses=problems(UnknownJob, *OF_KEYS),
    openapi_extra=OF_ID,
)
async def cancel(request: Request, service: ServiceDep) -> JobInfo:
    """Whatever it is at, it ends; what is there of it is deleted."""
    return JobInfo.of(await service.films.cancel(request.path_params["id"], owner_of(request)), service)


def _job_of(request: Request, service: Service) -> Job:
    """Raises UnknownJob."""
    return service.films.store.get(request.path_params["id"], owner_of(request))


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
