"""Cutouts and mattes, cropped or not."""

import numpy as np
import pytest

from service.operations.options import parse_options
from service.operations.remove_background import RemoveBackgroundOptions, cutout
from tests.unit.operations.scenes import AS_IT_WAS, SIZE, gradient, noise, scene


def test_a_cutout_has_the_photo_s_colours_and_the_matte_as_straight_alpha() -> None:
    photo = noise()
    result = cutout(scene(photo, gradient()), parse_options(RemoveBackgroundOptions, AS_IT_WAS))
    assert result.mode == "RGBA"
    colors, alpha = np.asarray(result)[..., :3], np.asarray(result)[..., 3]
    assert np.array_equal(alpha, np.rint(gradient() * 255))
    assert np.array_equal(colors[alpha > 0], np.asarray(photo)[alpha > 0])
    assert not colors[alpha == 0].any()  # whoever is cut out must not be found under the transparent pixels


def test_the_matte_alone_is_grey() -> None:
    result = cutout(scene(noise(), gradient()), parse_options(RemoveBackgroundOptions, {"output": "matte"}))
    assert result.mode == "L"
    assert np.array_equal(np.asarray(result), np.rint(gradient() * 255))


@pytest.mark.parametrize(
    ("margin", "box"),
    [
        ("0", (50, 30, 90, 60)),
        ("7", (43, 23, 97, 67)),
        ("7px", (43, 23, 97, 67)),
        ("10%", (46, 26, 94, 64)),
        ("45", (5, 0, 135, 100)),
        ("9999", (0, 0, 160, 100)),
    ],
)
@pytest.mark.parametrize("output", ["cutout", "matte"])
def test_cropping_keeps_the_subject_and_its_margin(output: str, margin: str, box: tuple[int, int, int, int]) -> None:
    soft = np.zeros(SIZE[::-1], np.float32)
    soft[30:60, 50:90] = 1
    seen = scene(noise(), soft)
    whole = cutout(seen, parse_options(RemoveBackgroundOptions, {"output": output}))
    options = parse_options(RemoveBackgroundOptions, {"output": output, "crop": True, "margin": margin})
    assert np.array_equal(np.asarray(cutout(seen, options)), np.asarray(whole.crop(box)))


def test_cropping_to_no_subject_keeps_the_whole_picture() -> None:
    empty = scene(noise(), np.zeros(SIZE[::-1], np.float32))
    assert cutout(empty, parse_options(RemoveBackgroundOptions, {"crop": True})).size == SIZE
