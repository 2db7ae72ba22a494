"""The door for Roboflow's SAM2, asked as its documentation and its SDK 1.8 ask."""

import base64
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from fastapi import FastAPI
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from service.access.keyring import Key, hash_of, write_keys
from service.pixels.encoders import rle
from service.settings import Settings
from tests.clients import ready_client
from tests.fakes import BLUE, RED
from tests.pictures import HEIGHT, WIDTH, encoded, plain, ring
from tests.unit.pixels.encoders.test_codecs import fill

LEFT, RIGHT = (20, 40, 60, 80), (120, 40, 180, 80)


def two() -> Image.Image:
    """Two things that the network takes for the subject, and a third one that it does not."""
    picture = plain((10, 10, 10))
    picture.paste(RED, LEFT)
    picture.paste(RED, RIGHT)
    picture.paste(BLUE, (80, 90, 110, 110))
    return picture


def sent(picture: Image.Image) -> dict[str, str]:
    return {"type": "base64", "value": base64.b64encode(encoded(picture)).decode()}


def predictions(client: TestClient, picture: Image.Image, prompts: Any, **others: Any) -> list[dict[str, Any]]:
    payload = {"api_key": None, "image": sent(picture), "sam2_version_id": "hiera_tiny", "multimask_output": True}
    answer = client.post("/sam2/segment_image", json={**payload, "prompts": prompts, **others})
    assert answer.status_code == 200, answer.text
    assert answer.json()["time"] > 0
    return list(answer.json()["predictions"])


def mask_of(client: TestClient, prompts: Any, picture: Image.Image | None = None) -> NDArray[np.bool_]:
    (found,) = predictions(client, picture or two(), prompts)
    assert found["format"] == "polygon"
    assert 0.5 < found["confidence"] <= 1
    return fill(found["masks"], (HEIGHT, WIDTH))


def inside(*box: int) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    left, top, right, bottom = box
    mask[top:bottom, left:right] = True
    return mask


def point(x: float, y: float, *, positive: bool = True) -> dict[str, Any]:
    return {"x": x, "y": y, "positive": positive}


def test_a_point_means_the_thing_that_it_lies_in(client: TestClient) -> None:
    assert np.array_equal(mask_of(client, {"prompts": [{"points": [point(30, 60)]}]}), inside(*LEFT))


def test_without_a_prompt_it_is_all_of_the_subject(client: TestClient) -> None:
    assert np.array_equal(mask_of(client, None), inside(*LEFT) | inside(*RIGHT))


def test_each_prompt_has_its_own_prediction_in_their_order(client: TestClient) -> None:
    found = predictions(client, two(), [{"points": [point(x, 60)]} for x in (150, 30)], format="rle")
    assert [each["format"] for each in found] == ["rle", "rle"]
    assert [each["masks"] for each in found] == [rle.encode(inside(*RIGHT)), rle.encode(inside(*LEFT))]


def test_a_point_on_what_the_network_missed_finds_it_and_a_negative_one_takes_away(client: TestClient) -> None:
    found = mask_of(client, [{"points": [point(95, 100)]}])
    assert found[98:103, 92:98].all()
    assert not (found & (inside(*LEFT) | inside(*RIGHT))).any()
    taken = mask_of(client, [{"points": [point(150, 60), point(30, 60, positive=False)]}])
    assert np.array_equal(taken, inside(*RIGHT))


@pytest.mark.parametrize(
    "box",
    [
        {"x": 150, "y": 60, "width": 80, "height": 60, "class": "thing"},
        {"x1": 110, "y1": 30, "x2": 190, "y2": 90},
        [110, 30, 190, 90],
    ],
    ids=["middle", "corners", "list"],
)
def test_a_box_means_what_is_inside_of_it_however_it_is_written(client: TestClient, box: Any) -> None:
    found = mask_of(client, {"box": box})
    assert not found[:, :100].any()
    assert found[44:76, 124:176].all()


def test_a_picture_is_paid_for_once_however_many_prompts_there_are(settings: Settings, tmp_path: Path) -> None:
    picture, per_minute = encoded(two()), 1e-6  # a pixel a minute: next to none comes back meanwhile
    keys = tmp_path / "keys"
    write_keys(keys, [Key("shop", frozenset({"images"}), None, per_minute, hash_of("sil_shop"))])
    prompts = [{"points": [point(30, 60)]}, {"points": [point(150, 60)]}, {"box": [110, 30, 190, 90]}]
    payload = {"image": {"type": "base64", "value": base64.b64encode(picture).decode()}, "prompts": prompts}
    with ready_client(settings.model_copy(update={"keys_file": keys})) as guarded:
        answer = guarded.post("/sam2/segment_image", json=payload, headers={"X-Api-Key": "sil_shop"})
        assert len(answer.json()["predictions"]) == 3
        allowance = cast(FastAPI, guarded.app).state.service.guard.allowance_of("shop")
        paid = (per_minute - allowance.buckets["megapixels"].left()) * 1e6
    assert paid == pytest.approx(WIDTH * HEIGHT, abs=100)


def test_a_hole_is_no_part_of_the_mask(client: TestClient) -> None:
    found = mask_of(client, None, ring())
    assert np.array_equal(found, np.asarray(ring())[..., 0] > 100)


def test_an_embedded_picture_has_an_id_its_own_or_the_one_that_was_given(client: TestClient) -> None:
    ids = [
        client.post("/sam2/embed_image", json={"image": sent(two()), **more}).json()
        for more in ({}, {}, {"image_id": "a"})
    ]
    assert [set(each) for each in ids] == [{"image_id", "time"}] * 3
    assert ids[0]["image_id"] == ids[1]["image_id"] != ids[2]["image_id"] == "a"


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"image_id": "a"}, 400, "image"),
        ({"image": {"type": "numpy", "value": "gASV"}}, 400, "image.type"),
        ({"image": {"type": "base64", "value": "?"}}, 400, "base64"),
        ({"image": "here", "format": "binary"}, 501, "binary"),
        ({"image": "here", "format": "tiff"}, 400, "format"),
        ({"image": "here", "prompts": [{"points": [{"x": 900, "y": 5, "positive": True}]}]}, 400, "200 x 120"),
        ({"image": "here", "prompts": [{"box": {"x": 5, "y": 5, "width": 0, "height": 5}}]}, 400, "width"),
    ],
    ids=["no picture", "pickle", "no base64", "arrays", "no format", "outside", "flat"],
)
def test_what_cannot_be_done_is_said_where_the_sdk_looks_for_it(
    client: TestClient, body: dict[str, Any], status: int, reason: str
) -> None:
    if body.get("image") == "here":
        body = {**body, "image": sent(two())}
    answer = client.post("/sam2/segment_image", json=body)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"message"}
    assert reason in answer.json()["message"]
