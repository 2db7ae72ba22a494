"""The connection to a cluster, and the replicas that were deployed to it. Used in the driver's process alone."""

import contextlib
import logging
import os
from collections.abc import Mapping
from typing import Any

from service.configuration_errors import ConfigurationError
from service.workers.channel import Message
from service.workers.machine import available_cores
from service.workers.plan import WorkerPlan
from service.workers.ray.cluster import Cluster, fingerprint
from service.workers.ray.node import Node, free_ports, start_head
from service.workers.ray.replica import Replica

DEPLOYMENT = "Replica"

OBJECT_STORE_BYTES = 256_000_000
"""Of a cluster of our own: pixels and scores of the batches on their way, of which each is some megabytes."""

DESCRIBE_TIMEOUT_S = 30.0
LEAVING_TIMEOUT_S = 5.0

HEALTH_CHECK_PERIOD_S = 2.0
HEALTH_CHECK_TIMEOUT_S = 30.0
"""A replica that computes answers these as well, unless its node is very busy."""

UPSCALE_DELAY_S = 2.0

CONFIGURATION_ERROR = f"{ConfigurationError.__module__}.{ConfigurationError.__qualname__}: "
"""How Python begins the last line of one that nobody caught."""


class DeployFailed(Exception):
    """Says why the replica could not be made."""


class Session:
    """The connection to a cluster, and the replicas that were deployed to it."""

    def __init__(self, cluster: Cluster, plan: WorkerPlan) -> None:
        self._cluster = cluster
        self._plan = plan
        self._fingerprint = fingerprint(plan, cluster)
        self._head: Node | None = None
        """Of a cluster of our own."""
        self._may_delete = False
        """The application is this session's, and not one that it found and could not exchange."""

    def join(self) -> None:
        """Returns when replicas of the plan are running. Raises whatever Ray does."""
        import ray
        from ray import serve

        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": "silhouette"}
        ray.init(self._start_head() if self._cluster.is_own else self._cluster.address, **quiet)
        serve.start(proxy_location="Disabled")
        self._serve = serve
        if not self._is_deployed():
            self._may_delete = self._cluster.application not in serve.status().applications
            self._deploy()
        self.handle = serve.get_app_handle(self._cluster.application)
        self._may_delete = True

    def _start_head(self) -> str:
        """A cluster of our own; where it listens."""
        cores = max(available_cores(), self._cluster.max_replicas * self._plan.threads)
        (port,) = free_ports(1)
        size = (f"--num-cpus={cores}", f"--object-store-memory={OBJECT_STORE_BYTES}")
        self._head = start_head(os.environ, port, *size)
        return f"127.0.0.1:{port}"

    def _is_deployed(self) -> bool:
        with contextlib.suppress(Exception):  # there is no such application, or it does not answer
            name = self._cluster.application
            if self._serve.status().applications[name].status != "RUNNING":
                return False
            self.handle = self._serve.get_app_handle(name)
            return bool(self.describe()["fingerprint"] == self._fingerprint)
        return False

    def _deploy(self) -> None:
        plan, cluster = self._plan, self._cluster
        deployment = self._serve.deployment(
            Replica,
            name=DEPLOYMENT,
            max_ongoing_requests=1,
            ray_actor_options={"num_cpus": plan.threads, "num_gpus": int(plan.device.startswith("cuda"))},
            health_check_period_s=HEALTH_CHECK_PERIOD_S,
            health_check_timeout_s=HEALTH_CHECK_TIMEOUT_S,
            graceful_shutdown_timeout_s=cluster.batch_timeout_s,
            max_constructor_retry_count=2,
            **self._size(),
        )
        bound = deployment.bind(plan, self._fingerprint, cluster.mirror)
        try:
            self._serve.run(bound, name=cluster.application, route_prefix=None)
        except RuntimeError as error:  # Serve says that it failed, and a replica why
            raise DeployFailed(_cause(self._details()) or str(error)) from error

    def _size(self) -> dict[str, Any]:
        cluster = self._cluster
        if cluster.min_replicas == cluster.max_replicas:
            return {"num_replicas": cluster.min_replicas}
        from ray.serve.config import AutoscalingConfig

        return {
            "autoscaling_config": AutoscalingConfig(
                min_replicas=cluster.min_replicas,
                max_replicas=cluster.max_replicas,
                target_ongoing_requests=1,
                upscale_delay_s=UPSCALE_DELAY_S,
                downscale_delay_s=cluster.downscale_delay_s,
                look_back_period_s=UPSCALE_DELAY_S,
            )
        }

    def describe(self, timeout_s: float = DESCRIBE_TIMEOUT_S) -> Message:
        """One of the replicas. Raises TimeoutError, and whatever Ray does."""
        answer: Message = self.handle.describe.remote().result(timeout_s=timeout_s)
        return answer

    def look(self) -> Message:
        """Blocks while the control store is away."""
        import ray

        nodes = [node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]]
        details = self._details()
        replicas = details["deployments"].get(DEPLOYMENT, {}).get("replicas", []) if details else []
        return {
            "nodes": len(nodes),
            "status": str(details["status"]) if details else "NOT_STARTED",
            "replicas": [_replica(each) for each in sorted(replicas, key=lambda each: each["start_time_s"])],
        }

    def _details(self) -> Message:
        """What `serve status` and the dashboard show of the application; empty where there is none."""
        from ray.serve.context import _get_global_client

        details: Message = _get_global_client().get_serve_details()["applications"].get(self._cluster.application, {})
        return details

    def restore(self) -> Message:
        """Deploys the plan once more: another one took its place in part, and failed."""
        self._deploy()
        return {}

    def _is_succeeded(self) -> bool:
        """Whether another session has exchanged the replicas meanwhile."""
        with contextlib.suppress(Exception):  # none answers, so no other session's do
            return bool(self.describe(LEAVING_TIMEOUT_S)["fingerprint"] != self._fingerprint)
        return False

    def leave(self) -> None:
        """Of a cluster of our own nothing stays; of another's, nothing of this session where that is what is wanted."""
        import ray

        try:
            if self._may_delete and not self._cluster.is_own and not self._cluster.keeps_replicas:
                with contextlib.suppress(Exception):  # the cluster may be gone
                    if not self._is_succeeded():
                        self._serve.delete(self._cluster.application)
            ray.shutdown()
        finally:
            if self._head is not None:
                self._head.end()


def _cause(details: Message) -> str:
    """Of a deployment that failed: the last line of what its replica raised, without the name of our own error."""
    message = details.get("deployments", {}).get(DEPLOYMENT, {}).get("message", "")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[-1].removeprefix(CONFIGURATION_ERROR) if lines else ""


def _replica(details: Mapping[str, Any]) -> Message:
    """One that is starting has neither process nor node yet."""
    return {
        "pid": details.get("pid") or 0,
        "node": details.get("node_ip") or "",
        "is_running": details["state"] == "RUNNING",
    }
