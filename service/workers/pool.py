"""The workers as queue, engine and fronts see them, of whichever kind they are, and wherever they compute."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from service.queue.batcher import Batcher
from service.settings import Settings
from service.telemetry.metrics import Metrics, WorkerStatus
from service.workers.local.pool import LocalPool
from service.workers.plan import WorkerPlan
from service.workers.ray.pool import RayPool


class Pool(Protocol):
    """All workers, in this process or behind another one."""

    @property
    def size(self) -> int:
        """How many there are, ready or not."""

    @property
    def places(self) -> int:
        """Images that all together take at once."""

    @property
    def ready_count(self) -> int: ...

    @property
    def trouble(self) -> str | None:
        """Why nobody can be served; None while somebody can be, or may soon."""

    def status(self) -> list[WorkerStatus]: ...

    async def start(self) -> None:
        """Returns when every worker is ready. Raises WorkerFailed as soon as one cannot load its models."""

    async def stop(self, drain_timeout_s: float) -> None:
        """Whoever waits gets Draining; what is on board has `drain_timeout_s`."""

    def kill(self) -> None:
        """At once."""


class ReloadablePool(Pool, Protocol):
    """In the process that feeds them, and so able to change what they have loaded."""

    @property
    def pids(self) -> list[int]:
        """Of the workers that are ready."""

    async def adopt(
        self, plans: Sequence[WorkerPlan], keep_until: asyncio.Event | None = None
    ) -> "asyncio.Task[None] | None":
        """These take the place of the former plans while the pool serves. Returns when every worker has its own.

        Until the event there is still one that has what all had before; the task is over when that has ended. Raises
        WorkerFailed where a worker cannot be started with its plan: then all have their former plans again, as far as
        that is possible.
        """


def pool_of(settings: Settings, plans: Sequence[WorkerPlan], batcher: Batcher, metrics: Metrics) -> ReloadablePool:
    """As `SILHOUETTE_POOL` says. Raises ConfigurationError where it cannot be had."""
    kind = RayPool if settings.pool == "ray" else LocalPool
    return kind(plans, batcher, settings, metrics)
