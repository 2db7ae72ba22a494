"""What holds for every door: its refusals have the contract's form, whoever refuses, and it can be closed."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from httpx2 import Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from service.access.keyring import Key, hash_of, write_keys
from service.api.gate import Gate
from service.app import create_app
from service.configuration_errors import ConfigurationError
from service.doors import DOORS, opened
from service.settings import Settings, read_settings
from service.telemetry.log import FIELDS
from tests.api.asking import problem_of
from tests.api.doors.forms import FORMS
from tests.clients import ready_client
from tests.fakes import tiny_families

KEY = Key("shop", frozenset({"images"}), None, None, hash_of("sil_images"))

EACH = pytest.mark.parametrize("name", DOORS)


@pytest.fixture(scope="module")
def guarded(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path: Path = tmp_path_factory.mktemp("keys") / "keys"
    write_keys(path, [KEY])
    with ready_client(settings.model_copy(update={"keys_file": path})) as running:
        yield running


def refused(name: str, answer: Response, status: int) -> str:
    """What the answer says, once it has the form and the status that the door has for ours."""
    form = FORMS[name]
    assert answer.status_code == form.statuses.get(status, status), answer.text
    return form.said(answer.json())


def test_each_door_has_its_name_and_the_form_of_its_refusals() -> None:
    assert list(FORMS) == list(DOORS)
    assert all(name == door.name for name, door in DOORS.items())


@EACH
def test_a_missing_key_is_refused_in_the_doors_form(name: str, guarded: TestClient) -> None:
    answer = guarded.post(FORMS[name].post, content=b"some bytes")
    assert refused(name, answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@EACH
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Api-Key": "sil_images"},
        {"Authorization": "Bearer sil_images"},
        {"Authorization": "Token sil_images"},
        {"Authorization": "Basic OnNpbF9pbWFnZXM="},
        {"Token": "sil_images"},
    ],
    ids=lambda headers: " ".join(*headers.items()).split(" sil_")[0],
)
def test_a_key_is_taken_however_a_client_sends_it(name: str, headers: dict[str, str], guarded: TestClient) -> None:
    assert refused(name, guarded.get(FORMS[name].elsewhere, headers=headers), 404)


@EACH
def test_a_service_that_is_not_ready_says_so_in_the_doors_form_and_when_to_come_back(
    name: str, settings: Settings
) -> None:
    starting = TestClient(create_app(settings, tiny_families))
    answer = starting.post(FORMS[name].post, content=b"some bytes")
    assert refused(name, answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(("name", "path"), [(name, path) for name in DOORS for path in DOORS[name].working_gets])
def test_a_get_that_is_work_is_admitted_as_a_post_is(name: str, path: str, settings: Settings) -> None:
    starting = TestClient(create_app(settings, tiny_families))
    assert refused(name, starting.get(path, params={"url": "https://example.org/photo.jpg"}), 503)


@EACH
def test_a_body_that_is_too_large_is_refused_in_the_doors_form(name: str, client: TestClient) -> None:
    length = {"Content-Length": str(client.app.state.service.settings.max_upload_bytes + 1)}  # type: ignore[attr-defined]
    assert "bytes" in refused(name, client.post(FORMS[name].post, content=b"", headers=length), 413)


@EACH
def test_a_path_and_a_method_that_are_not_there_are_refused_in_the_doors_form(name: str, client: TestClient) -> None:
    assert refused(name, client.get(FORMS[name].elsewhere), 404)
    assert refused(name, client.delete(FORMS[name].post), 405)


async def buggy(scope: Scope, receive: Receive, send: Send) -> None:
    raise KeyError("the inner secret")


@EACH
def test_a_bug_of_ours_is_told_in_the_doors_form_without_its_cause(name: str, client: TestClient) -> None:
    service = client.app.state.service  # type: ignore[attr-defined]
    broken = TestClient(Gate(buggy, service, paths=(), doorways=list(DOORS.values())))
    assert "secret" not in refused(name, broken.post(FORMS[name].post), 500)


@EACH
def test_a_request_is_counted_and_logged_under_its_door(
    name: str, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        client.post(FORMS[name].post, content=b"some bytes", headers={"X-Request-Id": f"at-{name}"})
    requests = [vars(record)[FIELDS] for record in caplog.records if record.getMessage() == "request"]
    assert [fields["door"] for fields in requests if fields["request_id"] == f"at-{name}"] == [name]
    told = client.get("/metrics").text.splitlines()
    counted = [line for line in told if line.startswith(f'silhouette_requests_total{{door="{name}",')]
    assert any('route="/' in line for line in counted)


def test_a_closed_door_has_no_paths_and_the_others_stay_open(settings: Settings) -> None:
    with TestClient(create_app(settings.model_copy(update={"doors": ()}), tiny_families)) as closed:
        for form in FORMS.values():
            problem_of(closed.get(form.elsewhere), 404, "not_found")


def test_the_documentation_lists_the_doors_that_are_open(client: TestClient, settings: Settings) -> None:
    told = client.get("/openapi.json").json()["info"]["description"]
    assert all(f"- `{door.name}`: {door.help}" in told for door in DOORS.values())
    closed = TestClient(create_app(settings.model_copy(update={"doors": ()}), tiny_families))
    assert "other services" not in closed.get("/openapi.json").json()["info"]["description"]


@EACH
def test_fastapi_validates_nothing_for_a_door_or_its_words_would_not_be_the_contracts(name: str) -> None:
    routes = [route for route in DOORS[name].router.routes if isinstance(route, APIRoute)]
    assert routes
    assert not [body for route in routes for body in route.dependant.body_params]
    kinds = {parameter.field_info.annotation for route in routes for parameter in route.dependant.query_params}
    assert kinds <= {str, str | None}


def test_no_two_doors_claim_one_path() -> None:
    prefixes = [prefix for door in DOORS.values() for prefix in door.prefixes]
    assert len(prefixes) == len(set(prefixes))


@pytest.mark.parametrize(
    ("text", "names"), [("all", list(DOORS)), ("", list(DOORS)), ("none", []), (" Rembg ", ["rembg"])]
)
def test_the_setting_says_which_doors_are_open(text: str, names: list[str]) -> None:
    assert [door.name for door in opened(read_settings(doors=text).doors)] == names


def test_a_door_that_is_none_stops_the_service_from_starting(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="no door 'cellar'"):
        create_app(settings.model_copy(update={"doors": ("cellar",)}), tiny_families)
