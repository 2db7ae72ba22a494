"""GET /models, /models/{name}, /livez, /readyz and /startupz, before and after the workers have started."""

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings
from service.workers.plan import most_replicas
from tests.api.asking import POSTS, ask, problem_of
from tests.fakes import tiny_families
from tests.pictures import painted


@pytest.fixture
def unstarted(settings: Settings) -> TestClient:
    """The service before its workers are there: its lifespan has not begun."""
    return TestClient(create_app(settings, tiny_families))


def test_models_lists_what_is_loaded_with_the_default_first(client: TestClient) -> None:
    models = client.get("/models").json()
    defaults = {model["name"]: model["default"] for model in models}
    assert list(defaults.items()) == [("tiny-subject", True), ("tiny-classes", False), ("best", False)]


def test_a_model_says_what_it_knows_and_where_it_comes_from(client: TestClient) -> None:
    assert client.get("/models/tiny-classes").json() == {
        "name": "tiny-classes",
        "version": "1",
        "title": "tiny-classes",
        "family": "tiny-classes",
        "head": "softmax",
        "precision": "fp32",
        "default": False,
        "state": "loaded",
        "input_width": 65,
        "input_height": 65,
        "classes": [
            {"id": 0, "name": "background", "color": "#000000", "foreground": False},
            {"id": 1, "name": "red", "color": "#800000", "foreground": True},
            {"id": 2, "name": "blue", "color": "#000080", "foreground": True},
        ],
        "licence": "Apache-2.0",
        "homepage": "https://example.org/",
        "accuracy": [],
        "parts": [],
    }


def test_best_is_a_model_with_the_classes_of_one_and_the_outline_of_the_other(client: TestClient) -> None:
    best, classes = (client.get(f"/models/{name}").json() for name in ("best", "tiny-classes"))
    assert best["classes"] == classes["classes"]
    assert best["parts"] == ["tiny-subject", "tiny-classes"]
    assert best["title"] == "outlines of tiny-subject, classes of tiny-classes"
    assert (best["head"], best["input_width"], best["licence"]) == ("sigmoid", 64, "Apache-2.0")


def test_each_model_alone_is_what_the_list_has(client: TestClient) -> None:
    models = client.get("/models").json()
    assert [client.get(f"/models/{model['name']}").json() for model in models] == models


def test_an_unknown_model_is_404_and_lists_the_loaded_ones(client: TestClient) -> None:
    detail = problem_of(client.get("/models/sam"), 404, "unknown_model")["detail"]
    assert "tiny-subject, tiny-classes" in detail


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz"])
def test_every_probe_is_ok_once_the_workers_are_ready(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_before_the_workers_are_ready_only_livez_is_ok(unstarted: TestClient, settings: Settings) -> None:
    workers = most_replicas(settings) if settings.pool == "ray" else settings.workers
    alive = unstarted.get("/livez")
    assert alive.status_code == 200
    assert {**alive.json()["unready"], "request_id": ""} == {**unstarted.get("/readyz").json(), "request_id": ""}
    for path in ("/readyz", "/startupz"):
        answer = unstarted.get(path)
        assert f"0 of {workers} workers" in problem_of(answer, 503, "not_ready")["detail"]
        assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("path", POSTS)
def test_before_the_workers_are_ready_no_picture_is_taken(unstarted: TestClient, path: str) -> None:
    answer = ask(unstarted, path, painted())
    problem_of(answer, 503, "not_ready")
    assert int(answer.headers["Retry-After"]) > 0


def test_while_it_shuts_down_it_lives_but_takes_nothing(settings: Settings) -> None:
    app = create_app(settings, tiny_families)
    app.state.service.draining = True
    client = TestClient(app)
    for answer in (ask(client, "/segment", painted()), client.get("/readyz")):
        problem_of(answer, 503, "draining")
        assert int(answer.headers["Retry-After"]) > 0
    alive = client.get("/livez")
    assert (alive.status_code, alive.json()["unready"]["code"]) == (200, "draining")


def test_models_and_docs_can_be_read_before_the_workers_are_ready(unstarted: TestClient) -> None:
    assert unstarted.get("/models").status_code == unstarted.get("/docs").status_code == 200
