"""Work that outlives a connection, kept on disk. Knows no HTTP, and not what the work is."""

from service.jobs.job import Batch, IdempotencyKey, Job, NewFolder, NewJob, State, StoreLimits
from service.jobs.runner import Advance, Done, JobRunner, Kind
from service.jobs.store import JobStore

__all__ = [
    "Advance",
    "Batch",
    "Done",
    "IdempotencyKey",
    "Job",
    "JobRunner",
    "JobStore",
    "Kind",
    "NewFolder",
    "NewJob",
    "State",
    "StoreLimits",
]
