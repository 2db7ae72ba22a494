"""The one table that knows both: failure -> HTTP status, and the problem document a caller sees (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from service import errors
from service.api.exchange import exchange_of
from service.errors import Failure, Unavailable

PROBLEM_MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[Failure], HTTPStatus] = {
    errors.UnsupportedImage: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UnsupportedBody: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.MalformedForm: HTTPStatus.BAD_REQUEST,
    errors.MissingImage: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UndecodableImage: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TruncatedImage: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyPixels: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyBytes: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.SlowUpload: HTTPStatus.REQUEST_TIMEOUT,
    errors.BadOption: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownOption: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownModel: HTTPStatus.NOT_FOUND,
    errors.NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    errors.NoForeground: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyVertices: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.LargeHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.SlowHeaders: HTTPStatus.REQUEST_TIMEOUT,
    errors.HostNotAllowed: HTTPStatus.MISDIRECTED_REQUEST,
    errors.MalformedMessage: HTTPStatus.BAD_REQUEST,
    errors.OriginRefused: HTTPStatus.FORBIDDEN,
    errors.SlowHello: HTTPStatus.REQUEST_TIMEOUT,
    errors.IdleSession: HTTPStatus.REQUEST_TIMEOUT,
    errors.MissingKey: HTTPStatus.UNAUTHORIZED,
    errors.UnknownKey: HTTPStatus.UNAUTHORIZED,
    errors.ScopeMissing: HTTPStatus.FORBIDDEN,
    errors.QuotaExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.QueueFull: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManyConnections: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManyUploads: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooManySessions: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DeadlineUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.OutOfDeviceMemory: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Draining: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DeadlineExceeded: HTTPStatus.GATEWAY_TIMEOUT,
    errors.ModelFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ModelCrashed: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""503, not 429, for an overload: it is the service's, not the caller's. 429 is a key's own quota."""


NO_KEY = (errors.MissingKey, errors.UnknownKey)


def problem(failure: Failure, request_id: str) -> Response:
    """The problem document of a failure. `code` is what clients match on."""
    headers = _comeback(failure) if isinstance(failure, Unavailable) else {}
    if isinstance(failure, NO_KEY):
        headers["WWW-Authenticate"] = 'Bearer realm="silhouette"'
    return JSONResponse(problem_body(failure, request_id), STATUS[type(failure)], headers, PROBLEM_MEDIA_TYPE)


def problem_body(failure: Failure, request_id: str) -> dict[str, Any]:
    """The fields of its problem document."""
    return _body(STATUS[type(failure)], failure.code, failure.title, failure.detail, request_id)


def _comeback(failure: Unavailable) -> dict[str, str]:
    """When to come back, and how long the queue was."""
    headers = {"Retry-After": str(failure.retry_after_s)}
    if failure.queue_depth is not None:
        headers["X-Queue-Depth"] = str(failure.queue_depth)
    return headers


def install(app: FastAPI) -> None:
    """Every way for a request to fail ends in a problem document."""
    app.add_exception_handler(Failure, _on_failure)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_failure(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, Failure)
    exchange = exchange_of(request)
    exchange.failure_code = failure.code
    return problem(failure, exchange.request_id)


async def _on_http_exception(request: Request, exception: Exception) -> Response:
    """Starlette's own: no such path, or a method that the path does not take."""
    assert isinstance(exception, HTTPException)
    status = HTTPStatus(exception.status_code)
    code, headers = status.name.lower(), dict(exception.headers or {})
    exchange = exchange_of(request)
    exchange.failure_code = code
    return _document(status, code, status.phrase, exception.detail, exchange.request_id, headers)


def internal_error(request_id: str) -> Response:
    """For a bug of ours: the cause goes to the log, the caller gets the request id to quote."""
    return JSONResponse(internal_error_body(request_id), HTTPStatus.INTERNAL_SERVER_ERROR, None, PROBLEM_MEDIA_TYPE)


def internal_error_body(request_id: str) -> dict[str, Any]:
    detail = f"the cause is in the service's log under {request_id}"
    return _body(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "The service failed", detail, request_id)


def _document(
    status: HTTPStatus, code: str, title: str, detail: str, request_id: str, headers: dict[str, str]
) -> JSONResponse:
    return JSONResponse(_body(status, code, title, detail, request_id), status, headers, PROBLEM_MEDIA_TYPE)


def _body(status: HTTPStatus, code: str, title: str, detail: str, request_id: str) -> dict[str, Any]:
    return {
        "type": f"urn:silhouette:problem:{code}",
        "title": title,
        "status": int(status),
        "detail": detail,
        "code": code,
        "request_id": request_id,
    }
