"""POST /segment with output=overlay and output=confidence, and the threshold of sigmoid heads."""

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.api.asking import ask, ask_for, problem_of
from tests.fakes import BLUE, DARK, RED
from tests.pictures import HEIGHT, WIDTH, opened, painted, pixels, plain, red_and_blue

RED_CLASS, BLUE_CLASS = (128, 0, 0), (0, 0, 128)


def test_an_overlay_blends_the_colours_of_the_classes_over_the_photo(client: TestClient) -> None:
    result = pixels(ask_for(client, "/segment", red_and_blue(), {"output": "overlay", "opacity": "0.5"}).content)
    assert result.shape == (HEIGHT, WIDTH, 3)
    for x, photo, color in ((50, RED, RED_CLASS), (150, BLUE, BLUE_CLASS), (100, DARK, DARK)):
        expected = (np.array(photo) + np.array(color)) / 2
        assert np.abs(result[60, x] - expected).max() <= 1


def test_an_overlay_of_opacity_0_is_the_photo(client: TestClient) -> None:
    result = pixels(ask_for(client, "/segment", red_and_blue(), {"output": "overlay", "opacity": "0"}).content)
    assert np.array_equal(result, np.asarray(red_and_blue()))


def test_an_overlay_of_opacity_1_is_the_colour_of_the_class_and_leaves_the_rest(client: TestClient) -> None:
    options = {"output": "overlay", "opacity": "1", "classes": "red"}
    result = pixels(ask_for(client, "/segment", red_and_blue(), options).content)
    assert (tuple(result[60, 50]), tuple(result[60, 150]), tuple(result[60, 100])) == (RED_CLASS, BLUE, DARK)


@pytest.mark.parametrize("opacity", ["-0.1", "1.1", "nan", "strong"])
def test_an_opacity_that_is_none_is_a_bad_option(client: TestClient, opacity: str) -> None:
    answer = ask(client, "/segment", red_and_blue(), {"output": "overlay", "opacity": opacity})
    assert "opacity" in problem_of(answer, 422, "bad_option")["detail"]


def test_confidence_is_8_bit_grey_high_inside_and_lower_at_borders(client: TestClient) -> None:
    picture = opened(ask_for(client, "/segment", red_and_blue(), {"output": "confidence"}).content)
    assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (WIDTH, HEIGHT))
    confidence = np.asarray(picture)
    assert confidence[60, 50] == confidence[60, 150] == 255
    # The logits of red and background cross here; the nearest pixel is at most half a pixel away: 8.2 / 3 of a logit.
    assert confidence[60, 75:85].min() < 245


def test_confidence_of_a_sigmoid_head_is_that_of_the_class_that_was_decided(client: TestClient) -> None:
    options = {"output": "confidence", "model": "tiny-subject"}
    confidence = pixels(ask_for(client, "/segment", painted(), options).content)
    assert confidence[5, 5] == 254  # background: 1 - sigmoid(-6) = 0.9975
    assert confidence[60, 100] == 255
    assert confidence.min() >= 127


def test_a_higher_threshold_leaves_less_foreground(client: TestClient) -> None:
    areas = []
    for threshold in ("0.1", "0.5", "0.9"):
        options = {"output": "summary", "model": "tiny-subject", "threshold": threshold}
        areas.append(ask_for(client, "/segment", painted(), options).json()["classes"][0]["area"])
    assert areas[0] > areas[1] > areas[2] > 0


@pytest.mark.parametrize("threshold", ["0", "1", "-1", "nan", "half"])
def test_a_threshold_that_is_none_is_a_bad_option(client: TestClient, threshold: str) -> None:
    answer = ask(client, "/segment", painted(), {"threshold": threshold})
    assert "threshold" in problem_of(answer, 422, "bad_option")["detail"]


def test_a_faint_subject_is_not_stretched_into_a_sure_one(client: TestClient) -> None:
    faint = plain((60, 0, 0))  # sigmoid(20 * 60 / 255 - 6) = 0.21, the highest value in the picture
    problem_of(ask(client, "/segment", faint, {"model": "tiny-subject"}), 422, "no_foreground")


@pytest.mark.parametrize("format_", ["png", "webp", "jpeg"])
@pytest.mark.parametrize("output", ["overlay", "confidence"])
def test_pictures_come_in_three_formats(client: TestClient, output: str, format_: str) -> None:
    answer = ask_for(client, "/segment", red_and_blue(), {"output": output, "format": format_})
    assert answer.headers["Content-Type"] == f"image/{format_}"
    assert opened(answer.content).format == format_.upper()


def test_a_lower_quality_makes_fewer_bytes(client: TestClient) -> None:
    sizes = [
        len(ask_for(client, "/segment", red_and_blue(), {"output": "overlay", "format": "jpeg", "quality": q}).content)
        for q in ("10", "100")
    ]
    assert sizes[0] < sizes[1]
