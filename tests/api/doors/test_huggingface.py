"""The door for clients of Hugging Face's image segmentation."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.api.running import LARGE_BYTES
from tests.api.wire import on_loop
from tests.fakes import DARK
from tests.picture_server import ok, serving
from tests.pictures import HEIGHT, WIDTH, encoded, opened, plain, red_and_blue

PATH = "/hf/image-segmentation"
PICTURE = encoded(red_and_blue())
AS_TEXT = base64.b64encode(PICTURE).decode()


def segments(client: TestClient, path: str = PATH, **request: Any) -> dict[str, Any]:
    """By label, once each is what the task's specification says."""
    answer = client.post(path, **request)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json"), answer.text
    found = answer.json()
    for segment in found:
        assert set(segment) == {"label", "mask", "score"}
        assert isinstance(segment["score"], float)
        assert 0 < segment["score"] <= 1
        mask = opened(base64.b64decode(segment["mask"], validate=True))
        assert (mask.mode, mask.size, set(np.unique(np.asarray(mask)))) == ("L", (WIDTH, HEIGHT), {0, 255})
    return {segment["label"]: np.asarray(opened(base64.b64decode(segment["mask"]))) for segment in found}


def with_parameters(**parameters: Any) -> dict[str, Any]:
    return {"json": {"inputs": AS_TEXT, "parameters": parameters}}


@pytest.mark.parametrize(
    "media_type", ["image/png", "application/x-www-form-urlencoded", "application/octet-stream", ""]
)
def test_the_raw_body_is_a_picture_whatever_it_is_called(client: TestClient, media_type: str) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    assert set(segments(client, content=PICTURE, headers=headers)) == {"red", "blue"}


@pytest.mark.parametrize("request_", [{"json": {"inputs": AS_TEXT}}, {"json": {"inputs": AS_TEXT, "parameters": None}}])
def test_json_has_the_picture_as_base64(client: TestClient, request_: Any) -> None:
    found = segments(client, **request_)
    assert (found["red"][60, 50], found["red"][60, 150]) == (255, 0)
    assert (found["blue"][60, 50], found["blue"][60, 150]) == (0, 255)


def test_json_is_known_by_its_first_character_where_no_type_is_given(client: TestClient) -> None:
    body = b' {"inputs": "' + AS_TEXT.encode() + b'"}'
    assert set(segments(client, content=body)) == {"red", "blue"}


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text,
        lambda text: text.rstrip("="),
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: "\n".join(text[start : start + 76] for start in range(0, len(text), 76)),
        lambda text: f"data:image/png;base64,{text}",
    ],
    ids=["standard", "without padding", "for URLs", "in lines", "as a data URI"],
)
def test_base64_is_read_however_it_was_written(client: TestClient, write: Callable[[str], str]) -> None:
    assert set(segments(client, json={"inputs": write(AS_TEXT)})) == {"red", "blue"}


def test_large_base64_is_the_same_picture(client: TestClient) -> None:
    uncompressed = encoded(red_and_blue().resize((400, 240)), "BMP")
    text = base64.b64encode(uncompressed).decode()
    assert len(text) > LARGE_BYTES
    answer = client.post(PATH, json={"inputs": text}).json()
    assert {segment["label"] for segment in answer} == {"red", "blue"}


def test_the_path_may_name_a_model(client: TestClient) -> None:
    assert set(segments(client, f"{PATH}/tiny-subject", content=PICTURE)) == {"subject"}
    answer = client.post(f"{PATH}/briaai/RMBG-1.4", content=PICTURE)
    assert (answer.status_code, "tiny-subject" in answer.json()["error"]) == (404, True)


def test_masks_below_the_threshold_are_left_out(client: TestClient) -> None:
    assert segments(client, **with_parameters(threshold=1.0)) == {}
    assert set(segments(client, **with_parameters(threshold=0.5))) == {"red", "blue"}


@pytest.mark.parametrize(
    "parameters",
    [
        {"subtask": "semantic"},
        {"mask_threshold": 0},
        {"mask_threshold": 1.0},
        {"overlap_mask_area_threshold": 0.5},
        {"top_k": 3},
        {"subtask": None},
    ],
    ids=str,
)
def test_the_parameters_of_the_task_are_taken(client: TestClient, parameters: dict[str, Any]) -> None:
    assert set(segments(client, **with_parameters(**parameters))) == {"red", "blue"}


def test_the_mask_threshold_makes_a_mask_smaller(client: TestClient) -> None:
    path = f"{PATH}/tiny-subject"
    least, most = (segments(client, path, **with_parameters(mask_threshold=value)) for value in (0.0, 0.9))
    assert np.count_nonzero(least["subject"]) > np.count_nonzero(most["subject"])


@pytest.mark.parametrize("subtask", ["instance", "panoptic"])
def test_instances_are_refused_by_name(client: TestClient, subtask: str) -> None:
    answer = client.post(PATH, **with_parameters(subtask=subtask))
    assert (answer.status_code, subtask in answer.json()["error"]) == (501, True)


def test_a_photo_with_nothing_in_it_has_an_empty_list(client: TestClient) -> None:
    assert segments(client, content=encoded(plain(DARK))) == {}


def test_an_address_is_fetched_where_that_is_on(fetching: TestClient) -> None:
    async def story(_: ASGIApp) -> dict[str, Any]:
        async with serving({"/photo.png": ok(PICTURE)}) as server:
            inputs = {"inputs": f"https://127.0.0.1:{server.port}/photo.png"}
            return await asyncio.to_thread(segments, fetching, json=inputs)

    assert set(on_loop(fetching, story)) == {"red", "blue"}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b""}, 422),
        ({"content": b"no picture"}, 415),
        ({"json": {"inputs": {"image": AS_TEXT}}}, 422),
        ({"json": {"inputs": "https://example.org/cat.jpg"}}, 403),
        ({"json": {"inputs": AS_TEXT, "parameters": []}}, 422),
        (with_parameters(threshold=2), 422),
        (with_parameters(subtask="guess"), 422),
        ({"content": b"{"}, 400),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_read_is_told_under_error(client: TestClient, request_: dict[str, Any], status: int) -> None:
    answer = client.post(PATH, **request_)
    assert (answer.status_code, list(answer.json())) == (status, ["error"]), answer.text
