"""LocalPool: worker processes on this machine, one for each plan."""

from collections.abc import Sequence
from dataclasses import replace
from weakref import WeakValueDictionary

from service.configuration_errors import WorkerFailed
from service.kernels import steps
from service.models.engines.shared_weights import SharedWeights
from service.models.store import Checkpoint
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
        super().__init__(plans, batcher, settings, metrics, Weights().worker, feeding_of, threads)


class Weights:
    """Those that workers share, of each model, as long as one of them lives."""

    def __init__(self) -> None:
        self._of_models: WeakValueDictionary[str, SharedWeights] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._of_models)

    def worker(self, plan: WorkerPlan) -> LocalWorker:
        """A new one. Raises WorkerFailed where there is no memory or no pipe for it."""
        shares = plan.device == "cpu" and steps.can_run()
        return LocalWorker(plan, [self.sharing(model) for model in plan.models] if shares else plan.models)

    def sharing(self, model: Checkpoint) -> Checkpoint:
        """With weights for all workers, where they are in another form than in its file. Raises WorkerFailed."""
        if model.card.precision != "int8":
            return model
        whole = repr(model)  # whatever differs, ranges among it, makes other weights
        weights = self._of_models.get(whole) or _created()
        self._of_models[whole] = weights
        return replace(model, shared_weights=weights)


def _created() -> SharedWeights:
    try:
        return SharedWeights.create()
    except OSError as error:
        raise WorkerFailed(f"no shared memory for the weights of a worker: {error}") from error


def feeding_of(number: int, worker: LocalWorker, shared: Shared) -> Feeding:
    """By how many batches it may have."""
    return LaneFeeding(number, worker, shared) if worker.plan.takes_ahead else Feeder(number, worker.lanes[0], shared)
