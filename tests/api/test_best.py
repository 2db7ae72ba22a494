"""`model=best`: two networks are asked for one subject."""

from collections.abc import Iterator
from typing import Any

import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from service.app import create_app
from service.settings import Settings
from tests.api.asking import EFFECTS, ask, ask_for, problem_of
from tests.clients import ready_client
from tests.fakes import BLUE, DARK, tiny_families
from tests.pictures import HEIGHT, WIDTH, painted, pixels, plain, red_and_blue

PATH = "/remove-background"
BOTH = "tiny-subject@1,tiny-classes@1"


@pytest.fixture(scope="module")
def caching(settings: Settings) -> Iterator[TestClient]:
    """The service with a cache."""
    with ready_client(settings.model_copy(update={"cache_max_bytes": 10_000_000})) as running:
        yield running


def found(client: TestClient, model: str, **options: str) -> NDArray[Any]:
    """Where the subject of `red_and_blue` is, as a mask."""
    wanted = {"output": "matte", "refine": "off", "model": model, **options}
    mask: NDArray[Any] = pixels(ask_for(client, PATH, red_and_blue(), wanted).content) >= 128
    return mask


def inferred(client: TestClient) -> float:
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("silhouette_inferred_images_total{"))


@pytest.mark.parametrize("path", EFFECTS)
def test_every_effect_can_have_it_and_names_both_models(client: TestClient, path: str) -> None:
    answer = ask_for(client, path, painted(), {"model": "best", "keep": "red"})
    assert answer.headers["X-Model"] == BOTH


def test_the_outline_is_that_of_the_one_where_the_class_is_that_of_the_other(client: TestClient) -> None:
    drawn, coarse = found(client, "tiny-subject"), found(client, "tiny-classes", keep="red")
    assert drawn.any()
    assert (drawn != coarse).any()
    assert (found(client, "best", keep="red") == drawn).all()


def test_a_class_that_the_outline_model_does_not_see_is_found_by_the_other(client: TestClient) -> None:
    blue = found(client, "best", keep="blue")
    assert blue[60, 150]
    assert (blue == found(client, "tiny-classes", keep="blue")).all()


def test_a_picture_without_the_class_has_no_subject(client: TestClient) -> None:
    detail = problem_of(ask(client, PATH, painted(BLUE), {"model": "best", "keep": "red"}), 422, "no_foreground")
    assert "best sees no red" in detail["detail"]
    empty = ask_for(client, PATH, plain(DARK), {"model": "best", "allow_empty": "true", "output": "matte"})
    assert pixels(empty.content).max() < 16


def test_a_class_that_the_class_model_does_not_know_is_a_bad_option(client: TestClient) -> None:
    detail = problem_of(ask(client, PATH, painted(), {"model": "best", "keep": "subject"}), 422, "bad_option")["detail"]
    assert "the model knows background, red, blue" in detail


def test_effort_lets_the_outline_model_look_again(client: TestClient) -> None:
    looks = {}
    for effort in ("fast", "balanced", "best"):
        before = inferred(client)
        mask = found(client, "best", keep="red", effort=effort)
        looks[effort] = inferred(client) - before
        assert mask[60, 50]
        assert not mask[:, 90:].any()
    assert looks == {"fast": 2, "balanced": 3, "best": 5}


def test_its_answers_are_kept_apart_from_those_of_a_single_model(caching: TestClient) -> None:
    first, other, again = (
        ask_for(caching, PATH, painted(), {"model": model}) for model in ("best", "tiny-classes", "best")
    )
    assert [answer.headers["X-Cache"] for answer in (first, other, again)] == ["miss", "miss", "hit"]
    assert first.content == again.content
    assert first.headers["X-Model"] == again.headers["X-Model"] == BOTH


def test_a_label_map_is_asked_of_one_model(client: TestClient) -> None:
    detail = problem_of(ask(client, "/segment", painted(), {"model": "best"}), 422, "bad_option")["detail"]
    assert "here take tiny-subject or tiny-classes" in detail


def test_a_live_session_is_asked_of_one_model(client: TestClient) -> None:
    with client.websocket_connect("/stream") as socket:
        socket.send_json({"type": "hello", "width": WIDTH, "height": HEIGHT, "model": "best"})
        problem = socket.receive_json()
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert (problem["code"], closed.value.code) == ("bad_option", 4422)
    assert "here take tiny-subject or tiny-classes" in problem["detail"]


def test_where_one_of_the_two_is_not_loaded_it_says_what_is_needed(settings: Settings) -> None:
    alone = TestClient(create_app(settings.model_copy(update={"models": ("tiny-subject",)}), tiny_families))
    assert [model["name"] for model in alone.get("/models").json()] == ["tiny-subject"]
    detail = problem_of(alone.get("/models/best"), 404, "unknown_model")["detail"]
    assert "needs a model of many classes and one that finds any subject" in detail


def test_the_documentation_offers_it_where_it_can_be_had(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    def said_of_model(path: str) -> str:
        parameters = paths[path]["post"]["parameters"]
        described: str = next(each["description"] for each in parameters if each["name"] == "model")
        return described

    assert all("`best`" in said_of_model(path) for path in EFFECTS)
    assert "`best`" not in said_of_model("/segment")
