"""Jobs of a service that was given no folder for them."""

import tempfile
from pathlib import Path

from service.jobs.disk.store import DiskStore
from service.jobs.job import StoreLimits


class TemporaryStore(DiskStore):
    """In a folder that goes with it."""

    def __init__(self, limits: StoreLimits) -> None:
        self._own = tempfile.TemporaryDirectory(prefix="silhouette-", ignore_cleanup_errors=True)
        super().__init__(Path(self._own.name), limits)

    def close(self) -> None:
        super().close()
        self._own.cleanup()
