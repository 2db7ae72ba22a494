"""`/stream` with a real network and a real photo."""

from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tests.system.serving import Server
from tests.system.streaming import differs, session


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return Image.fromarray(data.astronaut()).resize((640, 480))


def corners_and_face(plane: Any) -> tuple[float, float]:
    """How much subject is in the upper right corner, and in the face."""
    height, width = plane.shape
    return float(plane[: height // 8, -width // 8 :].mean()), float(plane[height // 5, int(width * 0.44)])


def test_selfie_finds_the_astronaut_in_every_mode(server: Server, portrait: Image.Image) -> None:
    options = {"effect": "replace-background", "options": {"color": "#1e90ff"}}
    with session(server, portrait.size, model="selfie", output="both", **options) as (camera, ready):
        assert (ready["model"], ready["matte_width"], ready["matte_height"]) == ("selfie@1", 256, 256)
        camera.film(0, portrait)
        result = camera.see()
        camera.tell(type="update", output="matte")
        camera.hear()
        camera.film(1, portrait)
        alone = camera.see().matte
    corner, face = corners_and_face(result.matte)
    assert corner < 30
    assert face > 230
    assert np.abs(alone.astype(int) - result.matte).mean() < 3  # the JPEG was read at half its size
    picture = result.composite
    assert picture.size == portrait.size
    assert differs(picture, (630, 10), (0x1E, 0x90, 0xFF)) < 25
    assert differs(picture, (282, 100), portrait.getpixel((282, 100))) < 40


def test_another_scene_is_told_and_its_matte_is_its_own(server: Server, portrait: Image.Image) -> None:
    cup = Image.fromarray(data.coffee()).resize(portrait.size)
    with session(server, portrait.size, model="selfie") as (camera, _):
        results = []
        for seq, picture in enumerate([portrait, portrait, cup, cup]):
            camera.film(seq, picture)
            results.append(camera.see())
    assert [result.header["scene_cut"] for result in results] == [False, False, True, False]
    assert corners_and_face(results[1].matte)[1] > 230
    assert results[2].matte.mean() < 0.5 * results[1].matte.mean()
