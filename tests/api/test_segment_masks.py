"""POST /segment with output=mask and output=masks: which classes, and in which encoding."""

import base64
import zipfile
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco
from starlette.testclient import TestClient

from tests.api.asking import ask, ask_for, problem_of
from tests.fakes import DARK, RED
from tests.pictures import (
    HEIGHT,
    SUBJECT_BOX,
    WIDTH,
    encoded,
    half_transparent,
    opened,
    painted,
    pixels,
    plain,
    red_and_blue,
    ring,
)


def label_map(client: TestClient, picture: Image.Image) -> NDArray[Any]:
    return pixels(ask_for(client, "/segment", picture).content)


def mask(client: TestClient, picture: Image.Image, **options: str) -> NDArray[Any]:
    image = opened(ask_for(client, "/segment", picture, {"output": "mask", **options}).content)
    assert (image.format, image.mode) == ("PNG", "L")
    return np.asarray(image)


def masks(client: TestClient, picture: Image.Image, **options: str) -> list[dict[str, Any]]:
    answer = ask_for(client, "/segment", picture, {"output": "masks", "format": "json", **options})
    assert answer.headers["Content-Type"] == "application/json"
    found: list[dict[str, Any]] = answer.json()
    return found


def filled(polygons: list[dict[str, Any]]) -> NDArray[np.bool_]:
    """Pixels whose centre is inside: a ray to the left crosses an odd number of upright edges."""
    inside = np.zeros((HEIGHT, WIDTH), np.bool_)
    for polygon in polygons:
        for points in (polygon["exterior"], *polygon["holes"]):
            for (x, y), (next_x, next_y) in zip(points, points[1:] + points[:1], strict=True):
                if x == next_x:
                    inside[min(y, next_y) : max(y, next_y), x:] ^= True
    return inside


@pytest.mark.parametrize(
    ("classes", "ids"),
    [
        ("red", [1]),
        ("blue", [2]),
        ("2", [2]),
        ("red,blue", [1, 2]),
        (" red , 2 ", [1, 2]),
        ("", [1, 2]),
        ("background", [0]),
        ("0,blue", [0, 2]),
    ],
)
def test_a_mask_is_255_where_one_of_the_classes_is_and_0_elsewhere(
    client: TestClient, classes: str, ids: list[int]
) -> None:
    expected = np.where(np.isin(label_map(client, red_and_blue()), ids), 255, 0)
    assert np.array_equal(mask(client, red_and_blue(), classes=classes), expected)


def test_a_class_that_the_model_does_not_know_is_a_bad_option_that_names_the_known_ones(client: TestClient) -> None:
    answer = ask(client, "/segment", red_and_blue(), {"output": "mask", "classes": "red,unicorn"})
    detail = problem_of(answer, 422, "bad_option")["detail"]
    assert all(name in detail for name in ("unicorn", "background", "red", "blue"))


@pytest.mark.parametrize("class_id", ["3", "-1", "255", "9" * 5000])
def test_a_class_id_that_the_model_does_not_have_is_a_bad_option(client: TestClient, class_id: str) -> None:
    files = {"image": ("photo.png", encoded(red_and_blue()), "image/png")}
    problem_of(client.post("/segment", files=files, data={"classes": class_id}), 422, "bad_option")


def test_masks_are_a_zip_of_one_png_a_class_that_is_present(client: TestClient) -> None:
    labels = label_map(client, red_and_blue())
    answer = ask_for(client, "/segment", red_and_blue(), {"output": "masks"})
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["red.png", "blue.png"]
        for class_id, name in ((1, "red"), (2, "blue")):
            assert np.array_equal(pixels(archive.read(f"{name}.png")), np.where(labels == class_id, 255, 0))


@pytest.mark.parametrize("refine", ["on", "off"])
def test_the_masks_of_all_classes_cover_each_pixel_once(client: TestClient, refine: str) -> None:
    options = {"output": "masks", "classes": "0,1,2", "refine": refine}
    with zipfile.ZipFile(BytesIO(ask_for(client, "/segment", red_and_blue(), options).content)) as archive:
        found = [pixels(archive.read(name)) for name in archive.namelist()]
    assert len(found) == 3
    assert (np.sum(found, axis=0, dtype=int) == 255).all()


def test_areas_of_all_classes_are_the_picture_less_what_is_transparent(client: TestClient) -> None:
    picture = half_transparent(red_and_blue())
    void = np.count_nonzero(np.asarray(picture.getchannel("A")) == 0)
    answer = ask_for(client, "/segment", picture, {"output": "summary", "classes": "0,1,2"}).json()
    assert void
    assert sum(entry["area"] for entry in answer["classes"]) == WIDTH * HEIGHT - void


