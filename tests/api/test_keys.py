"""A service with a file of keys: who gets in, who does not, and what the answers say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from service.access.keyring import Key, hash_of, write_keys
from service.operations import OPERATIONS
from service.settings import Settings
from tests.api.asking import problem_of
from tests.clients import ready_client
from tests.pictures import encoded, painted

PICTURE = encoded(painted())
KEYS = {
    "images": Key("shop", frozenset({"images"}), None, None, hash_of("sil_images")),
    "metrics": Key("prometheus", frozenset({"metrics"}), None, None, hash_of("sil_metrics")),
    "stream": Key("meet", frozenset({"stream"}), None, None, hash_of("sil_stream")),
    "twice": Key("twice", frozenset({"images"}), 2.0, 100.0, hash_of("sil_twice")),
    "small": Key("small", frozenset({"images"}), None, 0.001, hash_of("sil_small")),
}


@pytest.fixture(scope="module")
def guarded(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path: Path = tmp_path_factory.mktemp("keys") / "keys"
    write_keys(path, list(KEYS.values()))
    with ready_client(settings.model_copy(update={"keys_file": path})) as running:
        yield running


def cut(client: TestClient, key: str | None) -> Response:
    headers = {"Content-Type": "image/png", **({"X-Api-Key": key} if key else {})}
    return client.post("/remove-background", content=PICTURE, headers=headers)


def test_without_a_key_nothing_is_done_and_the_answer_says_how_to_send_one(guarded: TestClient) -> None:
    answer = cut(guarded, None)
    assert "X-Api-Key" in problem_of(answer, 401, "missing_key")["detail"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_documentation_has_a_field_for_a_key_where_one_is_wanted(guarded: TestClient, client: TestClient) -> None:
    document = guarded.get("/openapi.json").json()
    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["in"], scheme["name"]) == ("header", "X-Api-Key")
    locked = {path for path, item in document["paths"].items() for told in item.values() if "security" in told}
    assert {f"/{name}" for name in OPERATIONS} | {"/models", "/metrics"} <= locked
    assert not locked & {"/livez", "/readyz", "/startupz"}
    assert "securitySchemes" not in client.get("/openapi.json").json()["components"]


def test_an_unknown_key_is_refused(guarded: TestClient) -> None:
    problem_of(cut(guarded, "sil_nobody"), 401, "unknown_key")


def test_a_key_for_something_else_is_refused(guarded: TestClient) -> None:
    problem_of(cut(guarded, "sil_metrics"), 403, "scope_missing")


def test_a_key_with_the_scope_gets_its_answer(guarded: TestClient) -> None:
    answer = cut(guarded, "sil_images")
    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers


def test_a_quota_is_told_counted_and_refused_with_the_time_to_wait(guarded: TestClient) -> None:
    first, second, third = (cut(guarded, "sil_twice") for _ in range(3))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.headers["RateLimit"].startswith('"requests";r=1;')
    problem_of(third, 429, "quota_exceeded")
    assert 1 <= int(third.headers["Retry-After"]) <= 30


def test_megapixels_are_counted_by_the_pictures_that_came(guarded: TestClient) -> None:
    assert cut(guarded, "sil_small").status_code == 200
    problem_of(cut(guarded, "sil_small"), 429, "quota_exceeded")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/", "/openapi.json", "/docs", "/studio/main.js"])
def test_probes_and_pages_stay_open(guarded: TestClient, path: str) -> None:
    assert guarded.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/models", "/models/tiny-subject", "/metrics", "/nowhere"])
def test_all_else_is_closed(guarded: TestClient, path: str) -> None:
    problem_of(guarded.get(path), 401, "missing_key")


def test_metrics_count_by_the_name_of_a_key_and_never_show_the_key(guarded: TestClient) -> None:
    cut(guarded, "sil_images")
    told = guarded.get("/metrics", headers={"Authorization": "Bearer sil_metrics"}).text
    assert 'silhouette_key_requests_total{key="shop",status="200"}' in told
    assert "sil_images" not in told


@pytest.mark.parametrize(
    ("headers", "protocols", "code"),
    [
        ({}, [], 4401),
        ({"X-Api-Key": "sil_images"}, [], 4403),
        ({}, ["silhouette", "silhouette.key.sil_nobody"], 4401),
    ],
)
def test_a_session_without_the_right_key_is_closed(
    guarded: TestClient, headers: dict[str, str], protocols: list[str], code: int
) -> None:
    with guarded.websocket_connect("/stream", headers=headers, subprotocols=protocols) as session:
        assert session.receive_json()["status"] in (401, 403)
        with pytest.raises(WebSocketDisconnect) as closed:
            session.receive_json()
    assert closed.value.code == code


@pytest.mark.parametrize(
    ("headers", "protocols"),
    [({"X-Api-Key": "sil_stream"}, []), ({}, ["silhouette", "silhouette.key.sil_stream"])],
)
def test_a_session_with_a_key_begins(guarded: TestClient, headers: dict[str, str], protocols: list[str]) -> None:
    with guarded.websocket_connect("/stream", headers=headers, subprotocols=protocols) as session:
        session.send_json({"type": "hello", "width": 64, "height": 48})
        assert session.receive_json()["type"] == "ready"
        assert session.accepted_subprotocol == (protocols[0] if protocols else None)
