"""Where the networks compute: in worker processes of this machine, or in replicas of a Ray cluster."""

from typing import Annotated, Literal

from pydantic import Field

from service.environment import OR_EMPTY, matching
from service.settings.part import SettingsPart


class PoolSettings(SettingsPart):
    """Where the networks compute: in worker processes of this machine, or in replicas of a Ray cluster."""

    pool: Literal["local", "ray"] = "local"
    """local: worker processes on this machine. ray: replicas in a Ray cluster, which needs the extra `ray`, and costs
    each batch the way there and back."""

    ray_address: str = ""
    """host:port of the head of a cluster to join; a node of it must run on this machine. Empty: one on this machine,
    that ends with the service."""

    ray_application: Annotated[str, matching(r"[a-z0-9][a-z0-9-]*", "small letters, digits and hyphens")] = "silhouette"
    """What the replicas are called in the cluster. Services that say the same share them."""

    ray_keep_replicas: bool = True
    """When the service stops, its replicas stay in the cluster that it joined: for others who share them, and for its
    next start, which finds them warm. Off, they end, and free what they have."""

    ray_min_replicas: int = Field(2, ge=1)
    """Replicas that there are at least. With one, all wait for 10 to 12 seconds and the loading of the models when it
    dies. More keep more of the cluster busy."""

    ray_max_replicas: Annotated[int | None, OR_EMPTY] = Field(None, ge=1)
    """Replicas that there are at most, when batches wait. Unset: as many as `ray_min_replicas`. Higher lets a full
    queue take more of the cluster."""

    ray_downscale_delay_s: float = Field(60.0, ge=0)
    """How long fewer replicas must have been enough until one ends. Higher keeps them for longer after a peak."""
