"""What is known of a job, and of many that were asked for together."""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from service.errors import StorageFull, TooManyJobs
from service.jobs.folders import check_disk
from service.jobs.locks import Lock
from service.settings.jobs import JobSettings


class State(StrEnum):
    """Of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True)
class Job:
    """What is known of one."""

    id: str
    kind: str
    owner: str
    """The name of the key that asked for it; empty where the service has no keys."""
    state: State
    options: Mapping[str, Any]
    """As its kind understands them."""
    created_at: float
    """Seconds since 1970, as all times here."""
    ended_at: float | None
    done: int
    """How far it is, of `total`, in units of its kind: frames of a film."""
    total: int | None
    """None as long as nobody knows."""
    attempts: int
    failure_code: str | None
    failure_detail: str | None
    result: str | None
    """The name of its file."""
    media_type: str | None
    notes: Mapping[str, Any]
    """What else is to be said of the result."""
    folder: Path
    """Of its own; gone when the job is."""
    batch: str | None
    """The id of the batch that it belongs to."""
    name: str
    """What its caller calls it, within a batch: the name of a file."""
    size_bytes: int
    """Of its folder, when it was added or ended."""
    webhook: str | None
    """The URL that hears of its end."""
    traceparent: str
    """The span of the request that asked for it (W3C Trace Context); empty where there was none."""

    @property
    def trace_id(self) -> str | None:
        return self.traceparent.split("-")[1] if self.traceparent else None


@dataclass(frozen=True)
class Batch:
    """Many jobs that were asked for together."""

    id: str
    owner: str
    created_at: float
    ended_at: float | None
    """When the last of its jobs did."""
    webhook: str | None
    counts: Mapping[State, int]
    """How many of its jobs are in each state."""

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class IdempotencyKey:
    """What a caller calls a request, so that asking again for the same does not have it done twice.

    Source: draft-ietf-httpapi-idempotency-key-header.
    """

    key: str
    fingerprint: str
    """Of all that is asked for: another one under the same key is an error of the caller."""


@dataclass(frozen=True)
class NewJob:
    """What a new job is besides the files in its folder."""

    kind: str
    options: Mapping[str, Any]
    name: str = ""
    traceparent: str = ""


@dataclass(frozen=True)
class StoreLimits:
    """How much is kept, and for how long."""

    keep_s: float
    most_waiting: int
    """Jobs that wait or are at work."""
    most_bytes: int
    """Uploads and results of all jobs."""
    lease_s: float = 30.0
    """A machine that has said nothing for so long is taken for dead."""

    @classmethod
    def of(cls, settings: JobSettings) -> Self:
        return cls(settings.job_retention_s, settings.max_jobs, settings.max_job_bytes, settings.job_lease_s)

    def check_room(self, waiting: int, jobs: int, used_bytes: int, more_bytes: int, where: str) -> None:
        """For so many more. Raises TooManyJobs or StorageFull."""
        if waiting + jobs > self.most_waiting:
            raise self.too_many(waiting, jobs)
        if used_bytes + more_bytes > self.most_bytes:
            raise self.full(used_bytes, where)

    def too_many(self, waiting: int, jobs: int) -> TooManyJobs:
        more = "" if jobs == 1 else f", and {jobs} more do not fit"
        return TooManyJobs(
            f"{waiting} jobs wait or are at work; {self.most_waiting} are the most this service takes{more}"
        )

    def full(self, used_bytes: int, where: str) -> StorageFull:
        return StorageFull(f"jobs and their results have {used_bytes} of {self.most_bytes} bytes of {where}")


@dataclass
class NewFolder:
    """A place for what a job is to work on; gone again unless the job was added. Locked meanwhile, so that nobody takes
    it for one that a dead process has left."""

    id: str
    path: Path
    is_kept: bool = False

    @classmethod
    def below(cls, folder: Path) -> Self:
        """Raises StorageFull."""
        id_ = secrets.token_urlsafe(12)
        try:
            (folder / id_).mkdir()
        except OSError as error:
            check_disk(error)
            raise
        return cls(id_, folder / id_)

    def __post_init__(self) -> None:
        self._lock = Lock(self.path)
        self._lock.take()

    def __enter__(self) -> Self:
        return self

    def let_go(self) -> None:
        """Nobody fills it any more."""
        self._lock.close()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raises StorageFull where the disk was full."""
        if not self.is_kept:
            shutil.rmtree(self.path, ignore_errors=True)
        self.let_go()
        check_disk(error)
