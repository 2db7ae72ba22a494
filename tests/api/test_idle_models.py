"""Models that nobody asks for are unloaded, and loaded again for the first who does; and a canary beside its model."""

import time
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from service.environment import Route
from service.settings import Settings
from tests.api.asking import ask
from tests.clients import ready_client
from tests.pictures import painted

PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def sleepy(settings: Settings) -> Iterator[TestClient]:
    """Every third request that means `tiny-subject` goes to `tiny-classes`."""
    routes = (Route("tiny-subject", "tiny-classes", 1 / 3),)
    with ready_client(settings.model_copy(update={"model_idle_s": 2.0, "routes": routes})) as running:
        yield running


def metric(client: TestClient, line: str) -> float:
    (found,) = (told for told in client.get("/metrics").text.splitlines() if told.startswith(f"{line} "))
    return float(found.split()[-1])


def until(condition: Callable[[], bool]) -> None:
    gives_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < gives_up_at
        time.sleep(0.05)


def is_asleep(client: TestClient) -> bool:
    return metric(client, 'silhouette_model_loaded{model="tiny-classes"}') == 0


def test_a_model_sleeps_when_nobody_asks_and_the_first_who_does_gets_an_answer(sleepy: TestClient) -> None:
    until(lambda: is_asleep(sleepy))
    states = {model["name"]: model["state"] for model in sleepy.get("/models").json()}
    assert states == {"tiny-subject": "loaded", "tiny-classes": "asleep", "best": "asleep"}
    answer = ask(sleepy, "/segment", painted(), {"model": "tiny-classes"})
    assert (answer.status_code, answer.headers["X-Model"]) == (200, "tiny-classes@1")


def test_the_answer_of_a_canary_tells_whose_it_is_and_is_counted(sleepy: TestClient) -> None:
    answers = [ask(sleepy, "/remove-background", painted()) for _ in range(12)]
    models = [answer.headers["X-Model"] for answer in answers]
    assert models.count("tiny-classes@1") == 4
    assert metric(sleepy, 'silhouette_routed_total{canary="tiny-classes",model="tiny-subject"}') == 4
    assert metric(sleepy, 'silhouette_model_seconds_count{model="tiny-classes@1"}') >= 4


def test_a_canary_gets_no_request_for_a_class_that_it_does_not_know(sleepy: TestClient) -> None:
    answers = [ask(sleepy, "/remove-background", painted(), {"keep": "subject"}) for _ in range(6)]
    assert {answer.headers["X-Model"] for answer in answers} == {"tiny-subject@1"}
