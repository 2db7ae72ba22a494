"""Asking the same again."""

from collections.abc import Iterator

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from service.settings import Settings
from tests.api.asking import ask, ask_for, problem_of
from tests.clients import ready_client
from tests.fakes import BLUE, DARK, RED
from tests.pictures import encoded, painted

PICTURE = painted(RED, BLUE)


@pytest.fixture(scope="module")
def caching(settings: Settings) -> Iterator[TestClient]:
    """The service with a cache."""
    with ready_client(settings.model_copy(update={"cache_max_bytes": 10_000_000})) as running:
        yield running


def cut(client: TestClient, **headers: str) -> Response:
    sent = {"Content-Type": "image/png", **headers}
    return client.post("/remove-background", content=encoded(PICTURE), headers=sent)


def test_the_second_answer_is_the_first_one_without_the_work(caching: TestClient) -> None:
    first, second = (ask_for(caching, "/segment", PICTURE) for _ in range(2))
    assert [answer.headers["X-Cache"] for answer in (first, second)] == ["miss", "hit"]
    assert first.content == second.content
    for name in ("ETag", "X-Model", "X-Device", "Content-Type"):
        assert first.headers[name] == second.headers[name]
    assert "infer" in first.headers["Server-Timing"]
    assert "infer" not in second.headers["Server-Timing"]
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_the_box_of_the_subject_is_kept_as_well(caching: TestClient) -> None:
    first, second = (ask_for(caching, "/remove-background", PICTURE, {"crop": "true"}) for _ in range(2))
    assert second.headers["X-Cache"] == "hit"
    assert first.headers["X-Foreground-Width"] == second.headers["X-Foreground-Width"]


def test_another_option_picture_or_accepted_format_is_another_question(caching: TestClient) -> None:
    ask_for(caching, "/blur-background", PICTURE)
    others = [
        ask(caching, "/blur-background", PICTURE, {"strength": "0.5"}),
        ask(caching, "/blur-background", painted(BLUE, RED)),
        ask(caching, "/blur-background", PICTURE, accept="image/webp"),
        ask(caching, "/color-pop", PICTURE),
    ]
    assert [answer.headers["X-Cache"] for answer in others] == ["miss"] * 4


def test_the_background_picture_is_part_of_the_question(caching: TestClient) -> None:
    def replace(color: tuple[int, int, int]) -> Response:
        files = {"image": encoded(PICTURE), "background": encoded(painted(color, color))}
        return caching.post("/replace-background", files=files)

    assert [replace(color).headers["X-Cache"] for color in (RED, BLUE, RED)] == ["miss", "miss", "hit"]


def test_errors_are_not_kept(caching: TestClient) -> None:
    for _ in range(2):
        problem_of(ask(caching, "/remove-background", painted(DARK, DARK)), 422, "no_foreground")


def test_without_the_setting_nothing_is_kept(client: TestClient) -> None:
    answers = [cut(client) for _ in range(2)]
    assert all("X-Cache" not in answer.headers for answer in answers)
    assert all("infer" in answer.headers["Server-Timing"] for answer in answers)
    assert answers[0].headers["ETag"] == answers[1].headers["ETag"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"0123", {}'])
def test_a_caller_who_has_the_answer_gets_304_and_no_body(client: TestClient, form: str) -> None:
    tag = cut(client).headers["ETag"].removeprefix("W/")
    again = cut(client, **{"If-None-Match": form.format(tag)})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == f"W/{tag}"
    assert again.headers["Vary"] == "Accept"


@pytest.mark.parametrize("tag", ['"0123"', "*", "garbage", 'W/"' + "0" * 32 + '"'])
def test_another_tag_gets_the_whole_answer(client: TestClient, tag: str) -> None:
    assert cut(client, **{"If-None-Match": tag}).status_code == 200


def test_lookups_are_counted(caching: TestClient) -> None:
    for _ in range(2):
        ask_for(caching, "/segment", PICTURE, {"output": "summary"})
    text = caching.get("/metrics").text
    counts = {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if not line.startswith("#")}
    assert counts['silhouette_cache_lookups_total{result="hit"}'] >= 1
    assert counts['silhouette_cache_lookups_total{result="miss"}'] >= 1
    assert counts["silhouette_cache_bytes"] > 0
