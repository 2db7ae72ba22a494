"""The bridge's process: a driver of Ray. It deploys replicas, hands them batches, and says how they are.

It ends when its pipe closes, and with the service, however that dies; and Ray ends it, a minute after the cluster's
control store is gone.
"""

import contextlib
import logging
import os
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from service.models.store import ModelCard
from service.workers.channel import GREETING, Message, receive, send
from service.workers.lifetime import end_with_the_service, leave_signals_to_the_service
from service.workers.machine import available_cores
from service.workers.plan import WorkerPlan
from service.workers.ray.cluster import Cluster, fingerprint
from service.workers.ray.node import Node, free_ports, start_head
from service.workers.ray.replica import Replica
from service.workers.slots import Slots

DEPLOYMENT = "Replica"

OBJECT_STORE_BYTES = 256_000_000
"""Of a cluster of our own: pixels and scores of the batches on their way, of which each is some megabytes."""

LEAVE_TIMEOUT_S = 20.0
"""However the service dies, the pipes close then, and what it had in the cluster is given back: but not for ever."""

GRACE_S = 5.0
"""Beyond a batch's time, until a replica that hangs has ended itself."""

DESCRIBE_TIMEOUT_S = 30.0

HEALTH_CHECK_PERIOD_S = 2.0
HEALTH_CHECK_TIMEOUT_S = 30.0
"""A replica that computes answers these as well, unless its node is very busy."""

UPSCALE_DELAY_S = 2.0

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing goes out that nobody asked for
    "RAY_SERVE_ROUTER_RETRY_MAX_BACKOFF_S": "0.05",  # half a second, else, until a waiting batch sees a free replica
    "RAY_SERVE_HANDLE_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "1",
}
"""Read by ray when it is imported; what the operator has set stays."""

Lane = tuple["Connection[Any, Any]", Slots]


def run_driver(control: "Connection[Any, Any]", plan: WorkerPlan, cluster: Cluster, lanes: Sequence[Lane]) -> None:
    """Everything that the process does."""
    leave_signals_to_the_service()
    end_with_the_service(LEAVE_TIMEOUT_S)
    _prepare_environment(cluster)
    session = Session(cluster, plan)
    try:
        session.join()
        greeting = session.describe()
    except Exception as error:
        with contextlib.suppress(Exception):
            session.leave()
        send(control, GREETING, failed=f"Ray: {type(error).__name__}: {' '.join(str(error).split())}")
        return
    send(control, GREETING, **greeting)
    cards = {model.card.key: model.card for model in plan.models}
    for lane in lanes:
        threading.Thread(target=_serve_lane, args=(session, cards, *lane), daemon=True).start()
    _answer_until_closed(control, session)
    session.leave()


