"""LocalPool: worker processes on this machine, one for each plan."""

from collections.abc import Sequence

from service.queue.batcher import Batcher
from service.settings import Settings
from service.telemetry.metrics import Metrics
from service.workers.feeder import Feeder
from service.workers.kept_pool import KeptPool
from service.workers.local.worker import LocalWorker
from service.workers.plan import WorkerPlan

THREADS_PER_WORKER = 4
"""One waits for the worker; others may be starting its successor, and serving with or ending its predecessors."""


class LocalPool(KeptPool[LocalWorker]):
    """All workers of this machine. Started once, stopped once."""

    def __init__(self, plans: Sequence[WorkerPlan], batcher: Batcher, settings: Settings, metrics: Metrics) -> None:
        threads = THREADS_PER_WORKER * len(plans)
        super().__init__(plans, batcher, settings, metrics, LocalWorker, Feeder, threads)
