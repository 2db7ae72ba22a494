"""Every kind of failure has a code of its own and a status, which clients may rely on."""

import json
from collections.abc import Iterator

import pytest

from service import errors
from service.api.problems import STATUS, refusal_of, refused
from service.errors import Failure, Unavailable

STATUS_OF_CODE = {
    "malformed_request": 400,
    "range_not_satisfiable": 416,
    "malformed_form": 400,
    "malformed_json": 400,
    "malformed_message": 400,
    "origin_refused": 403,
    "missing_key": 401,
    "unknown_key": 401,
    "scope_missing": 403,
    "quota_exceeded": 429,
    "fetching_off": 403,
    "url_refused": 422,
    "models_unchanged": 409,
    "fetch_failed": 422,
    "unsupported_video": 415,
    "undecodable_video": 422,
    "video_too_long": 422,
    "unknown_job": 404,
    "job_unfinished": 409,
    "result_gone": 410,
    "too_many_jobs": 503,
    "storage_full": 507,
    "job_crashed": 500,
    "unknown_batch": 404,
    "idempotency_key_reused": 422,
    "request_in_progress": 409,
    "unknown_model": 404,
    "not_acceptable": 406,
    "slow_upload": 408,
    "slow_headers": 408,
    "slow_hello": 408,
    "idle": 408,
    "too_many_bytes": 413,
    "unsupported_image": 415,
    "unsupported_body": 415,
    "missing_image": 422,
    "undecodable_image": 422,
    "truncated_image": 422,
    "too_many_pixels": 422,
    "bad_option": 422,
    "unknown_option": 422,
    "no_foreground": 422,
    "too_many_vertices": 422,
    "host_not_allowed": 421,
    "large_headers": 431,
    "not_offered": 501,
    "model_failed": 500,
    "model_crashed": 500,
    "not_ready": 503,
    "jobs_away": 503,
    "queue_full": 503,
    "too_many_connections": 503,
    "too_many_uploads": 503,
    "too_many_fetches": 503,
    "too_many_sessions": 503,
    "deadline_unreachable": 503,
    "out_of_memory": 503,
    "draining": 503,
    "deadline_exceeded": 504,
}
"""What clients may rely on."""


def subclasses(kind: type[Failure]) -> Iterator[type[Failure]]:
    """Those of everybody; doors have finer ones for themselves."""
    for subclass in (each for each in kind.__subclasses__() if each.__module__.startswith(errors.__name__)):
        yield subclass
        yield from subclasses(subclass)


def test_every_failure_with_a_code_has_a_status() -> None:
    coded = {kind for kind in subclasses(Failure) if "code" in vars(kind)}
    assert coded == set(STATUS)
    assert {kind.code: int(STATUS[kind]) for kind in coded} == STATUS_OF_CODE


def test_every_failure_that_is_raised_has_a_code_of_its_own() -> None:
    leaves = [kind for kind in subclasses(Failure) if not list(subclasses(kind))]
    assert all("code" in vars(kind) and "title" in vars(kind) for kind in leaves)
    assert len({kind.code for kind in STATUS}) == len(STATUS)


@pytest.mark.parametrize("kind", STATUS, ids=lambda kind: kind.code)
def test_every_failure_becomes_a_problem_document(kind: type[Failure]) -> None:
    response = refused(refusal_of(kind("what went wrong"), "some-id"), None)
    assert (response.status_code, response.media_type) == (STATUS_OF_CODE[kind.code], "application/problem+json")
    assert json.loads(bytes(response.body)) == {
        "type": f"urn:silhouette:problem:{kind.code}",
        "title": kind.title,
        "status": STATUS_OF_CODE[kind.code],
        "detail": "what went wrong",
        "code": kind.code,
        "request_id": "some-id",
    }
    assert (response.headers.get("Retry-After") == "1") == issubclass(kind, Unavailable)
