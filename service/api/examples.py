"""What `/docs` shows of failures: the problem document of each kind, made by the table that makes the real ones."""

from collections.abc import Iterable, Mapping
from typing import Any

from service import errors
from service.api.problems import STATUS, internal_error_body, problem_body
from service.errors import Failure

REQUEST_ID = "6f1c0f5e2a5c4d0e9b1f3a7c8d2e4b60"

OF_SESSIONS = (
    errors.MalformedMessage,
    errors.OriginRefused,
    errors.SlowHello,
    errors.IdleSession,
    errors.TooManySessions,
)
"""Told on `/stream` alone."""

OF_ADMINISTRATION = (errors.ModelsUnchanged,)
"""Told to those who change the service itself."""

OF_FILMS = (
    errors.UnsupportedVideo,
    errors.UndecodableVideo,
    errors.VideoTooLong,
    errors.UnknownJob,
    errors.UnknownBatch,
    errors.JobUnfinished,
    errors.ResultGone,
    errors.RangeNotSatisfiable,
    errors.JobCrashed,
)
"""Told of films and of jobs alone."""

OF_KEYS = (errors.MissingKey, errors.UnknownKey, errors.ScopeMissing, errors.QuotaExceeded)
"""Told where the service wants keys."""

OF_JOBS = (errors.JobsAway, *OF_KEYS)
"""Told of each job: where jobs are kept in Redis, it may be away."""

OF_PICTURES = tuple(kind for kind in STATUS if kind not in (*OF_SESSIONS, *OF_ADMINISTRATION, *OF_FILMS))
"""What an endpoint that takes a picture can answer with."""

DETAILS: Mapping[type[Failure], str] = {
    errors.UnsupportedBody: "the request has application/json; send multipart/form-data with a file `image`, or a body "
    "of image/*",
    errors.UnsupportedImage: "this is JPEG XL, which is not read; send JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC or AVIF",
    errors.MissingImage: "send the picture as a multipart file named `image`, or as the body with Content-Type image/*",
    errors.TooManyPixels: "30000 x 30000 pixels; at most 64 megapixels are read",
    errors.BadOption: "quality: it has to be less than or equal to 100",
    errors.UnknownOption: "there is no option 'qualty'; did you mean 'quality'?",
    errors.UnknownModel: "no model 'u3net' is loaded; loaded are u2net, selfie",
    errors.ModelsUnchanged: "model 'u2net' is not in model_store: run `silhouette models pull u2net`",
    errors.NotAcceptable: "this result comes as image/png, image/webp; the Accept header wants image/tiff",
    errors.NoForeground: "u2net sees no subject; allow_empty=true returns the empty result",
    errors.TooManyVertices: "polygons would have too many vertices; ask for encoding=rle, which takes any mask",
    errors.MissingKey: "send a key as `X-Api-Key: ...` or `Authorization: Bearer ...`",
    errors.ScopeMissing: "the key 'prometheus' is good for metrics, not for images",
    errors.NotReady: "1 of 2 workers have loaded their models",
    errors.QueueFull: "64 requests are in flight, which is the most this service takes",
}
"""What is said of a request of that kind; where there is none, the title says it all."""


def by_status(kinds: Iterable[type[Failure]]) -> dict[int, list[type[Failure]]]:
    found: dict[int, list[type[Failure]]] = {}
    for kind in kinds:
        found.setdefault(int(STATUS[kind]), []).append(kind)
    return dict(sorted(found.items()))


def examples_of(kinds: Iterable[type[Failure]]) -> dict[str, Any]:
    """By code, as OpenAPI has them."""
    failures = [kind(DETAILS.get(kind, "")) for kind in kinds]
    return {failure.code: _example(problem_body(failure, REQUEST_ID)) for failure in failures}


def internal_error_example() -> dict[str, Any]:
    return {"internal_error": _example(internal_error_body(REQUEST_ID))}


def _example(document: dict[str, Any]) -> dict[str, Any]:
    return {"summary": document["title"], "value": document}
