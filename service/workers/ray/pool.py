"""RayPool: replicas in a Ray cluster, fed from the Batcher through one bridge, which a Keeper keeps.

What it guarantees: what LocalPool does; a replica that dies is Ray's to replace, a driver that dies is the keeper's.
"""

import asyncio
import contextlib
import importlib.util
from collections.abc import Sequence
from dataclasses import replace

from service.configuration_errors import ConfigurationError, MissingExtra, WorkerFailed
from service.errors import NotReady
from service.models.store import Checkpoint
from service.models.store.store import sha256_of
from service.queue.batcher import Batcher
from service.settings import Settings
from service.telemetry.metrics import Metrics, WorkerStatus
from service.workers.kept_pool import KeptPool
from service.workers.plan import WorkerPlan
from service.workers.ray.bridge import Bridge, ReplicaState
from service.workers.ray.cluster import Cluster
from service.workers.ray.feeding import ReplicaFeeding, Watched
from service.workers.shared import Shared

LOCAL_SETTINGS = ("max_batches_per_worker", "max_worker_rss_mb")

RETRY_AFTER_S = 1

SPARE_THREADS = 4
"""For looks, and for a driver's start beside another one's end."""


class RayPool:
    """All replicas. Started once, stopped once."""

    def __init__(self, plans: Sequence[WorkerPlan], batcher: Batcher, settings: Settings, metrics: Metrics) -> None:
        """`plans` are alike, one for each replica that there may be. Raises ConfigurationError."""
        _check(settings)
        self._cluster = Cluster.of(settings)
        self._plan = plans[0]
        self._batcher = batcher
        self._watched = Watched()
        lanes = self._cluster.max_replicas
        self._bridges: KeptPool[Bridge] = KeptPool(
            plans[:1], batcher, settings, metrics, self._bridge, self._feeding, 2 * lanes + SPARE_THREADS
        )
        self._changing = asyncio.Lock()
        self._kept: list[Checkpoint] = []
        """Models of former plans that somebody still works with."""

    def _bridge(self, plan: WorkerPlan) -> Bridge:
        return Bridge(plan, self._cluster)

    def _feeding(self, number: int, bridge: Bridge, shared: Shared) -> ReplicaFeeding:
        return ReplicaFeeding(number, bridge, shared, self._watched)

    @property
    def size(self) -> int:
        """Replicas that there are at least, when all is well."""
        return self._cluster.min_replicas

    @property
    def places(self) -> int:
        """Images that all replicas together take at once, when there are as many as there may be."""
        return self._cluster.max_replicas * self._plan.max_batch_size

    @property
    def _replicas(self) -> Sequence[ReplicaState]:
        return self._watched.sight.replicas if self._watched.bridge else ()

    @property
    def ready_count(self) -> int:
        return sum(replica.is_running for replica in self._replicas)

    @property
    def pids(self) -> list[int]:
        """Of the replicas that are running, each on its own node."""
        return [replica.pid for replica in self._replicas if replica.is_running]

    @property
    def trouble(self) -> str | None:
        """As LocalPool's; and where Ray does not answer, or has had no replica for a while."""
        return self._bridges.trouble or self._watched.trouble

    def status(self) -> list[WorkerStatus]:
        """Which replica has which batch only Ray knows: as many are said to be busy as there are batches on board."""
        bridge, busy = self._watched.bridge, self._bridges.busy
        if bridge is None or not self._replicas:
            return [WorkerStatus(0, 0, "starting", self._plan.device, 0, 0)]
        lines = []
        for number, replica in enumerate(self._replicas):
            state = "starting" if not replica.is_running else "busy" if busy > 0 else "idle"
            busy -= replica.is_running
            rss_bytes, device_bytes = bridge.memory_of(replica.pid)
            status = WorkerStatus(number, replica.pid, state, bridge.device, rss_bytes, device_bytes, replica.node)
            lines.append(status)
        return lines

    async def start(self) -> None:
        """Returns when replicas are running. Raises WorkerFailed where they cannot load their models."""
        await self._bridges.start()

    async def stop(self, drain_timeout_s: float) -> None:
        """Give the batches that are on board `drain_timeout_s` to finish, then let go of the cluster."""
        await self._bridges.stop(drain_timeout_s)

    def kill(self) -> None:
        """End the driver at once."""
        self._bridges.kill()

    # --- other models -----------------------------------------------------------------------------------------------

    async def adopt(
        self, plans: Sequence[WorkerPlan], keep_until: asyncio.Event | None = None
    ) -> "asyncio.Task[None] | None":
        """Ray exchanges one replica after the other; those of the new plan have the former one's models as well, until
        the event. Returns when all are exchanged; the task is over when the former models are gone.

        Raises WorkerFailed where no replica can be started like this: then the former plan is deployed again.
        """
        async with self._changing:
            plan, former = plans[0], self._plan
            wanted = {model.card.key for model in plan.models}
            leaving = [model for model in former.models if model.card.key not in wanted] if keep_until else []
            await self._exchange(plan, [*self._kept, *leaving])
            self._kept += leaving
        if keep_until is None:
            return None
        return asyncio.create_task(self._let_go(leaving, keep_until))

    async def _let_go(self, leaving: Sequence[Checkpoint], keep_until: asyncio.Event) -> None:
        await keep_until.wait()
        async with self._changing:
            self._kept = [model for model in self._kept if model not in leaving]
            with contextlib.suppress(WorkerFailed):  # it is in the log, and the replicas serve with more than they need
                await self._exchange(self._plan, self._kept)

    async def _exchange(self, plan: WorkerPlan, kept: Sequence[Checkpoint]) -> None:
        """New replicas load `kept` as well, where its weights are still in the store: those who work with what was
        replaced there hear that they should ask again.
        """
        wanted = {model.card.key for model in plan.models}
        former = [model for model in kept if model.card.key not in wanted]
        there = await asyncio.to_thread(lambda: [model for model in former if _is_there(model)])
        try:
            await self._bridges.adopt([replace(plan, models=[*plan.models, *there])])
        except WorkerFailed:
            if bridge := self._watched.bridge:
                await asyncio.get_running_loop().run_in_executor(None, bridge.restore)
            raise
        self._plan = plan
        gone = [model.card.key for model in former if model not in there]
        await self._batcher.give_up(gone, NotReady("the model was replaced meanwhile: ask again", RETRY_AFTER_S))


def _is_there(model: Checkpoint) -> bool:
    return model.weights.is_file() and sha256_of(model.weights) == model.card.converted.sha256


def _check(settings: Settings) -> None:
    if importlib.util.find_spec("ray") is None:
        raise MissingExtra.of("ray", "SILHOUETTE_POOL=ray", "ray")
    for name in LOCAL_SETTINGS:
        if getattr(settings, name) is not None:
            raise ConfigurationError(f"SILHOUETTE_{name.upper()} is for SILHOUETTE_POOL=local: Ray keeps its replicas")
