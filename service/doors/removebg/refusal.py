"""The contract's words for whatever goes wrong: `{"errors": [{title, code, detail}]}`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from starlette.responses import JSONResponse, Response

from service import errors
from service.api.doorway import Refusal
from service.doors.removebg.failures import BadParameters
from service.errors import Failure


class Words(NamedTuple):
    """Of the contract, for a failure of ours."""

    code: str
    title: str
    status: HTTPStatus = HTTPStatus.BAD_REQUEST


WORDS: Mapping[type[Failure], Words] = {
    errors.MissingKey: Words("auth_failed", "The API key is missing", HTTPStatus.FORBIDDEN),
    errors.UnknownKey: Words("auth_failed", "The API key is unknown", HTTPStatus.FORBIDDEN),
    errors.ScopeMissing: Words("auth_failed", "The API key is not good for this", HTTPStatus.FORBIDDEN),
    errors.QuotaExceeded: Words(
        "rate_limit_exceeded", "The API key has used up its minute", HTTPStatus.TOO_MANY_REQUESTS
    ),
    errors.UnsupportedImage: Words("invalid_file_type", "This is no kind of image that is read here"),
    errors.UndecodableImage: Words("failed_to_read_image", "The image could not be read"),
    errors.TooManyPixels: Words("resolution_too_high", "The image has too many pixels"),
    errors.TooManyBytes: Words("file_too_large", "The file is too large"),
    errors.NoForeground: Words("unknown_foreground", "No foreground was found in the image"),
    errors.NotAcceptable: Words("invalid_format", "The format cannot hold this result"),
}
"""Where the contract has a code of its own. What is not here keeps ours; a class stands for those derived from it."""


def worded(refusal: Refusal) -> Response:
    """`{"errors": [{title, code, detail}]}`, with a status that the contract knows."""
    if isinstance(refusal.failure, BadParameters):
        told = [
            {"title": f"The parameter {name} cannot be used", "code": f"invalid_{name}", "detail": detail}
            for name, detail in refusal.failure.wrong
        ]
        return JSONResponse({"errors": told}, HTTPStatus.BAD_REQUEST)
    words = _words(refusal)
    entry = {"title": words.title, "code": words.code, "detail": refusal.detail}
    return JSONResponse({"errors": [entry]}, words.status)


def _words(refusal: Refusal) -> Words:
    known = (WORDS[kind] for kind in type(refusal.failure).__mro__ if kind in WORDS)
    return next(known, None) or Words(refusal.code, refusal.title, _status(refusal.status))


def _status(status: HTTPStatus) -> HTTPStatus:
    """What is the caller's is 400, and what is ours 503; a path that is not there is no matter of the contract."""
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED):
        return status
    return HTTPStatus.BAD_REQUEST if status < HTTPStatus.INTERNAL_SERVER_ERROR else HTTPStatus.SERVICE_UNAVAILABLE
