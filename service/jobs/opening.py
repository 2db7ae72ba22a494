"""Which store the settings want."""

from collections.abc import Callable
from functools import partial

from service.jobs.disk import DiskStore, TemporaryStore
from service.jobs.job import StoreLimits
from service.jobs.redis import RedisStore
from service.jobs.scratch import remove_left
from service.jobs.store import JobStore
from service.settings import Settings


def opener_of(settings: Settings) -> Callable[[], JobStore]:
    """What opens it. It raises ConfigurationError where the store is of no use."""
    limits = StoreLimits.of(settings)
    if settings.jobs == "redis":
        assert settings.shared_url is not None  # the settings insist on it
        return partial(RedisStore, settings.shared_url, limits)
    if settings.jobs_folder is None:
        remove_left()  # now: the first job, which opens the store, may not come for long
        return partial(TemporaryStore, limits)
    return partial(DiskStore, settings.jobs_folder, limits, is_shared=settings.fronts > 1)