def test_masks_leave_out_classes_that_are_not_there(client: TestClient) -> None:
    assert [entry["label"] for entry in masks(client, ring())] == ["red"]


def test_masks_leave_out_classes_that_were_not_asked_for(client: TestClient) -> None:
    assert [entry["label"] for entry in masks(client, red_and_blue(), classes="2")] == ["blue"]


def test_masks_of_nothing_are_empty_where_that_is_allowed(client: TestClient) -> None:
    assert masks(client, plain(DARK), allow_empty="true") == []
    answer = ask_for(client, "/segment", plain(DARK), {"output": "masks", "allow_empty": "true"})
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.namelist() == []


def test_each_mask_has_the_figures_of_the_summary(client: TestClient) -> None:
    found = masks(client, red_and_blue())
    assert [set(entry) for entry in found] == [{"id", "label", "score", "area", "fraction", "box", "mask"}] * 2
    said = ask_for(client, "/segment", red_and_blue(), {"output": "summary"}).json()["classes"]
    assert [{name: value for name, value in entry.items() if name != "mask"} for entry in found] == said


def test_masks_are_base64_png_by_default(client: TestClient) -> None:
    labels = label_map(client, red_and_blue())
    for entry in masks(client, red_and_blue()):
        region = pixels(base64.b64decode(entry["mask"], validate=True))
        assert np.array_equal(region, np.where(labels == entry["id"], 255, 0))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools, since numpy 2.0
def test_masks_as_rle_are_read_back_by_pycocotools(client: TestClient) -> None:
    labels = label_map(client, red_and_blue())
    for entry in masks(client, red_and_blue(), encoding="rle"):
        assert entry["mask"]["size"] == [HEIGHT, WIDTH]
        assert np.array_equal(coco.decode(entry["mask"]), labels == entry["id"])
        assert coco.area(entry["mask"]) == entry["area"]
        assert coco.toBbox(entry["mask"]).tolist() == entry["box"]


def test_masks_as_polygons_have_their_holes(client: TestClient) -> None:
    (entry,) = masks(client, ring(), encoding="polygons")
    (polygon,) = entry["mask"]
    assert len(polygon["holes"]) == 1
    assert filled(entry["mask"]).sum() == entry["area"]
    assert np.array_equal(filled(entry["mask"]), label_map(client, ring()) == 1)
    assert not filled(entry["mask"])[60, 100]


def test_simple_polygons_are_rings_without_holes(client: TestClient) -> None:
    (entry,) = masks(client, ring(), encoding="simple-polygons")
    assert len(entry["mask"]) == 2
    pieces = [{"exterior": points, "holes": []} for points in entry["mask"]]
    assert np.array_equal(filled(pieces), label_map(client, ring()) == 1)


def test_masks_for_cvat_have_their_box_at_the_end(client: TestClient) -> None:
    left, top, right, bottom = SUBJECT_BOX
    (entry,) = masks(client, painted(), encoding="cvat")
    assert entry["mask"] == [0, (right - left) * (bottom - top), left, top, right - 1, bottom - 1]


def test_masks_for_label_studio_are_bytes_of_four_values_a_pixel(client: TestClient) -> None:
    (entry,) = masks(client, ring(), encoding="label-studio")
    assert bytes(entry["mask"][:4]) == (4 * WIDTH * HEIGHT).to_bytes(4, "big")


def test_an_unknown_encoding_is_a_bad_option(client: TestClient) -> None:
    answer = ask(client, "/segment", ring(), {"output": "masks", "format": "json", "encoding": "svg"})
    assert "encoding" in problem_of(answer, 422, "bad_option")["detail"]


@pytest.mark.parametrize("encoding", ["rle", "png", "cvat", "label-studio"])
def test_noise_has_too_many_vertices_for_polygons_and_comes_in_any_other_encoding(
    client: TestClient, encoding: str
) -> None:
    noisy = plain(RED).resize((500, 500))
    noisy.putalpha(Image.fromarray(np.random.default_rng(0).integers(0, 2, (500, 500), np.uint8) * 255))
    options = {"output": "masks", "format": "json", "model": "tiny-classes"}
    refused = ask(client, "/segment", noisy, options | {"encoding": "polygons"})
    assert "encoding=rle" in problem_of(refused, 422, "too_many_vertices")["detail"]
    (entry,) = masks(client, noisy, encoding=encoding, model="tiny-classes")
    assert entry["area"] > 100_000
