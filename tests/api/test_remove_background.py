"""POST /remove-background: the cutout, its matte, the crop and the subject's box."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from tests.api.asking import ask, ask_for, problem_of
from tests.fakes import BLUE, DARK, RED
from tests.pictures import HEIGHT, SUBJECT_BOX, WIDTH, encoded, half_transparent, opened, painted, pixels, plain

PATH = "/remove-background"
BOX_HEADERS = ("X-Foreground-Left", "X-Foreground-Top", "X-Foreground-Width", "X-Foreground-Height")
EDGE_PX = 4
"""One cell of the 64 x 48 network is 3.1 x 2.5 pixels."""


def on_blue() -> Image.Image:
    """The subject on a ground that the network is certain of: its matte is 0 to 8 bits there."""
    return painted(RED, BLUE)


def matte(client: TestClient, picture: Image.Image, **options: str) -> NDArray[Any]:
    return pixels(ask_for(client, PATH, picture, {"output": "matte", **options}).content)


def box_of(client: TestClient, picture: Image.Image, **options: str) -> tuple[int, int, int, int]:
    """(left, top, right, bottom)"""
    headers = ask_for(client, PATH, picture, options).headers
    left, top, width, height = (int(headers[name]) for name in BOX_HEADERS)
    return left, top, left + width, top + height


def test_a_cutout_is_rgba_opaque_on_the_subject_and_transparent_elsewhere(client: TestClient) -> None:
    answer = ask_for(client, PATH, on_blue())
    picture = opened(answer.content)
    assert (answer.headers["Content-Type"], picture.mode, picture.size) == ("image/png", "RGBA", (WIDTH, HEIGHT))
    cutout = np.asarray(picture)
    left, top, right, bottom = SUBJECT_BOX
    inside = cutout[top + EDGE_PX : bottom - EDGE_PX, left + EDGE_PX : right - EDGE_PX]
    assert (inside == (*RED, 255)).all()
    outside = np.ones((HEIGHT, WIDTH), np.bool_)
    outside[top - EDGE_PX : bottom + EDGE_PX, left - EDGE_PX : right + EDGE_PX] = False
    assert (cutout[outside, 3] == 0).all()


def test_alpha_is_straight_so_colours_at_soft_edges_are_those_of_the_photo(client: TestClient) -> None:
    cutout = pixels(ask_for(client, PATH, on_blue(), {"decontaminate": "false"}).content)
    soft = (cutout[..., 3] > 0) & (cutout[..., 3] < 255)
    assert soft.any()
    assert np.array_equal(cutout[soft][:, :3], np.asarray(on_blue())[soft])


def test_what_was_cut_away_is_not_to_be_had_from_the_file(client: TestClient) -> None:
    cutout = pixels(ask_for(client, PATH, on_blue()).content)
    assert not cutout[cutout[..., 3] == 0].any()


def test_the_matte_is_the_alpha_of_the_cutout(client: TestClient) -> None:
    answer = ask_for(client, PATH, painted(), {"output": "matte"})
    assert opened(answer.content).mode == "L"
    assert np.array_equal(pixels(answer.content), pixels(ask_for(client, PATH, painted()).content)[..., 3])


def test_a_cutout_as_webp_keeps_its_alpha(client: TestClient) -> None:
    cutout = opened(ask_for(client, PATH, painted(), {"format": "webp"}).content)
    assert (cutout.format, cutout.mode) == ("WEBP", "RGBA")
    assert np.array_equal(np.asarray(cutout)[..., 3], matte(client, painted()))


def test_a_matte_may_be_jpeg(client: TestClient) -> None:
    answer = ask_for(client, PATH, painted(), {"output": "matte", "format": "jpeg"})
    assert opened(answer.content).format == "JPEG"


def test_the_alpha_of_the_input_multiplies_into_the_matte(client: TestClient) -> None:
    seen_through = on_blue().convert("RGBA")
    seen_through.putalpha(Image.linear_gradient("L").resize((WIDTH, HEIGHT)).point(lambda level: 200 + level // 5))
    alpha = np.asarray(seen_through.getchannel("A"))
    left, top, right, bottom = SUBJECT_BOX
    inside = np.s_[top + EDGE_PX : bottom - EDGE_PX, left + EDGE_PX : right - EDGE_PX]
    result = matte(client, seen_through)
    assert np.abs(result[inside].astype(int) - alpha[inside]).max() <= 3  # on white, red is not quite as red
    assert not result[:10].any()


def test_what_the_input_hides_is_not_in_the_matte(client: TestClient) -> None:
    result = matte(client, half_transparent(on_blue()))
    assert not result[:, : WIDTH // 2].any()
    assert result[60, 120] == 255


def test_the_box_headers_say_where_the_subject_is(client: TestClient) -> None:
    found = box_of(client, on_blue())
    assert np.abs(np.array(found) - SUBJECT_BOX).max() <= EDGE_PX


def test_a_crop_is_the_box_of_the_headers(client: TestClient) -> None:
    whole = opened(ask_for(client, PATH, on_blue()).content)
    box = box_of(client, on_blue())
    cropped = opened(ask_for(client, PATH, on_blue(), {"crop": "true"}).content)
    assert np.array_equal(np.asarray(cropped), np.asarray(whole.crop(box)))


def test_the_box_is_that_of_the_input_for_a_crop_too(client: TestClient) -> None:
    assert box_of(client, on_blue(), crop="true", margin="5") == box_of(client, on_blue())


@pytest.mark.parametrize(("margin", "grown_px"), [("0", 0), ("7", 7), ("7px", 7), ("10%", 8), ("2.6", 3)])
def test_a_margin_is_pixels_or_percent_of_the_longer_side(client: TestClient, margin: str, grown_px: int) -> None:
    left, top, right, bottom = box_of(client, on_blue())
    assert round(0.1 * max(right - left, bottom - top)) == 8
    whole = opened(ask_for(client, PATH, on_blue()).content)
    cropped = opened(ask_for(client, PATH, on_blue(), {"crop": "true", "margin": margin}).content)
    grown = (left - grown_px, top - grown_px, right + grown_px, bottom + grown_px)
    assert np.array_equal(np.asarray(cropped), np.asarray(whole.crop(grown)))


@pytest.mark.parametrize("margin", ["1000", "500%", "9" * 400])
def test_a_margin_ends_at_the_picture(client: TestClient, margin: str) -> None:
    cropped = opened(ask_for(client, PATH, on_blue(), {"crop": "true", "margin": margin}).content)
    assert cropped.size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("margin", ["-1", "1em", "px", "5%%", "1e3", "nan"])
def test_a_margin_that_is_none_is_a_bad_option(client: TestClient, margin: str) -> None:
    answer = ask(client, PATH, on_blue(), {"crop": "true", "margin": margin})
    assert "margin" in problem_of(answer, 422, "bad_option")["detail"]


def test_a_cropped_matte_has_the_size_of_the_cropped_cutout(client: TestClient) -> None:
    options = {"crop": "true", "margin": "3"}
    cutout = pixels(ask_for(client, PATH, on_blue(), options).content)
    assert np.array_equal(matte(client, on_blue(), **options), cutout[..., 3])


@pytest.mark.parametrize(("keep", "kept"), [("red", (1, 0)), ("blue", (0, 1)), ("1,blue", (1, 1)), ("", (1, 1))])
def test_keep_says_which_classes_are_the_subject(client: TestClient, keep: str, kept: tuple[int, int]) -> None:
    picture = plain(DARK)
    picture.paste(RED, (0, 0, 60, HEIGHT))
    picture.paste(BLUE, (140, 0, WIDTH, HEIGHT))
    result = matte(client, picture, model="tiny-classes", keep=keep)
    assert (int(result[60, 30]), int(result[60, 170])) == (255 * kept[0], 255 * kept[1])
    assert result[60, 100] <= 2


def test_a_class_to_keep_that_the_model_does_not_know_is_a_bad_option(client: TestClient) -> None:
    detail = problem_of(ask(client, PATH, painted(), {"keep": "cat"}), 422, "bad_option")["detail"]
    assert "'cat'" in detail
    assert "subject" in detail


def test_a_picture_without_a_subject_is_no_foreground(client: TestClient) -> None:
    problem_of(ask(client, PATH, plain(BLUE)), 422, "no_foreground")


def test_the_empty_cutout_is_fully_transparent_and_has_no_box(client: TestClient) -> None:
    answer = ask_for(client, PATH, plain(BLUE), {"allow_empty": "true"})
    assert not pixels(answer.content)[..., 3].any()
    assert not [name for name in BOX_HEADERS if name in answer.headers]


def test_a_faint_matte_is_not_stretched_into_a_subject(client: TestClient) -> None:
    faint = plain((60, 0, 0))  # sigmoid(20 * 60 / 255 - 6) = 0.21
    problem_of(ask(client, PATH, faint), 422, "no_foreground")
    assert matte(client, faint, allow_empty="true").max() == pytest.approx(0.215 * 255, abs=3)


def test_the_picture_may_come_in_a_form(client: TestClient) -> None:
    files = {"image": ("photo.png", encoded(on_blue()), "image/png")}
    in_form = client.post(PATH, files=files, data={"crop": "true", "margin": "4"})
    assert in_form.content == ask_for(client, PATH, on_blue(), {"crop": "true", "margin": "4"}).content


@pytest.mark.parametrize("effort", ["fast", "balanced", "best"])
def test_more_looks_find_the_same_subject_in_the_same_place(client: TestClient, effort: str) -> None:
    picture = plain(BLUE)
    picture.paste(RED, (20, 30, 60, 70))
    result = matte(client, picture, effort=effort)
    truth = np.zeros((HEIGHT, WIDTH), np.bool_)
    truth[30:70, 20:60] = True
    wrong = (result >= 128) != truth
    assert wrong.sum() < 0.1 * truth.sum()
    assert not result[:, 80:].any()


def test_each_further_look_is_seen_by_the_network(client: TestClient) -> None:
    def inferred() -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("silhouette_inferred_images_total{"))

    looks = {}
    for effort in ("fast", "balanced", "best"):
        before = inferred()
        matte(client, painted(), effort=effort)
        looks[effort] = inferred() - before
    assert looks == {"fast": 1, "balanced": 2, "best": 4}
