"""Jobs of a service that was given no folder for them."""

from service.configuration_errors import ConfigurationError
from service.jobs.disk.store import DiskStore
from service.jobs.folders import check_disk
from service.jobs.job import StoreLimits
from service.jobs.scratch import ScratchFolder


class TemporaryStore(DiskStore):
    """In a folder that goes with it."""

    def __init__(self, limits: StoreLimits) -> None:
        """Raises StorageFull where there is no room: it is opened for the first job, which is told so."""
        try:
            self._own = ScratchFolder()
            super().__init__(self._own.path, limits)
        except OSError as error:
            check_disk(error)
            raise
        except ConfigurationError as error:
            check_disk(error.__cause__)
            raise

    def close(self) -> None:
        super().close()
        self._own.close()
