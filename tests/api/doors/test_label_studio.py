"""The door for Label Studio: what it says of itself, where pictures lie, what labels mean."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from service.settings import MEGAPIXEL, Settings
from tests.api.doors.label_studio import BRUSH, ask, labelled, question, results, task
from tests.clients import ready_client
from tests.fakes import BLUE, DARK, HANGING_COLOR, RED
from tests.pictures import HEIGHT, WIDTH, painted, plain, red_and_blue, ring
from tests.unit.pixels.encoders.test_codecs import fill, read_label_studio

POLYGONS = BRUSH.replace("BrushLabels", "PolygonLabels")


def regions(client: TestClient, picture: Any, config: str = BRUSH) -> list[dict[str, Any]]:
    (found,) = results(client, task(picture), config=config)
    return list(found["result"])


def is_red(picture: Any) -> Any:
    return np.asarray(picture)[..., 0] == RED[0]


def test_it_is_up(client: TestClient) -> None:
    answer = client.get("/label-studio/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "UP")


def test_setup_names_the_model_that_predicts(client: TestClient) -> None:
    body = {"project": "1.1", "schema": BRUSH, "hostname": "http://ls", "access_token": "t", "extra_params": None}
    said = client.post("/label-studio/setup", json=body).json()
    assert said == {"model_version": "tiny-classes@1"}
    (found,) = results(client, task(red_and_blue()))
    assert found["model_version"] == said["model_version"]


@pytest.mark.parametrize("schema", ["<View/>", "", None, "no xml"])
def test_a_project_without_labels_can_be_connected(client: TestClient, schema: Any) -> None:
    answer = client.post("/label-studio/setup", json={"project": "1.1", "schema": schema})
    assert answer.json()["model_version"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_versions_are_those_of_the_loaded_models(client: TestClient, method: str) -> None:
    answer = client.request(method, "/label-studio/versions")
    assert answer.json() == {"versions": ["tiny-subject@1", "tiny-classes@1"]}


def test_a_webhook_is_taken(client: TestClient) -> None:
    assert client.post("/label-studio/webhook", json={"action": "START_TRAINING", "project": {}}).status_code == 200


def test_each_label_that_is_seen_is_one_brush_stroke(client: TestClient) -> None:
    found = regions(client, red_and_blue())
    assert [region["value"]["brushlabels"] for region in found] == [["Red"], ["Blue"]]
    assert len({region["id"] for region in found}) == 2
    for region in found:
        assert (region["type"], region["from_name"], region["to_name"]) == ("brushlabels", "tag", "img")
        assert (region["original_width"], region["original_height"]) == (WIDTH, HEIGHT)
        assert 0.5 < region["score"] <= 1


def test_a_brush_stroke_has_the_pixels_of_its_class(client: TestClient) -> None:
    (region,) = regions(client, ring())
    assert region["value"]["format"] == "rle"
    values = np.reshape(read_label_studio(region["value"]["rle"]), (HEIGHT, WIDTH, 4))
    assert np.array_equal(values[..., 3] == 255, is_red(ring()))


def test_polygons_are_in_percent_and_leave_holes_out(client: TestClient) -> None:
    found = regions(client, ring(), POLYGONS)
    assert {region["type"] for region in found} == {"polygonlabels"}
    assert all(region["value"]["polygonlabels"] == ["Red"] and region["value"]["closed"] for region in found)
    scale = np.array([WIDTH, HEIGHT]) / 100
    rings = [np.rint(region["value"]["points"] * scale).astype(int).tolist() for region in found]
    assert len(rings) == 2
    assert np.array_equal(fill(rings, (HEIGHT, WIDTH)), is_red(ring()))


def test_there_is_one_result_a_task_in_their_order_also_where_nothing_is_seen(client: TestClient) -> None:
    found = results(client, task(painted(RED)), task(plain(DARK)), task(painted(BLUE)))
    assert [[region["value"]["brushlabels"][0] for region in each["result"]] for each in found] == [
        ["Red"],
        [],
        ["Blue"],
    ]
    assert all(isinstance(each["score"], float) for each in found)


def test_a_task_that_is_wrong_has_an_empty_result_beside_those_that_are_right(client: TestClient) -> None:
    right, wrong, missing = results(client, task(painted()), task(photo="data:image/png;base64,bm8="), task())
    assert right["result"]
    assert wrong["result"] == missing["result"] == []
    assert "photo" in missing["error"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({}, 422),
        ({"photo": 7}, 422),
        ({"photo": "data:image/png;base64,bm8="}, 415),
        ({"photo": "https://example.org/a.jpg"}, 403),
        ({"photo": "/data/upload/1/a.jpg"}, 501),
    ],
)
def test_where_all_tasks_are_wrong_the_request_is_refused(client: TestClient, data: Any, status: int) -> None:
    assert ask(client, task(**data), task(**data)).status_code == status


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (['value="red"', 'value="BLUE"'], ["red", "BLUE"]),
        (['value="Car" predicted_values="red, bus"', 'value="Sky" predicted_values="blue"'], ["Car", "Sky"]),
        (['value="All" predicted_values="blue,red"'], ["All"]),
        (['value="R e_d"', 'value="Other"'], ["R e_d"]),
        (['value="long text" alias="red"', 'value="x" alias="nothing"'], ["red"]),
    ],
)
def test_labels_mean_classes_by_their_values_their_aliases_or_their_names(
    client: TestClient, labels: list[str], found: list[str]
) -> None:
    told = regions(client, red_and_blue(), labelled(*labels))
    assert [region["value"]["brushlabels"] for region in told] == [[name] for name in found]


def test_a_lone_label_of_any_name_is_the_subject(client: TestClient) -> None:
    (found,) = results(client, task(painted()), config=labelled('value="Foreground"'))
    assert found["model_version"] == "tiny-subject@1"
    assert found["result"][0]["value"]["brushlabels"] == ["Foreground"]


def test_labels_that_no_model_knows_are_told_with_the_classes_that_it_has(client: TestClient) -> None:
    answer = ask(client, task(painted()), config=labelled('value="Tumour"', 'value="Bone"'))
    assert answer.status_code == 422
    told = answer.json()["error"]
    assert "Tumour" in told
    assert "predicted_values" in told
    assert "red" in told, "the classes of the model that has most of them, and not the default one's"


BOMB = '<!DOCTYPE v [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><View><Label value="&b;"/></View>'

OUTSIDE = '<!DOCTYPE v [<!ENTITY a SYSTEM "file:///etc/passwd">]><View><Label value="x">&a;</Label></View>'


@pytest.mark.parametrize(
    "config",
    [
        "",
        "<View>",
        "<View/>",
        "no xml",
        BOMB,
        OUTSIDE,
        "<View>" + " " * 1_000_000 + "</View>",
        BRUSH.replace("toName", "for"),
        '<View><Text name="t" value="$t"/><Labels name="l" toName="t"><Label value="red"/></Labels></View>',
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(client: TestClient, config: str) -> None:
    answer = ask(client, task(painted()), config=config)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_option")
    assert "label_config" in answer.json()["error"]


@pytest.mark.parametrize("body", [[], "text", {"tasks": 7}, {"tasks": [{"data": "text"}]}])
def test_a_body_of_another_shape_is_refused(client: TestClient, body: Any) -> None:
    assert client.post("/label-studio/predict", json=body).status_code in (400, 422)


@pytest.fixture
def small(settings: Settings) -> Iterator[TestClient]:
    """The service with room for the pixels of two pictures of `WIDTH` by `HEIGHT`."""
    side = WIDTH * HEIGHT / MEGAPIXEL
    with ready_client(
        settings.model_copy(update={"max_megapixels": side, "max_megapixels_in_flight": 2 * side})
    ) as running:
        yield running


def test_more_tasks_than_fit_into_memory_together_are_done_one_after_the_other(small: TestClient) -> None:
    assert all(each["result"] for each in results(small, *[task(painted())] * 5))


def test_where_the_time_does_not_suffice_the_first_result_alone_comes_in_time(small: TestClient) -> None:
    """For Label Studio goes on with one task at a time then."""
    tasks = [task(painted()), task(plain(HANGING_COLOR)), task(painted())]
    asked = question(tasks, labelled('value="Subject"'))
    answer = small.post("/label-studio/predict", json=asked, headers={"X-Request-Timeout-Ms": "4000"})
    (found,) = answer.json()["results"]
    assert found["result"]


def test_no_tasks_have_no_results(client: TestClient) -> None:
    assert results(client) == []
