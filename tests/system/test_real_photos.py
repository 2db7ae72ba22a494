"""Real weights, real photos, a real server: is the right thing cut out?"""

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.pictures import encoded, opened, pixels
from tests.system.serving import Server

FACE = (slice(70, 140), slice(195, 250))
"""Rows and columns of the astronaut's face."""

FLAG, WALL = (slice(0, 40), slice(0, 40)), (slice(0, 40), slice(300, 340))

CAT_FACE = (slice(80, 200), slice(130, 300))
ROOM = (slice(0, 40), slice(411, 451))


def test_the_astronauts_face_is_inside_the_cutout_and_the_corners_are_not(server: Server, astronaut: bytes) -> None:
    response = server.post("/remove-background", astronaut)
    assert response.headers["X-Model"].startswith("u2net@")
    alpha = pixels(response.content)[..., 3]
    assert alpha.shape == (512, 512)
    assert alpha[FACE].min() > 240
    assert alpha[FLAG].max() < 15
    assert alpha[WALL].max() < 15


def test_selfie_finds_the_same_person(server: Server, astronaut: bytes) -> None:
    mask = pixels(server.post("/segment", astronaut, model="selfie", output="mask", classes="person").content)
    assert set(np.unique(mask)) == {0, 255}
    assert (mask[FACE] == 255).all()
    assert (mask[WALL] == 0).all()


def test_the_cat_is_found(server: Server, cat: bytes) -> None:
    matte = pixels(server.post("/remove-background", cat, output="matte").content)
    assert matte.shape == (300, 451)
    assert matte[CAT_FACE].mean() > 250
    assert matte[ROOM].max() < 15


def test_deeplab_calls_the_cat_a_cat(deeplab_server: Server, cat: bytes) -> None:
    response = deeplab_server.post("/segment", cat)
    picture = opened(response.content)
    labels = np.asarray(picture)
    assert picture.mode == "P"
    assert (labels[CAT_FACE] == 8).mean() > 0.99  # cat is class 8 of Pascal VOC
    assert (labels[ROOM] == 0).all()
    palette = picture.getpalette()
    assert palette is not None
    assert palette[8 * 3 : 8 * 3 + 3] == [64, 0, 0]


def test_deeplab_sees_a_person_in_the_astronaut(deeplab_server: Server, astronaut: bytes) -> None:
    summary = deeplab_server.post("/segment", astronaut, output="summary").json()
    largest = max(summary["classes"], key=lambda entry: entry["area"])
    assert largest["label"] == "person"
    assert 0.3 < largest["fraction"] < 0.7


def test_where_a_person_and_a_cat_meet_every_pixel_has_one_class(
    deeplab_server: Server, astronaut: bytes, cat: bytes
) -> None:
    person, animal = opened(astronaut).crop((70, 0, 370, 512)).resize((586, 1000)), opened(cat).resize((1503, 1000))
    both = Image.new("RGB", (1200, 1000))
    both.paste(person, (0, 0))
    both.paste(animal, (586, 0))
    answer = deeplab_server.post("/segment", encoded(both), output="masks", classes=",".join(map(str, range(21))))
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        masks = {name: pixels(archive.read(name)) for name in archive.namelist()}
    assert {"background.png", "person.png", "cat.png"} <= masks.keys()
    assert (np.sum(list(masks.values()), axis=0, dtype=int) == 255).all()
    summary = deeplab_server.post("/segment", encoded(both), output="summary", classes=",".join(map(str, range(21))))
    assert sum(entry["area"] for entry in summary.json()["classes"]) == 1200 * 1000
    sure = pixels(deeplab_server.post("/segment", encoded(both), output="confidence").content)
    assert sure.min() >= 255 // 21


def test_replaced_pixels_equal_the_colour_far_from_the_subject(server: Server, astronaut: bytes) -> None:
    response = server.post("/replace-background", astronaut, model="selfie", color="#1e90ff")
    picture = pixels(response.content)
    assert picture.shape == (512, 512, 3)
    assert (picture[0:40, 440:480] == (0x1E, 0x90, 0xFF)).all()
    original = pixels(astronaut)
    assert np.abs(picture[FACE].astype(int) - original[FACE]).mean() < 1


def test_the_background_blurs_and_the_face_stays_sharp(server: Server, astronaut: bytes) -> None:
    original = pixels(astronaut).astype(int)
    blurred = pixels(server.post("/blur-background", astronaut, model="selfie").content).astype(int)
    assert np.abs(blurred[FACE] - original[FACE]).mean() < 1
    assert roughness(blurred[FLAG]) < 0.5 * roughness(original[FLAG])


def roughness(picture: NDArray[Any]) -> float:
    """The mean difference of neighbouring pixels."""
    return float(np.abs(np.diff(picture, axis=1)).mean())


def test_the_rest_turns_grey_and_the_suit_stays_orange(server: Server, astronaut: bytes) -> None:
    popped = pixels(server.post("/color-pop", astronaut, model="selfie").content).astype(int)
    assert np.ptp(popped[FLAG], axis=-1).max() == 0
    assert np.ptp(popped[300:340, 100:140], axis=-1).mean() > 60


@pytest.mark.parametrize("format_", ["png", "webp", "jpeg"])
def test_every_picture_format_shows_the_same(server: Server, astronaut: bytes, format_: str) -> None:
    response = server.post("/replace-background", astronaut, model="selfie", color="white", format=format_)
    assert response.headers["Content-Type"] == f"image/{format_}"
    picture = opened(response.content)
    assert picture.format == format_.upper()
    assert np.abs(np.asarray(picture.convert("RGB"))[0:40, 440:480].astype(int) - 255).max() <= 2


def test_every_segment_output_can_be_read(server: Server, astronaut: bytes) -> None:
    def segment(**options: str) -> bytes:
        response = server.post("/segment", astronaut, None, model="selfie", **options)
        assert response.status_code == 200, response.text
        return response.content

    labels = pixels(segment())
    arrays = np.load(io.BytesIO(segment(format="npz")), allow_pickle=False)
    assert (arrays["labels"] == labels).all()
    assert arrays["names"].tolist() == ["background", "person"]
    assert [entry["label"] for entry in json.loads(segment(format="json"))["classes"]] == ["background", "person"]
    with zipfile.ZipFile(io.BytesIO(segment(output="masks"))) as archive:
        assert (pixels(archive.read("person.png")) == 255 * (labels == 1)).all()
    entry = json.loads(segment(output="masks", format="json", encoding="polygons"))[0]
    assert entry["area"] == (labels == 1).sum()
    assert pixels(segment(output="overlay")).shape == (512, 512, 3)
    assert pixels(segment(output="confidence"))[FACE].min() > 200


def test_a_white_sheet_has_no_subject(server: Server) -> None:
    sheet = encoded(Image.new("RGB", (300, 200), "white"))
    response = server.post("/remove-background", sheet, model="selfie")
    assert (response.status_code, response.json()["code"]) == (422, "no_foreground")
    empty = server.post("/remove-background", sheet, model="selfie", allow_empty="true")
    assert pixels(empty.content)[..., 3].max() < 128
