"""Jobs on this machine's disk: a row in SQLite and a folder a job."""

from service.jobs.disk.store import DiskStore
from service.jobs.disk.temporary import TemporaryStore

__all__ = ["DiskStore", "TemporaryStore"]
