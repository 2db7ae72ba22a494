"""What remains of a request when it is over: one line in the log, and its share of the counters and histograms."""

import logging
import time
from collections.abc import Collection
from typing import Any

from service.api.exchange import Exchange
from service.telemetry.log import FIELDS
from service.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

LONGEST_PATH = 200
"""Characters in a log line; ours are shorter."""

CLIENT_CLOSED_REQUEST = 499
"""What nginx logs where there was nobody to answer."""

PROBE_PATHS = ("/livez", "/readyz", "/startupz", "/metrics")
"""Asked every few seconds by machines, so not worth a line each."""

UNTOLD_FOLDER = "/studio/"
"""The files of a page, of which its own line tells."""


def log(exchange: Exchange) -> None:
    """One line: who asked for what, what came of it, and where the time went. Never what is in the picture."""
    is_told = is_worth_a_line(exchange.scope["path"])
    logger.log(logging.INFO if is_told else logging.DEBUG, "request", extra={FIELDS: _fields(exchange)})


def is_worth_a_line(path: str) -> bool:
    return path not in PROBE_PATHS and not path.startswith(UNTOLD_FOLDER)


def _fields(exchange: Exchange) -> dict[str, Any]:
    call, answer = exchange.call, exchange.answer
    known = {"trace_id": exchange.trace_id, "model": call.model if call else None, "cache": exchange.cache}
    if exchange.door is not None:
        known["door"] = exchange.door.name
    if exchange.allowance is not None:
        known["key"] = exchange.allowance.key.name
    said = {name: value for name, value in known.items() if value}
    return {
        "request_id": exchange.request_id,
        "method": exchange.scope["method"],
        "path": exchange.scope["path"][:LONGEST_PATH],
        "status": exchange.status,
        "outcome": exchange.outcome,
        "ms": exchange.elapsed_ms,
        **said,
        **exchange.stages_ms,
        **({"device": answer.device, "worker": answer.worker, "batch_size": answer.batch_size} if answer else {}),
    }


def route_of(exchange: Exchange, paths: Collection[str]) -> str | None:
    """That of `paths` which it came by; None where it came by none."""
    path = getattr(exchange.scope.get("route"), "path", exchange.scope["path"])
    return path if path in paths else None


def count(exchange: Exchange, metrics: Metrics, paths: Collection[str]) -> None:
    """Under one of `paths`: a caller can make up any number of others."""
    route = route_of(exchange, paths) or "other"
    model = (exchange.call.model if exchange.call else None) or "none"
    status = str(exchange.status or CLIENT_CLOSED_REQUEST)
    door = exchange.door.name if exchange.door else ""
    metrics.requests.labels(route, model, status, exchange.outcome, door).inc()
    if exchange.allowance is not None:
        metrics.key_requests.labels(exchange.allowance.key.name, status).inc()
    if exchange.outcome == "ok":  # refusals are quick, and would hide how long a result takes
        elapsed_s = time.monotonic() - exchange.arrived_s
        metrics.request_seconds.labels(route).observe(elapsed_s)
        if exchange.answer is not None:
            metrics.model_seconds.labels(model).observe(elapsed_s)
    for stage, elapsed_ms in exchange.stages_ms.items():
        metrics.stage_seconds.labels(stage).observe(elapsed_ms / 1000)
