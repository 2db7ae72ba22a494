"""The bridge's process: a driver of Ray. It deploys replicas, hands them batches, and says how they are.

It ends when its pipe closes, and with the service, however that dies; and Ray ends it, a minute after the cluster's
control store is gone.
"""

import contextlib
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
from service.workers.plan import WorkerPlan
from service.workers.ray.cluster import Cluster
from service.workers.ray.session import DeployFailed, Session
from service.workers.slots import Slots

LEAVE_TIMEOUT_S = 20.0
"""However the service dies, the pipes close then, and what it had in the cluster is given back: but not for ever."""

GRACE_S = 5.0
"""Beyond a batch's time, until a replica that hangs has ended itself."""

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
        name = "" if isinstance(error, DeployFailed) else f"{type(error).__name__}: "
        send(control, GREETING, failed=f"Ray: {name}{' '.join(str(error).split())}")
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
