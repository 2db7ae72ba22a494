"""The span of one request, as OpenTelemetry has it. Never what is in a picture, and of a key its name alone."""

from collections.abc import Collection
from http import HTTPMethod, HTTPStatus
from typing import TYPE_CHECKING

from service.api.access_log import is_worth_a_line, route_of
from service.api.exchange import Exchange
from service.telemetry.stopwatch import Facts

if TYPE_CHECKING:
    from service.telemetry.otel import Tracing

OTHER_METHOD = "_OTHER"
"""What the conventions call a method that is none of HTTP's."""


def begin(exchange: Exchange, tracing: "Tracing | None") -> None:
    """Below that of whoever asks, where it says so. Probes and files of a page have none."""
    if tracing is not None and is_worth_a_line(exchange.scope["path"]):
        names = ("traceparent", "tracestate")
        headers = {name: ",".join(exchange.headers.getlist(name)) for name in names if name in exchange.headers}
        exchange.trace = tracing.request(_method(exchange), headers, exchange.arrived_s)


def end(exchange: Exchange, paths: Collection[str]) -> None:
    if exchange.trace is not None:
        route, status = route_of(exchange, paths), exchange.status
        is_ours = status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR
        name = f"{_method(exchange)} {route}" if route else _method(exchange)
        exchange.trace.end(name, _facts(exchange, route), exchange.outcome if is_ours else None)


def _method(exchange: Exchange) -> str:
    method: str = exchange.scope["method"]
    return method if method in HTTPMethod.__members__ else OTHER_METHOD


def _facts(exchange: Exchange, route: str | None) -> Facts:
    """By the names of the conventions, and by names of our own."""
    call, answer = exchange.call, exchange.answer
    known: dict[str, str | int | None] = {
        "http.request.method": _method(exchange),
        "http.route": route,
        "http.response.status_code": exchange.status,
        "error.type": None if exchange.outcome == "ok" else exchange.outcome,
        "url.scheme": exchange.scope.get("scheme"),
        "silhouette.request_id": exchange.request_id,
        "silhouette.lane": exchange.lane.value if exchange.is_work else None,
        "silhouette.door": exchange.door.name if exchange.door else None,
        "silhouette.key": exchange.allowance.key.name if exchange.allowance else None,
        "silhouette.model": call.model if call else None,
        "silhouette.cache": exchange.cache,
        "silhouette.device": answer.device if answer else None,
    }
    return {name: value for name, value in known.items() if value is not None}
