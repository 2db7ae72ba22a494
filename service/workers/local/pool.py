"""LocalPool: worker processes on this machine, one for each plan."""

from collections.abc import Sequence

from service.queue.batcher import Batcher
from service.settings import Settings
from service.telemetry.metrics import Metrics
from service.workers.feeder import Feeder
from service.workers.kept_pool import KeptPool
from service.workers.local.feeding import LaneFeeding
from service.workers.local.worker import LocalWorker
from service.workers.plan import WorkerPlan
from service.workers.shared import Shared
from service.workers.worker import Feeding

THREADS_PER_WORKER = 4
"""One waits for the worker, or two where a batch is brought ahead; others may be starting its successor, and serving
with or ending its predecessors."""


class LocalPool(KeptPool[LocalWorker]):
    """All workers of this machine. Started once, stopped once."""

    def __init__(self, plans: Sequence[WorkerPlan], batcher: Batcher, settings: Settings, metrics: Metrics) -> None:
        threads = sum(THREADS_PER_WORKER + plan.takes_ahead for plan in plans)
        super().__init__(plans, batcher, settings, metrics, LocalWorker, feeding_of, threads)


def feeding_of(number: int, worker: LocalWorker, shared: Shared) -> Feeding:
    """By how many batches it may have."""
    return LaneFeeding(number, worker, shared) if worker.plan.takes_ahead else Feeder(number, worker, shared)
