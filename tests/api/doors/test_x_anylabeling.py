"""The door for X-AnyLabeling, asked as its version 4.2 asks its remote server."""

import base64
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.fakes import DARK
from tests.pictures import HEIGHT, WIDTH, encoded, painted, plain, red_and_blue, ring
from tests.unit.pixels.encoders.test_codecs import fill

HEADERS = {"Token": ""}
"""It always sends the header, also where it has no key."""

PARAMS = {"conf_threshold": 0.0, "iou_threshold": 0.0, "epsilon_factor": 0.001}


def uri(picture: Any) -> str:
    return "data:image/png;base64," + base64.b64encode(encoded(picture)).decode()


def predict(client: TestClient, picture: Any, model: str | None = "tiny-classes", **params: Any) -> Any:
    body = {"model": model, "image": uri(picture), "params": PARAMS | params}
    answer = client.post("/v1/predict", json=body, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    return answer.json()


def shapes(client: TestClient, picture: Any, **params: Any) -> list[dict[str, Any]]:
    told = predict(client, picture, **params)
    assert told["success"] is True
    assert told["data"]["description"] == ""
    return list(told["data"]["shapes"])


def error_of(client: TestClient, body: Any) -> str:
    answer = client.post("/v1/predict", json=body, headers=HEADERS)
    assert (answer.status_code, answer.json()["success"]) == (200, False)
    assert answer.json()["error"]["message"]
    return str(answer.json()["error"]["code"])


def test_the_models_are_listed_by_name_with_what_the_program_shows_for_them(client: TestClient) -> None:
    data = client.get("/v1/models", headers=HEADERS).json()["data"]
    assert list(data) == ["tiny-subject", "tiny-classes"]
    assert data["tiny-classes"]["display_name"] == "tiny-classes@1"
    assert data["tiny-classes"]["batch_processing_mode"] == "default"
    assert data["tiny-classes"]["classes"] == ["red", "blue"]
    assert {"name": "button_run", "value": None} in data["tiny-classes"]["widgets"]


def test_a_model_is_told_of_by_itself(client: TestClient) -> None:
    assert client.get("/v1/models/tiny-classes/info").json()["data"]["model_id"] == "tiny-classes"
    told = client.get("/v1/models/nothing/info")
    assert (told.status_code, told.json()["error"]["code"]) == (200, "MODEL_NOT_FOUND")


def test_every_class_is_a_polygon_with_its_score(client: TestClient) -> None:
    found = shapes(client, red_and_blue())
    assert [(each["label"], each["shape_type"], each["group_id"]) for each in found] == [
        ("red", "polygon", None),
        ("blue", "polygon", None),
    ]
    assert all(0.5 < each["score"] <= 1 for each in found)


def test_shapes_filled_by_pixel_centres_are_the_mask_and_a_hole_is_left_out(client: TestClient) -> None:
    found = shapes(client, ring())
    assert len(found) == 2
    assert {each["group_id"] for each in found} == {1}
    filled = fill([each["points"][:-1] for each in found], (HEIGHT, WIDTH))
    assert np.array_equal(filled, np.asarray(ring())[..., 0] > 100)


def test_a_ring_ends_with_its_first_point_and_has_it_nowhere_between(client: TestClient) -> None:
    """There the program stops to add points."""
    for each in shapes(client, ring()):
        first, *between, last = each["points"]
        assert first == last
        assert first not in between


def test_classes_below_the_threshold_and_those_that_were_taken_out_are_left_out(client: TestClient) -> None:
    scores = {each["label"]: each["score"] for each in shapes(client, red_and_blue())}
    assert shapes(client, red_and_blue(), conf_threshold=1.0) == []
    assert len(shapes(client, red_and_blue(), conf_threshold=min(scores.values()))) == 2
    assert [each["label"] for each in shapes(client, red_and_blue(), filter_classes=["blue"])] == ["blue"]
    assert shapes(client, red_and_blue(), filter_classes=[]) == []


def test_a_picture_of_nothing_has_no_shapes(client: TestClient) -> None:
    assert shapes(client, plain(DARK)) == []


def test_a_picture_may_come_as_bare_base64_and_without_params(client: TestClient) -> None:
    image = base64.b64encode(encoded(painted())).decode()
    for body in ({"image": image}, {"image": image, "params": None}, {"image": image, "params": {"marks": []}}):
        assert client.post("/v1/predict", json=body).json()["data"]["shapes"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model": "nothing", "image": uri(painted()), "params": {}}, "MODEL_NOT_FOUND"),
        ({"model": "tiny-classes", "image": "data:image/png;base64,bm8=", "params": {}}, "INVALID_IMAGE"),
        ({"model": "tiny-classes", "image": "%%%", "params": {}}, "INVALID_IMAGE"),
        ({"model": "tiny-classes", "params": {}}, "INVALID_IMAGE"),
        ({"image": uri(painted()), "params": {"conf_threshold": "much"}}, "INVALID_REQUEST"),
        ([], "INVALID_REQUEST"),
    ],
)
def test_what_is_wrong_is_200_without_success(client: TestClient, body: Any, code: str) -> None:
    assert error_of(client, body) == code
