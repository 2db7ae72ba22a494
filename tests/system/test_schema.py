"""Requests that the OpenAPI document allows, and some that it does not, made up by Schemathesis: no answer is a bug of
ours, and each is one that the document knows."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.operations import OPERATIONS
from tests.system.serving import Server

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

ENDPOINTS = [
    *((f"/{name}", "post") for name in OPERATIONS),
    *((path, "get") for path in ("/models", "/models/{name}", "/livez", "/readyz", "/startupz", "/metrics")),
]


@pytest.mark.parametrize(("path", "method"), ENDPOINTS)
def test_what_the_document_allows_is_answered_as_it_says(server: Server, path: str, method: str) -> None:
    operation = schemathesis.openapi.from_url(f"{server.url}/openapi.json")[path][method]

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy())
    def check(case: Case) -> None:
        case.call_and_validate(checks=CHECKS)

    check()
