"""Both kinds of pool behind one protocol: the queue and the engine do not know which they have."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from service.queue.batcher import Batcher
from service.settings import Settings
from service.telemetry.metrics import Metrics
from service.workers.plan import WorkerPlan
from service.workers.pool import WorkerPool
from service.workers.ray.pool import RayPool
from service.workers.workers import Workers


class Pool(Workers, Protocol):
    """All workers, wherever they compute, in the process that feeds them."""

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


def pool_of(settings: Settings, plans: Sequence[WorkerPlan], batcher: Batcher, metrics: Metrics) -> Pool:
    """As `SILHOUETTE_POOL` says. Raises ConfigurationError where it cannot be had."""
    kind = RayPool if settings.pool == "ray" else WorkerPool
    return kind(plans, batcher, settings, metrics)
