"""Requests that the OpenAPI document allows, and some that it does not, made up by Schemathesis: no answer is a bug of
ours, and each is one that the document knows."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, CheckContext, Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.operations import OPERATIONS
from tests.fakes import make_store
from tests.system.loading import tiny_server
from tests.system.serving import REQUEST_TIMEOUT_S, Server


def is_no_bug_of_ours(_: CheckContext, response: Response, __: Case[Any]) -> None:
    """503 and 504 are honest: a deadline of a millisecond cannot be kept."""
    assert response.status_code != 500, response.text


CHECKS = [is_no_bug_of_ours, status_code_conformance, content_type_conformance, response_schema_conformance]

ENDPOINTS = [
    *((f"/{name}", "post") for name in OPERATIONS),
    ("/videos", "post"),
    ("/batches", "post"),
    *(("/batches/{id}", "get"), ("/batches/{id}/result", "get"), ("/batches/{id}", "delete")),
    *(("/jobs/{id}", "get"), ("/jobs/{id}/result", "get"), ("/jobs/{id}", "delete")),
    *((path, "get") for path in ("/models", "/models/{name}", "/livez", "/readyz", "/startupz", "/metrics")),
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with tiny_server(make_store(tmp_path_factory.mktemp("store"))) as started:
        yield started


@pytest.mark.parametrize(("path", "method"), ENDPOINTS)
def test_what_the_document_allows_is_answered_as_it_says(tiny: Server, path: str, method: str) -> None:
    operation = schemathesis.openapi.from_url(f"{tiny.url}/openapi.json")[path][method]

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy())
    def check(case: Case[Any]) -> None:
        case.call_and_validate(checks=CHECKS, timeout=REQUEST_TIMEOUT_S)

    check()
