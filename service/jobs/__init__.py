"""Work that outlives a connection, kept on disk. Knows no HTTP, and not what the work is."""

from service.jobs.store import Job, JobStore, NewFolder, State

__all__ = ["Job", "JobStore", "NewFolder", "State"]
