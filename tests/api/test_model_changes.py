"""POST, DELETE and PUT under /models: which models are loaded, changed while the service runs."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from service.access.keyring import Key, hash_of, write_keys
from service.app import create_app
from service.settings import Settings, read_settings
from tests.api.asking import ask, problem_of
from tests.fakes import BLUE, RED, make_store, retrain_subject, tiny_families
from tests.pictures import HEIGHT, WIDTH, painted

HERE, ELSEWHERE = ("127.0.0.1", 50000), ("198.51.100.7", 50000)

PATIENCE_S = 120.0

HELLO = {"type": "hello", "width": WIDTH, "height": HEIGHT}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("changing"))


@pytest.fixture(scope="module")
def changing(store: Path) -> Iterator[TestClient]:
    """A service of its own, which begins with `tiny-subject` alone, asked from its own machine."""
    settings = read_settings(model_store=store, models=("tiny-subject",), device="cpu", workers=1)
    app = create_app(settings, tiny_families)
    with TestClient(app, client=HERE) as running:
        assert running.portal is not None
        running.portal.call(app.state.service.started.wait)
        yield running


def names(client: TestClient) -> list[str]:
    return [model["name"] for model in client.get("/models").json()]


def subject_of(client: TestClient, color: tuple[int, int, int], **options: str) -> Response:
    return ask(client, "/remove-background", painted(color), {"allow_empty": "false", **options})


def metric(client: TestClient, line: str) -> float:
    (found,) = (told for told in client.get("/metrics").text.splitlines() if told.startswith(f"{line} "))
    return float(found.split()[-1])


def test_a_model_is_loaded_chosen_and_unloaded_again(changing: TestClient) -> None:
    problem_of(subject_of(changing, RED, model="tiny-classes"), 404, "unknown_model")
    loaded = changing.post("/models/tiny-classes")
    assert (loaded.status_code, loaded.json()["name"], loaded.json()["default"]) == (200, "tiny-classes", False)
    assert names(changing) == ["tiny-subject", "tiny-classes", "best"]
    assert subject_of(changing, BLUE, model="tiny-classes").headers["X-Model"] == "tiny-classes@1"
    assert changing.put("/models/tiny-classes/default").json()["default"] is True
    assert names(changing) == ["tiny-classes", "tiny-subject", "best"]
    assert subject_of(changing, BLUE).headers["X-Model"] == "tiny-classes@1"
    assert changing.delete("/models/tiny-classes").status_code == 204
    assert names(changing) == ["tiny-subject"]
    assert "loaded are tiny-subject" in problem_of(changing.get("/models/tiny-classes"), 404, "unknown_model")["detail"]
    assert metric(changing, 'silhouette_model_changes_total{change="load",outcome="ok"}') == 1


def test_what_is_loaded_already_is_not_loaded_again(changing: TestClient) -> None:
    def workers() -> set[str]:
        return {line for line in changing.get("/metrics").text.splitlines() if "restarts_total" in line}

    before = workers()
    assert changing.post("/models/tiny-subject").json()["name"] == "tiny-subject"
    assert workers() == before


def test_the_last_model_stays(changing: TestClient) -> None:
    detail = problem_of(changing.delete("/models/tiny-subject"), 409, "models_unchanged")["detail"]
    assert "only model" in detail
    assert subject_of(changing, RED).status_code == 200


def test_who_asks_for_a_model_that_is_not_there_hears_what_there_is(changing: TestClient) -> None:
    detail = problem_of(changing.post("/models/u3net"), 404, "unknown_model")["detail"]
    assert "tiny-classes, tiny-subject" in detail
    problem_of(changing.put("/models/tiny-classes/default"), 404, "unknown_model")
    problem_of(changing.delete("/models/u3net"), 404, "unknown_model")


def test_weights_that_are_not_the_pinned_ones_are_not_loaded_and_nothing_changes(
    changing: TestClient, store: Path
) -> None:
    weights = store / "tiny-classes" / "model.safetensors"
    kept = weights.read_bytes()
    weights.write_bytes(b"garbage")
    try:
        problem = problem_of(changing.post("/models/tiny-classes"), 409, "models_unchanged")
    finally:
        weights.write_bytes(kept)
    assert "is not the pinned file" in problem["detail"]
    assert names(changing) == ["tiny-subject"]


def test_a_model_whose_network_does_not_load_changes_nothing_and_says_why(changing: TestClient, store: Path) -> None:
    card = store / "tiny-classes" / "card.toml"
    kept = card.read_text()
    card.write_text(kept.replace('family = "tiny-classes"', 'family = "tiny-subject"'))
    try:
        problem = problem_of(changing.post("/models/tiny-classes"), 409, "models_unchanged")
    finally:
        card.write_text(kept)
    assert "tiny-classes" in problem["detail"]
    assert names(changing) == ["tiny-subject"]
    assert subject_of(changing, RED).status_code == 200


def test_a_model_that_has_changed_in_the_store_takes_the_place_of_the_former_one(
    changing: TestClient, store: Path
) -> None:
    former_tag = subject_of(changing, RED).headers["ETag"]
    retrain_subject(store, BLUE)
    assert subject_of(changing, RED).status_code == 200
    with changing.websocket_connect("/stream") as session:
        session.send_json(HELLO)
        assert session.receive_json()["type"] == "ready"
        assert changing.post("/models/tiny-subject").status_code == 200
        assert session.receive_json()["code"] == "unknown_model"
    problem_of(subject_of(changing, RED), 422, "no_foreground")
    assert subject_of(changing, BLUE).status_code == 200
    retrain_subject(store, RED)
    assert changing.post("/models/tiny-subject").status_code == 200
    assert subject_of(changing, RED).headers["ETag"] != former_tag


@contextlib.contextmanager
def at_work_with(client: TestClient, name: str) -> Iterator[None]:
    """As somebody whose work takes long, such as a film."""
    served = client.app.state.service.engine.served  # type: ignore[attr-defined]
    working, portal = served.in_use(served.find(name)), client.portal
    assert portal is not None
    portal.call(working.__enter__)
    try:
        yield
    finally:
        portal.call(working.__exit__, None, None, None)


def test_while_somebody_works_on_with_a_model_that_is_unloaded_others_change_models(changing: TestClient) -> None:
    assert changing.post("/models/tiny-classes").status_code == 200
    with ThreadPoolExecutor(1) as elsewhere, at_work_with(changing, "tiny-classes"):
        unloading = elsewhere.submit(changing.delete, "/models/tiny-classes")
        until(lambda: "tiny-classes" not in names(changing))
        assert changing.put("/models/tiny-subject/default").status_code == 200
        assert not unloading.done()
        assert changing.post("/models/tiny-classes").status_code == 200
    assert unloading.result().status_code == 204
    assert "tiny-classes" in names(changing)
    assert changing.delete("/models/tiny-classes").status_code == 204


def until(condition: Callable[[], bool]) -> None:
    gives_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < gives_up_at


def test_tritons_clients_load_and_unload_in_their_own_way(changing: TestClient) -> None:
    repository = "/v2/repository/models"
    assert changing.post(f"{repository}/tiny-classes/load", json={"parameters": {}}).status_code == 200
    assert "tiny-classes" in names(changing)
    assert changing.post(f"{repository}/tiny-classes/unload", json={"parameters": {}}).content == b""
    assert names(changing) == ["tiny-subject"]
    with_a_model = changing.post(f"{repository}/tiny-classes/load", json={"parameters": {"file:1/model.onnx": "AAAA"}})
    assert (with_a_model.status_code, with_a_model.json()["code"]) == (501, "not_offered")
    from_elsewhere = from_(changing, ELSEWHERE).post(f"{repository}/tiny-classes/load")
    assert (from_elsewhere.status_code, from_elsewhere.json()["code"]) == (401, "missing_key")


# --- who may ----------------------------------------------------------------------------------------------------------


def from_(client: TestClient, address: tuple[str, int]) -> TestClient:
    return TestClient(client.app, client=address)


def test_without_keys_only_the_services_own_machine_may_change_models(changing: TestClient) -> None:
    for method in ("POST", "DELETE"):
        answer = from_(changing, ELSEWHERE).request(method, "/models/tiny-subject")
        assert "own machine" in problem_of(answer, 401, "missing_key")["detail"]
    assert from_(changing, ELSEWHERE).get("/models").status_code == 200
    assert from_(changing, ("::1", 1)).post("/models/tiny-subject").status_code == 200
    for header in ("Forwarded", "Via", "X-Real-IP"):
        proxied = changing.post("/models/tiny-subject", headers={header: "for=198.51.100.7"})
        problem_of(proxied, 401, "missing_key")


def test_a_page_of_another_origin_cannot_have_a_browser_change_models(changing: TestClient) -> None:
    answer = changing.post("/models/tiny-subject", headers={"Origin": "https://evil.example.org"})
    problem_of(answer, 403, "origin_refused")
    own = {"Origin": "http://testserver"}
    assert changing.post("/models/tiny-subject", headers=own).status_code == 200


def test_with_keys_it_takes_one_for_administrators(settings: Settings, tmp_path: Path) -> None:
    admin = Key("ops", frozenset({"admin"}), None, None, hash_of("sil_ops"))
    shop = Key("shop", frozenset({"images"}), None, None, hash_of("sil_shop"))
    write_keys(tmp_path / "keys", [admin, shop])
    app = create_app(settings.model_copy(update={"keys_file": tmp_path / "keys"}), tiny_families)
    client = TestClient(app, client=HERE)
    problem_of(client.post("/models/tiny-subject"), 401, "missing_key")
    problem_of(client.post("/models/tiny-subject", headers={"X-Api-Key": "sil_shop"}), 403, "scope_missing")
    # It may, but the service has not started.
    problem_of(client.post("/models/tiny-subject", headers={"X-Api-Key": "sil_ops"}), 503, "not_ready")


def test_the_document_has_what_an_administrator_needs(changing: TestClient) -> None:
    paths = json.loads(changing.get("/openapi.json").text)["paths"]
    assert {"get", "post", "delete"} <= paths["/models/{name}"].keys()
    assert "409" in paths["/models/{name}"]["post"]["responses"]
    assert "put" in paths["/models/{name}/default"]
