"""The door for clients of rembg's server."""

import asyncio
from typing import Any

import numpy as np
import pytest
from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.doors.rembg import model_for, smoothed
from tests.api.wire import on_loop
from tests.fakes import DARK, RED
from tests.picture_server import ok, serving
from tests.pictures import HEIGHT, SUBJECT_BOX, WIDTH, encoded, opened, painted, pixels, plain

PICTURE = encoded(painted(), "JPEG", quality=95)
FAINT = 4
"""Of 255: what the tiny network still sees of a dark ground."""

INSIDE, OUTSIDE = (60, 100), (10, 10)
"""(row, column) in the subject, and beside it."""


def remove(client: TestClient, picture: bytes = PICTURE, params: Any = None, **fields: str) -> Response:
    return client.post("/api/remove", files={"file": ("photo.jpg", picture)}, data=fields, params=params)


def removed(client: TestClient, params: Any = None, **fields: str) -> Any:
    answer = remove(client, PICTURE, params, **fields)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png"), answer.text
    return pixels(answer.content)


def errors_of(answer: Response) -> list[dict[str, Any]]:
    assert answer.status_code == 422, answer.text
    entries: list[dict[str, Any]] = answer.json()["detail"]
    return entries


def test_the_answer_is_a_cutout_with_straight_alpha(client: TestClient) -> None:
    cutout = removed(client)
    assert cutout.shape == (HEIGHT, WIDTH, 4)
    assert cutout[OUTSIDE][3] < FAINT
    assert cutout[INSIDE][3] == 255
    assert np.allclose(cutout[INSIDE][:3], RED, atol=6)


def test_only_the_mask_is_grey(client: TestClient) -> None:
    mask = removed(client, om="true")
    assert mask.shape == (HEIGHT, WIDTH)
    assert mask[INSIDE] == 255
    assert mask[OUTSIDE] < FAINT


def test_a_processed_mask_has_nothing_half(client: TestClient) -> None:
    assert set(np.unique(removed(client, om="true", ppm="true"))) == {0, 255}
    assert set(np.unique(removed(client, ppm="true")[..., 3])) == {0, 255}


def test_processing_takes_specks_away_and_leaves_the_subject_where_it_was() -> None:
    mask = Image.new("L", (60, 60))
    mask.paste(255, (5, 5, 7, 7))
    mask.paste(255, (20, 20, 50, 45))
    assert smoothed(mask).getbbox() == (20, 20, 50, 45)


@pytest.mark.parametrize("place", ["query", "form"])
@pytest.mark.parametrize("text", ["0,0,255,255", "0,0,255"])
def test_a_background_is_laid_under_the_subject_wherever_it_was_asked_for(
    client: TestClient, place: str, text: str
) -> None:
    result = removed(client, {"bgc": text}) if place == "query" else removed(client, bgc=text)
    assert np.allclose(result[OUTSIDE], (0, 0, 255, 255), atol=FAINT)
    assert np.allclose(result[INSIDE][:3], RED, atol=6)


def test_a_background_may_be_half_transparent(client: TestClient) -> None:
    assert np.allclose(removed(client, {"bgc": "10,20,30,128"})[OUTSIDE], (10, 20, 30, 128), atol=FAINT)


def test_what_is_half_seen_keeps_its_own_colour_and_is_laid_over_a_background_once(client: TestClient) -> None:
    half_seen = encoded(plain((76, 0, 0)))
    *color, alpha = (int(value) for value in pixels(remove(client, half_seen, dc="false").content)[INSIDE])
    assert 100 < alpha < 150
    assert color == [76, 0, 0]
    on_white = pixels(remove(client, half_seen, {"bgc": "255,255,255,255"}, dc="false").content)[INSIDE]
    share = alpha / 255
    assert np.allclose(on_white, [76 * share + 255 * (1 - share), *[255 * (1 - share)] * 2, 255], atol=1)


@pytest.mark.parametrize("name", ["u2net", "bria-rmbg", "birefnet-general-fp16", "u2net_human_seg"])
def test_a_model_of_rembgs_is_answered_by_one_that_is_loaded(client: TestClient, name: str) -> None:
    answer = remove(client, model=name)
    assert answer.status_code == 200
    assert answer.headers["X-Model"] == "tiny-subject@1"


