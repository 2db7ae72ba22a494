"""The one table that knows both: failure -> HTTP status. A caller sees the problem document (RFC 9457), or what
the door that he came by makes of it.
"""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match

from service import errors
from service.api.doorway import Doorway, Refusal
from service.api.exchange import exchange_of
from service.errors import Failure, Unavailable

PROBLEM_MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[Failure], HTTPStatus] = {
    errors.UnsupportedImage: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UnsupportedBody: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.MalformedForm: HTTPStatus.BAD_REQUEST,
    errors.MalformedJson: HTTPStatus.BAD_REQUEST,
    errors.MissingImage: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UndecodableImage: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TruncatedImage: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyPixels: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyBytes: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.SlowUpload: HTTPStatus.REQUEST_TIMEOUT,
    errors.BadOption: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownOption: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownModel: HTTPStatus.NOT_FOUND,
    errors.ModelsUnchanged: HTTPStatus.CONFLICT,
    errors.NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    errors.NoForeground: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyVertices: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RangeNotSatisfiable: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    errors.MalformedRequest: HTTPStatus.BAD_REQUEST,
    errors.LargeHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.SlowHeaders: HTTPStatus.REQUEST_TIMEOUT,
    errors.HostNotAllowed: HTTPStatus.MISDIRECTED_REQUEST,
    errors.MalformedMessage: HTTPStatus.BAD_REQUEST,
    errors.OriginRefused: HTTPStatus.FORBIDDEN,
    errors.SlowHello: HTTPStatus.REQUEST_TIMEOUT,
    errors.IdleSession: HTTPStatus.REQUEST_TIMEOUT,
    errors.NotOffered: HTTPStatus.NOT_IMPLEMENTED,
    errors.UnsupportedVideo: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UndecodableVideo: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.VideoTooLong: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownJob: HTTPStatus.NOT_FOUND,
    errors.JobUnfinished: HTTPStatus.CONFLICT,
    errors.ResultGone: HTTPStatus.GONE,
    errors.UnknownBatch: HTTPStatus.NOT_FOUND,
    errors.KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RequestInProgress: HTTPStatus.CONFLICT,
    errors.MissingKey: HTTPStatus.UNAUTHORIZED,
    errors.UnknownKey: HTTPStatus.UNAUTHORIZED,
    errors.ScopeMissing: HTTPStatus.FORBIDDEN,
    errors.FetchingOff: HTTPStatus.FORBIDDEN,
    errors.UrlRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.FetchFailed: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.QuotaExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.QueueFull: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManyConnections: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManyUploads: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManyFetches: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManySessions: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManyJobs: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.JobsAway: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.DeadlineUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.OutOfDeviceMemory: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Draining: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DeadlineExceeded: HTTPStatus.GATEWAY_TIMEOUT,
    errors.ModelFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ModelCrashed: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.JobCrashed: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""503, not 429, for an overload: it is the service's, not the caller's. 429 is a key's own quota."""


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
"""What a route may take."""

NO_KEY = (errors.MissingKey, errors.UnknownKey)


def refusal_of(failure: Failure, request_id: str) -> Refusal:
    """What there is to say of a failure."""
    headers = _comeback(failure) if isinstance(failure, Unavailable) else {}
    if isinstance(failure, NO_KEY):
        headers["WWW-Authenticate"] = 'Bearer realm="silhouette"'
    if isinstance(failure, errors.RangeNotSatisfiable) and failure.size_bytes is not None:
        headers["Content-Range"] = f"bytes */{failure.size_bytes}"
    return Refusal(status_of(failure), failure.code, failure.title, failure.detail, request_id, headers, failure)


def status_of(failure: Failure) -> HTTPStatus:
    """That of its class, or of the nearest one above it: a door may have finer ones than the table."""
    return next(STATUS[kind] for kind in type(failure).__mro__ if kind in STATUS)


def failure_of(code: str, detail: str) -> Failure:
    """That which was told with this code, as a job keeps it; one of a later release is told as a fault of ours."""
    kind = next((each for each in STATUS if each.code == code), errors.ModelFailed)
    return kind(detail)


def internal_error_of(request_id: str) -> Refusal:
    """For a bug of ours: the cause goes to the log, the caller gets the request id to quote."""
    detail = f"the cause is in the service's log under {request_id}"
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return Refusal(status, "internal_error", "The service failed", detail, request_id, {})


def refused(refusal: Refusal, door: Doorway | None) -> Response:
    """The answer to a refused request, in the words of the contract that it came by."""
    response = _problem(refusal) if door is None else door.refusal(_without_our_options(refusal))
    response.headers.update(refusal.headers)
    return response


def _without_our_options(refusal: Refusal) -> Refusal:
    return replace(refusal, detail=refusal.detail.removesuffix(errors.NoForeground.way_out))


def _problem(refusal: Refusal) -> Response:
    """The problem document. `code` is what clients match on."""
    return JSONResponse(_body(refusal), refusal.status, media_type=PROBLEM_MEDIA_TYPE)


def problem_body(failure: Failure, request_id: str) -> dict[str, Any]:
    """The fields of its problem document."""
    return _body(refusal_of(failure, request_id))


def internal_error_body(request_id: str) -> dict[str, Any]:
    """The fields of a bug's problem document."""
    return _body(internal_error_of(request_id))


def _comeback(failure: Unavailable) -> dict[str, str]:
    """When to come back, and how long the queue was."""
    headers = {"Retry-After": str(failure.retry_after_s)}
    if failure.queue_depth is not None:
        headers["X-Queue-Depth"] = str(failure.queue_depth)
    return headers


def install(app: FastAPI) -> None:
    """Every way for a request to fail ends in a refusal, and that in the words of a contract."""
    app.add_exception_handler(Failure, _on_failure)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_failure(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, Failure)
    return _refuse(request, refusal_of(failure, exchange_of(request).request_id))


async def _on_http_exception(request: Request, exception: Exception) -> Response:
    """Starlette's own: no such path, or a method that the path does not take."""
    assert isinstance(exception, HTTPException)
    status = HTTPStatus(exception.status_code)
    detail, request_id, headers = exception.detail, exchange_of(request).request_id, dict(exception.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_at(request))
        detail = f"{request.method} is not taken here, but {headers['Allow']}"
    return _refuse(request, Refusal(status, status.name.lower(), status.phrase, detail, request_id, headers))


def _methods_at(request: Request) -> list[str]:
    """Of every route at the path: Starlette tells those of the first alone. Whatever takes GET takes HEAD."""
    routes: Sequence[BaseRoute] = request.app.routes
    taken = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return sorted({*taken, *(["HEAD"] if "GET" in taken else [])})


def _refuse(request: Request, refusal: Refusal) -> Response:
    exchange = exchange_of(request)
    exchange.failure_code = refusal.code
    return refused(refusal, exchange.door)


def _body(refusal: Refusal) -> dict[str, Any]:
    return {
        "type": f"urn:silhouette:problem:{refusal.code}",
        "title": refusal.title,
        "status": int(refusal.status),
        "detail": refusal.detail,
        "code": refusal.code,
        "request_id": refusal.request_id,
    }