def _prepare_environment(cluster: Cluster) -> None:
    """What ray and its processes read; what the operator has set stays. What they print is in their own log files."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if cluster.is_own:  # or else whoever reaches its ports may run code
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    elif _has_token():  # `ray start` then demands it, and `ray.init` does not show it unless told to
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _has_token() -> bool:
    named = any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return named or (Path.home() / ".ray" / "auth_token").is_file()


class Session:
    """The connection to a cluster, and the replicas that were deployed to it."""

    def __init__(self, cluster: Cluster, plan: WorkerPlan) -> None:
        self._cluster = cluster
        self._plan = plan
        self._fingerprint = fingerprint(plan, cluster)
        self._head: Node | None = None
        """Of a cluster of our own."""

    def join(self) -> None:
        """Returns when replicas of the plan are running. Raises whatever Ray does."""
        import ray
        from ray import serve

        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": "silhouette"}
        ray.init(self._start_head() if self._cluster.is_own else self._cluster.address, **quiet)
        serve.start(proxy_location="Disabled")
        self._serve = serve
        if not self._is_deployed():
            self._deploy()
        self.handle = serve.get_app_handle(self._cluster.application)

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
        self._serve.run(bound, name=cluster.application, route_prefix=None)

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

    def describe(self) -> Message:
        """One of the replicas. Raises TimeoutError, and whatever Ray does."""
        answer: Message = self.handle.describe.remote().result(timeout_s=DESCRIBE_TIMEOUT_S)
        return answer

    def look(self) -> Message:
        """Blocks while the control store is away."""
        import ray
        from ray.serve.context import _get_global_client  # what `serve status` and the dashboard show

        nodes = [node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]]
        details = _get_global_client().get_serve_details()["applications"].get(self._cluster.application)
        replicas = details["deployments"].get(DEPLOYMENT, {}).get("replicas", []) if details else []
        return {
            "nodes": len(nodes),
            "status": str(details["status"]) if details else "NOT_STARTED",
            "replicas": [_replica(each) for each in sorted(replicas, key=lambda each: each["start_time_s"])],
        }

    def restore(self) -> Message:
        """Deploys the plan once more: another one took its place in part, and failed."""
        self._deploy()
        return {}

    def leave(self) -> None:
        """Of a cluster of our own nothing stays."""
        import ray

        try:
            if ray.is_initialized() and not self._cluster.is_own and not self._cluster.keeps_replicas:
                with contextlib.suppress(Exception):  # the cluster may be gone
                    self._serve.delete(self._cluster.application)
            ray.shutdown()
        finally:
            if self._head is not None:
                self._head.end()


def _replica(details: Mapping[str, Any]) -> Message:
    """One that is starting has neither process nor node yet."""
    return {
        "pid": details.get("pid") or 0,
        "node": details.get("node_ip") or "",
        "is_running": details["state"] == "RUNNING",
    }


def _answer_until_closed(control: "Connection[Any, Any]", session: Session) -> None:
    commands = {"look": session.look, "restore": session.restore}
    while True:
        try:
            number, request = receive(control)
        except (EOFError, OSError):
            return
        with contextlib.suppress(BrokenPipeError):
            send(control, number, **_done(commands[request["command"]]))


def _done(command: Callable[[], Message]) -> Message:
    try:
        return command()
    except Exception as error:  # whatever Ray has to say; the service shows it
        return {"failed": f"{type(error).__name__}: {' '.join(str(error).split())}"}


# --- batches ----------------------------------------------------------------------------------------------------------


def _serve_lane(
    session: Session, cards: Mapping[str, ModelCard], connection: "Connection[Any, Any]", slots: Slots
) -> None:
    while True:
        try:
            number, request = receive(connection)
        except (EOFError, OSError):
            return
        answer = {} if "ping" in request else _run(session, cards[request["model"]], request, slots)
        with contextlib.suppress(BrokenPipeError):
            send(connection, number, **answer)


def _run(session: Session, card: ModelCard, request: Message, slots: Slots) -> Message:
    """Scores go into the slots that the pixels came in."""
    pixels = np.stack([slots.pixels(card, slot) for slot in range(request["count"])])
    answer = _asked(session, pixels, request)
    for slot, scores in enumerate(answer.pop("scores", ())):
        slots.scores(card, slot)[:] = scores
    return answer


def _asked(session: Session, pixels: Any, request: Message) -> Message:
    from ray.exceptions import RayError, RayTaskError
    from ray.serve.exceptions import RayServeException

    names = ("model", "threads", "timeout_s", "traceparents")
    response = session.handle.run.remote(pixels, **{name: request[name] for name in names})
    try:
        return dict(response.result(timeout_s=request["timeout_s"] + GRACE_S))
    except TimeoutError:
        response.cancel()
        return {"error_kind": "hang"}
    except RayTaskError as error:
        return {"error_kind": "model", "error": " ".join(str(error).split())[-500:]}
    except (RayError, RayServeException) as error:  # the replica or its node is gone, and what it had with it
        return {"error_kind": "crash", "error": type(error).__name__}
    except Exception as error:  # ours; the lane goes on
        return {"error_kind": "model", "error": f"{type(error).__name__}: {error}"}
