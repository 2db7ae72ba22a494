"""POST /blur-background and POST /color-pop: the subject stays as it was, the rest does not."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from tests.api.asking import ask, ask_for, problem_of
from tests.fakes import BLUE, RED
from tests.pictures import HEIGHT, SUBJECT_BOX, WIDTH, painted, pixels, plain

BLUR, POP = "/blur-background", "/color-pop"


def on_stripes() -> Image.Image:
    """The subject on upright blue stripes, 10 pixels each, that a blur evens out."""
    picture = plain(BLUE)
    for left in range(0, WIDTH, 20):
        picture.paste((20, 20, 130), (left, 0, left + 10, HEIGHT))
    picture.paste(RED, SUBJECT_BOX)
    return picture


def result_of(client: TestClient, path: str, picture: Image.Image, **options: str) -> NDArray[Any]:
    result = pixels(ask_for(client, path, picture, options).content)
    assert result.shape == (HEIGHT, WIDTH, 3)
    return result


def matte(client: TestClient, picture: Image.Image) -> NDArray[Any]:
    return pixels(ask_for(client, "/remove-background", picture, {"output": "matte"}).content)


@pytest.mark.parametrize("path", [BLUR, POP])
def test_the_subject_stays_as_it_was(client: TestClient, path: str) -> None:
    sure = matte(client, on_stripes()) == 255
    assert sure.any()
    assert np.array_equal(result_of(client, path, on_stripes())[sure], np.asarray(on_stripes())[sure])


@pytest.mark.parametrize("strength", ["0.05", "0.25", "1"])
def test_no_red_of_the_subject_is_in_the_blur_beyond_its_matte(client: TestClient, strength: str) -> None:
    picture = painted(RED, BLUE)
    beyond = matte(client, picture) == 0
    result = result_of(client, BLUR, picture, strength=strength)
    assert result[beyond][:, 0].max() <= BLUE[0] + 12
    assert result[beyond][:, 2].min() >= BLUE[2] - 12


def test_the_background_is_blurred_more_with_more_strength(client: TestClient) -> None:
    contrasts = [
        int(np.ptp(result_of(client, BLUR, on_stripes(), strength=strength)[:15, 20:180, 2]))
        for strength in ("0.05", "0.25", "1")
    ]
    assert contrasts[0] > contrasts[1] > contrasts[2]
    assert contrasts[2] < 15 < 60 < contrasts[0]


def test_a_blur_keeps_a_plain_background_as_it_was(client: TestClient) -> None:
    result = result_of(client, BLUR, painted(RED, BLUE), strength="0.5")
    assert np.abs(result[:15].astype(int) - BLUE).max() <= 1


@pytest.mark.parametrize("strength", ["0", "-1", "1.01", "nan", "inf", "much"])
def test_a_strength_that_is_none_is_a_bad_option(client: TestClient, strength: str) -> None:
    assert "strength" in problem_of(ask(client, BLUR, painted(), {"strength": strength}), 422, "bad_option")["detail"]


@pytest.mark.parametrize("strength", ["0.0001", "1e-300"])
def test_hardly_any_strength_leaves_the_photo_as_it_was(client: TestClient, strength: str) -> None:
    result = result_of(client, BLUR, on_stripes(), strength=strength)
    beyond = matte(client, on_stripes()) == 0
    assert np.array_equal(result[beyond], np.asarray(on_stripes())[beyond])


def test_the_rest_is_grey_by_default(client: TestClient) -> None:
    result = result_of(client, POP, painted(RED, BLUE))
    beyond = matte(client, painted(RED, BLUE)) == 0
    assert (np.ptp(result[beyond], axis=1) == 0).all()
    assert tuple(result[60, 100]) == RED


def test_full_saturation_leaves_the_photo_as_it_was(client: TestClient) -> None:
    picture = painted(RED, BLUE)
    assert np.array_equal(result_of(client, POP, picture, saturation="1"), np.asarray(picture))


def test_half_the_saturation_is_half_way_to_grey(client: TestClient) -> None:
    picture = painted(RED, BLUE)
    grey, half = (result_of(client, POP, picture, saturation=value)[5, 5].astype(int) for value in ("0", "0.5"))
    assert np.abs(half - (grey + BLUE) / 2).max() <= 1


@pytest.mark.parametrize("saturation", ["-0.1", "2", "nan", "grey"])
def test_a_saturation_that_is_none_is_a_bad_option(client: TestClient, saturation: str) -> None:
    answer = ask(client, POP, painted(), {"saturation": saturation})
    assert "saturation" in problem_of(answer, 422, "bad_option")["detail"]


@pytest.mark.parametrize("path", [BLUR, POP])
def test_without_a_subject_there_is_no_foreground_or_all_of_it_is_changed(client: TestClient, path: str) -> None:
    problem_of(ask(client, path, plain(BLUE)), 422, "no_foreground")
    result = result_of(client, path, plain(BLUE), allow_empty="true")
    assert (result == result[0, 0]).all()


@pytest.mark.parametrize("path", [BLUR, POP])
@pytest.mark.parametrize("name", ["subject", "background"])
def test_keep_says_what_stays(client: TestClient, path: str, name: str) -> None:
    result = result_of(client, path, on_stripes(), keep=name)
    changed = (result != np.asarray(on_stripes())).any(axis=2)
    assert changed[5, 20:180].any() == (name == "subject")
    if path == POP:
        assert changed[60, 100] == (name == "background")
