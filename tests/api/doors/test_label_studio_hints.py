"""What an annotator points at in Label Studio corrects the region."""

from typing import Any

import numpy as np
from starlette.testclient import TestClient

from tests.api.doors.label_studio import BRUSH, question, task
from tests.pictures import HEIGHT, WIDTH, red_and_blue
from tests.unit.pixels.encoders.test_codecs import read_label_studio


def shape(kind: str, x: float, y: float, *, positive: bool = True, label: str = "Red", **more: float) -> dict[str, Any]:
    """A region of smart annotation; x, y and the rest in percent of the picture."""
    said = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0, "is_positive": positive}
    return {"id": "a", "type": kind, "from_name": "smart", **said, "value": {"x": x, "y": y, kind: [label], **more}}


def pointed(client: TestClient, picture: Any, *shapes: dict[str, Any], config: str = BRUSH) -> Any:
    asked = question([task(picture)], config)
    asked["params"]["context"] = {"result": list(shapes)}
    answer = client.post("/label-studio/predict", json=asked)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["results"]
    return found


def test_key_points_correct_the_label_that_is_chosen_and_no_other_comes(client: TestClient) -> None:
    kept, gone = shape("keypointlabels", 75, 10, width=0.5), shape("keypointlabels", 25, 50, positive=False)
    (region,) = pointed(client, red_and_blue(), kept, gone)["result"]
    assert region["value"]["brushlabels"] == ["Red"]
    mask = np.reshape(read_label_studio(region["value"]["rle"]), (HEIGHT, WIDTH, 4))[..., 3] > 0
    assert mask[12, 150]
    assert not mask[60, 50]


def test_a_rectangle_leaves_nothing_outside(client: TestClient) -> None:
    left_half = shape("rectanglelabels", 0, 0, width=25, height=100)
    (region,) = pointed(client, red_and_blue(), left_half)["result"]
    mask = np.reshape(read_label_studio(region["value"]["rle"]), (HEIGHT, WIDTH, 4))[..., 3] > 0
    assert mask[60, 40]
    assert not mask[:, 50:].any()


def test_a_hint_without_a_place_says_so(client: TestClient) -> None:
    broken = shape("keypointlabels", 1, 1)
    del broken["value"]["y"]
    asked = question([task(red_and_blue())])
    asked["params"]["context"] = {"result": [broken]}
    answer = client.post("/label-studio/predict", json=asked)
    assert (answer.status_code, "`y`" in answer.json()["error"]) == (422, True)