@pytest.mark.parametrize(
    ("name", "served", "ours"),
    [
        ("u2netp", {"u2net", "u2netp"}, "u2netp"),
        ("u2netp", {"u2net", "selfie"}, "u2net"),
        ("birefnet-general-lite", {"u2net", "birefnet-lite"}, "birefnet-lite"),
        ("birefnet-portrait", {"u2net", "selfie"}, "selfie"),
        ("u2net_human_seg", {"u2net"}, None),
        (None, {"u2net"}, None),
    ],
)
def test_the_very_same_network_answers_where_it_is_loaded(name: str | None, served: set[str], ours: str | None) -> None:
    assert model_for(name, served) == ours


@pytest.mark.parametrize("name", ["nobody", "sam", "u2net_custom", "withoutbg", "xu2net"])
def test_a_model_that_is_none_is_refused_as_fastapi_does(client: TestClient, name: str) -> None:
    [entry] = errors_of(remove(client, model=name))
    assert (entry["loc"], entry["type"], entry["input"]) == (["body", "model"], "string_pattern_mismatch", name)
    assert entry["msg"].startswith("there is no such model; there are u2net, u2netp,")


@pytest.mark.parametrize(
    ("name", "value"), [("af", "256"), ("ab", "-1"), ("ae", "-1"), ("a", "maybe"), ("bgc", "red"), ("bgc", "1,2")]
)
def test_a_wrong_parameter_is_named(client: TestClient, name: str, value: str) -> None:
    assert errors_of(remove(client, PICTURE, None, **{name: value}))[0]["loc"][:2] == ["body", name]


def test_a_missing_file_is_told_as_fastapi_does(client: TestClient) -> None:
    answer = client.post("/api/remove", files={"image": ("photo.jpg", PICTURE)})
    assert errors_of(answer) == [{"type": "missing", "loc": ["body", "file"], "msg": "Field required", "input": None}]


@pytest.mark.parametrize("extras", ['{"model_path": "/etc/passwd"}', "no json", '{"putalpha": true}'])
def test_extras_change_nothing(client: TestClient, extras: str) -> None:
    assert np.array_equal(removed(client, {"extras": extras}), removed(client))


def test_parameters_that_nobody_knows_are_passed_over(client: TestClient) -> None:
    assert removed(client, colour="red", vm="true", a="true", dc="false").shape == (HEIGHT, WIDTH, 4)


def test_a_photo_without_a_subject_comes_back_empty(client: TestClient) -> None:
    answer = remove(client, encoded(plain(DARK)))
    assert answer.status_code == 200
    assert pixels(answer.content)[..., 3].max() < FAINT


def test_a_damaged_picture_is_told_in_words(client: TestClient) -> None:
    answer = remove(client, b"no picture")
    assert answer.status_code == 415
    assert isinstance(answer.json()["detail"], str)


def test_a_url_is_refused_clearly_where_fetching_is_off(client: TestClient) -> None:
    answer = client.get("/api/remove", params={"url": "https://example.org/photo.jpg"})
    assert answer.status_code == 403
    assert "SILHOUETTE_FETCH" in answer.json()["detail"]
    assert errors_of(client.get("/api/remove"))[0]["loc"] == ["query", "url"]


def test_a_picture_is_fetched_by_its_url(fetching: TestClient) -> None:
    async def story(_: ASGIApp) -> Response:
        async with serving({"/photo.jpg": ok(PICTURE)}) as server:
            url = f"https://127.0.0.1:{server.port}/photo.jpg"
            return await asyncio.to_thread(fetching.get, "/api/remove", params={"url": url, "om": "true"})

    assert pixels(on_loop(fetching, story).content).shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    "url", ["photo.jpg", "https://127.0.0.1:1/photo.jpg", "http://127.0.0.1/", "https://10.0.0.1/"]
)
def test_what_cannot_be_fetched_is_400(fetching: TestClient, url: str) -> None:
    assert fetching.get("/api/remove", params={"url": url}).status_code == 400


def test_the_subject_is_where_it_was(client: TestClient) -> None:
    assert (
        opened(remove(client).content).getchannel("A").point(lambda value: 255 * (value > 127)).getbbox() == SUBJECT_BOX
    )


def test_the_documentation_is_where_rembg_has_it(client: TestClient) -> None:
    answer = client.get("/api", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, "/docs")
