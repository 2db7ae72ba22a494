"""POST /segment: label maps in every format, figures, and which model answers."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco
from starlette.testclient import TestClient

from tests.api.asking import ask, ask_for, problem_of
from tests.fakes import BLUE, DARK, RED
from tests.pictures import HEIGHT, WIDTH, encoded, half_transparent, opened, painted, pixels, plain, red_and_blue

BACKGROUND_ID, RED_ID, BLUE_ID, VOID_ID = 0, 1, 2, 255


def label_map(client: TestClient, picture: Image.Image, **options: str) -> NDArray[Any]:
    return pixels(ask_for(client, "/segment", picture, {"allow_empty": "true", **options}).content)


def test_a_label_map_is_a_palette_png_whose_indices_are_the_class_ids(client: TestClient) -> None:
    answer = ask_for(client, "/segment", red_and_blue())
    picture = opened(answer.content)
    assert (answer.headers["Content-Type"], picture.format, picture.mode) == ("image/png", "PNG", "P")
    labels = np.asarray(picture)
    assert labels.shape == (HEIGHT, WIDTH)
    assert [labels[60, x] for x in (5, 50, 100, 150, 195)] == [0, RED_ID, 0, BLUE_ID, 0]
    assert [labels[y, 50] for y in (5, 60, 115)] == [0, RED_ID, 0]
    assert set(np.unique(labels)) == {BACKGROUND_ID, RED_ID, BLUE_ID}


def test_a_label_map_has_the_colours_of_the_classes_and_of_void(client: TestClient) -> None:
    picture = opened(ask_for(client, "/segment", half_transparent(red_and_blue())).content)
    colors = np.asarray(picture.convert("RGB"))
    assert colors[5, 195].tolist() == [0, 0, 0]
    assert colors[60, 150].tolist() == [0, 0, 128]
    assert colors[60, 50].tolist() == [224, 224, 192]
    assert len(picture.getpalette() or []) == 256 * 3


def test_a_label_map_is_void_exactly_where_the_input_is_fully_transparent(client: TestClient) -> None:
    labels = label_map(client, half_transparent(red_and_blue()))
    assert (labels[:, : WIDTH // 2] == VOID_ID).all()
    assert (labels[:, WIDTH // 2 :] != VOID_ID).all()


def test_the_borders_of_a_label_map_are_where_they_were_painted(client: TestClient) -> None:
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[20:100, 20:80] = RED_ID
    expected[40:80, 120:180] = BLUE_ID
    wrong = label_map(client, red_and_blue()) != expected
    assert wrong.mean() < 0.03  # one cell of the 65-pixel network is 3 pixels wide


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools, since numpy 2.0
def test_the_json_label_map_is_one_coco_rle_a_class_that_add_up_to_the_picture(client: TestClient) -> None:
    answer = ask_for(client, "/segment", red_and_blue(), {"format": "json"})
    assert answer.headers["Content-Type"] == "application/json"
    labels = label_map(client, red_and_blue())
    said = answer.json()
    assert (said["width"], said["height"]) == (WIDTH, HEIGHT)
    assert [(entry["id"], entry["label"]) for entry in said["classes"]] == [(0, "background"), (1, "red"), (2, "blue")]
    for entry in said["classes"]:
        assert np.array_equal(coco.decode(entry["rle"]), labels == entry["id"])


def test_the_npz_label_map_has_labels_confidence_and_names(client: TestClient) -> None:
    answer = ask_for(client, "/segment", red_and_blue(), {"format": "npz"})
    assert answer.headers["Content-Type"] == "application/x-npz"
    with np.load(BytesIO(answer.content), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["labels"], label_map(client, red_and_blue()))
        assert arrays["confidence"].shape == (HEIGHT, WIDTH)
        assert arrays["names"].tolist() == ["background", "red", "blue"]


def test_the_summary_says_exactly_what_the_label_map_shows(client: TestClient) -> None:
    said = ask_for(client, "/segment", red_and_blue(), {"output": "summary"}).json()
    labels = label_map(client, red_and_blue())
    assert (said["width"], said["height"]) == (WIDTH, HEIGHT)
    assert [(entry["id"], entry["label"]) for entry in said["classes"]] == [(1, "red"), (2, "blue")]
    for entry in said["classes"]:
        rows, columns = np.nonzero(labels == entry["id"])
        assert entry["area"] == len(rows)
        assert entry["fraction"] == pytest.approx(len(rows) / (WIDTH * HEIGHT), abs=1e-6)
        left, top, width, height = entry["box"]
        assert (left, left + width) == (columns.min(), columns.max() + 1)
        assert (top, top + height) == (rows.min(), rows.max() + 1)
        assert 0.5 < entry["score"] <= 1


def test_the_summary_of_a_picture_that_is_all_subject_is_the_whole_picture(client: TestClient) -> None:
    (entry,) = ask_for(client, "/segment", plain(BLUE), {"output": "summary"}).json()["classes"]
    score = entry.pop("score")
    assert entry == {"id": 2, "label": "blue", "area": 24000, "fraction": 1.0, "box": [0, 0, 200, 120]}
    assert score > 0.99


def test_the_summary_of_nothing_is_an_empty_list(client: TestClient) -> None:
    options = {"output": "summary", "allow_empty": "true"}
    assert ask_for(client, "/segment", plain(DARK), options).json() == {"width": 200, "height": 120, "classes": []}


def test_the_first_softmax_model_is_preferred_although_it_is_not_the_default(client: TestClient) -> None:
    assert ask_for(client, "/segment", red_and_blue()).headers["X-Model"] == "tiny-classes@1"


@pytest.mark.parametrize("name", ["tiny-subject", "tiny-classes"])
def test_the_model_that_is_named_answers(client: TestClient, name: str) -> None:
    answer = ask_for(client, "/segment", red_and_blue(), {"model": name})
    assert answer.headers["X-Model"] == f"{name}@1"
    assert (BLUE_ID in pixels(answer.content)) == (name == "tiny-classes")


def test_every_other_endpoint_takes_the_default_model(client: TestClient) -> None:
    assert ask_for(client, "/remove-background", painted()).headers["X-Model"] == "tiny-subject@1"


def test_options_may_come_in_the_form_as_well(client: TestClient) -> None:
    files = {"image": ("photo.png", encoded(red_and_blue()), "image/png")}
    answer = client.post("/segment", files=files, data={"output": "summary", "model": "tiny-subject"})
    assert [entry["label"] for entry in answer.json()["classes"]] == ["subject"]


def test_an_option_in_the_form_and_another_in_the_query_both_count(client: TestClient) -> None:
    files = {"image": ("photo.png", encoded(red_and_blue()), "image/png")}
    answer = client.post("/segment?output=summary", files=files, data={"classes": "blue"})
    assert [entry["label"] for entry in answer.json()["classes"]] == ["blue"]


def test_a_picture_without_any_class_is_no_foreground(client: TestClient) -> None:
    detail = problem_of(ask(client, "/segment", plain(DARK)), 422, "no_foreground")["detail"]
    assert "allow_empty=true" in detail
    assert not label_map(client, plain(DARK), allow_empty="true").any()


def test_a_class_that_is_not_in_the_picture_is_no_foreground(client: TestClient) -> None:
    answer = ask(client, "/segment", painted(RED), {"output": "mask", "classes": "blue"})
    assert "blue" in problem_of(answer, 422, "no_foreground")["detail"]
