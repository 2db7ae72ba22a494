"""Work that outlives a connection, kept on disk or in Redis. Knows no HTTP, and not what the work is."""

from service.jobs.disk import DiskStore
from service.jobs.job import Batch, IdempotencyKey, Job, NewFolder, NewJob, State, StoreLimits
from service.jobs.opening import opener_of
from service.jobs.runner import Advance, Done, JobRunner, Kind
from service.jobs.store import JobStore, ResultFile

__all__ = [
    "Advance",
    "Batch",
    "DiskStore",
    "Done",
    "IdempotencyKey",
    "Job",
    "JobRunner",
    "JobStore",
    "Kind",
    "NewFolder",
    "NewJob",
    "ResultFile",
    "State",
    "StoreLimits",
    "opener_of",
]
