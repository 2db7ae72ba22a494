"""Where the replicas are, how many, and what becomes of them: all that the driver is told. Knows nothing of ray."""

import hashlib
import json
from dataclasses import dataclass
from typing import Self

from service import __version__
from service.settings import Settings
from service.workers.plan import WorkerPlan, most_replicas


@dataclass(frozen=True)
class Cluster:
    """Sent to the driver when it starts."""

    address: str
    """host:port of its head; empty for one on this machine that ends with the service."""
    application: str
    keeps_replicas: bool
    """In a cluster that was joined, when the service stops."""
    min_replicas: int
    max_replicas: int
    downscale_delay_s: float
    batch_timeout_s: float
    mirror: str | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            settings.ray_address,
            settings.ray_application,
            settings.ray_keep_replicas,
            settings.ray_min_replicas,
            most_replicas(settings),
            settings.ray_downscale_delay_s,
            settings.batch_timeout_s,
            settings.mirror,
        )

    @property
    def is_own(self) -> bool:
        return not self.address


def fingerprint(plan: WorkerPlan, cluster: Cluster) -> str:
    """Replicas that were deployed with the same are as good as new ones, whoever deployed them."""
    models = [
        (model.card.model_dump(mode="json"), model.int8_ranges and repr(model.int8_ranges)) for model in plan.models
    ]
    shape = (plan.device, plan.threads, plan.max_batch_size, plan.cuda_graphs, repr(plan.families), plan.traces_url)
    sizes = (cluster.min_replicas, cluster.max_replicas, cluster.downscale_delay_s, cluster.batch_timeout_s)
    said = json.dumps([__version__, models, shape, sizes], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
