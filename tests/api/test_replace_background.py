"""POST /replace-background: a colour or a picture behind the subject."""

from typing import Any

import numpy as np
import pytest
from httpx2 import Response
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from tests.api.asking import ask, ask_for, problem_of
from tests.fakes import BLUE, RED
from tests.pictures import HEIGHT, WIDTH, encoded, half_transparent, opened, painted, pixels, plain

PATH = "/replace-background"
GREEN, YELLOW = (0, 200, 0), (200, 200, 0)


def on_blue() -> Image.Image:
    """The subject on a ground that the network is certain of: its matte is 0 to 8 bits there."""
    return painted(RED, BLUE)


def ask_with(client: TestClient, background: Image.Image | bytes, accept: str = "*/*", **options: str) -> Response:
    content = background if isinstance(background, bytes) else encoded(background)
    files = {"image": ("a.png", encoded(on_blue()), "image/png"), "background": ("b.png", content, "image/png")}
    return client.post(PATH, files=files, data=options, headers={"Accept": accept})


def replaced(client: TestClient, background: Image.Image, **options: str) -> NDArray[Any]:
    answer = ask_with(client, background, **options)
    assert answer.status_code == 200, answer.content[:500]
    result = pixels(answer.content)
    assert result.shape[:2] == (HEIGHT, WIDTH)
    assert result[60, 100, :3].tolist() == list(RED)
    return result


def two_halves(size: tuple[int, int]) -> Image.Image:
    """Green above, yellow below."""
    picture = Image.new("RGB", size, GREEN)
    picture.paste(YELLOW, (0, size[1] // 2, *size))
    return picture


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ("#f80", (255, 136, 0)),
        ("f80", (255, 136, 0)),
        ("#1e90ff", (30, 144, 255)),
        ("1E90FF", (30, 144, 255)),
        ("#ff88ccff", (255, 136, 204)),
        ("f8cf", (255, 136, 204)),
        ("white", (255, 255, 255)),
        ("DodgerBlue", (30, 144, 255)),
        ("rebeccapurple", (102, 51, 153)),
    ],
)
def test_an_opaque_colour_is_exact_far_from_the_subject(
    client: TestClient, color: str, expected: tuple[int, int, int]
) -> None:
    result = pixels(ask_for(client, PATH, on_blue(), {"color": color}).content)
    assert result.shape == (HEIGHT, WIDTH, 3)
    assert (result[:20] == expected).all()
    assert (result[:, :50] == expected).all()
    assert tuple(result[60, 100]) == RED


@pytest.mark.parametrize(
    ("color", "expected"),
    [("#f808", (255, 136, 0, 136)), ("1e90ff40", (30, 144, 255, 64)), ("#00000000", (0, 0, 0, 0))],
)
def test_a_translucent_colour_gives_rgba(client: TestClient, color: str, expected: tuple[int, int, int, int]) -> None:
    result = pixels(ask_for(client, PATH, on_blue(), {"color": color}).content)
    assert result.shape == (HEIGHT, WIDTH, 4)
    assert (result[:20] == expected).all()
    assert tuple(result[60, 100]) == (*RED, 255)


@pytest.mark.parametrize("color", ["transparent", "Transparent"])
def test_transparent_leaves_nothing_behind_the_subject(client: TestClient, color: str) -> None:
    result = pixels(ask_for(client, PATH, on_blue(), {"color": color}).content)
    assert (result[:20, :, 3] == 0).all()
    assert tuple(result[60, 100]) == (*RED, 255)


@pytest.mark.parametrize("color", ["#12", "#12345", "#ggg", "notacolour", "#", "rgb(99999999999999999999,0,0)"])
def test_a_colour_that_is_none_is_a_bad_option(client: TestClient, color: str) -> None:
    detail = problem_of(ask(client, PATH, on_blue(), {"color": color}), 422, "bad_option")["detail"]
    assert "color" in detail


def test_the_edge_mixes_subject_and_colour_by_the_matte(client: TestClient) -> None:
    matte = pixels(ask_for(client, "/remove-background", on_blue(), {"output": "matte"}).content)
    alpha = matte[..., np.newaxis] / 255
    expected = alpha * np.asarray(on_blue()) + (1 - alpha) * np.array(GREEN)
    result = pixels(ask_for(client, PATH, on_blue(), {"color": "#00c800", "decontaminate": "false"}).content)
    assert np.abs(result - expected).max() <= 1


def test_cover_fills_the_photo_and_crops_the_background(client: TestClient) -> None:
    result = replaced(client, two_halves((100, 200)), fit="cover")
    assert result.shape == (HEIGHT, WIDTH, 3)
    assert (result[:20] == GREEN).all()
    assert (result[-20:] == YELLOW).all()


def test_cover_is_the_default(client: TestClient) -> None:
    background = two_halves((100, 200))
    assert np.array_equal(replaced(client, background), replaced(client, background, fit="cover"))


def test_contain_shows_the_whole_background_and_fills_up_with_black(client: TestClient) -> None:
    result = replaced(client, plain(GREEN).resize((100, 200)), fit="contain")  # 60 x 120, centred
    assert (result[:20, :65] == 0).all()
    assert (result[:20, 135:] == 0).all()
    assert (result[60, :50] == 0).all()
    assert (result[:20, 75:125] == GREEN).all()


def test_stretch_shows_the_whole_background_at_the_photos_aspect(client: TestClient) -> None:
    result = replaced(client, two_halves((50, 400)).rotate(90, expand=True), fit="stretch")
    assert (result[:, 5:40] == GREEN).all()
    assert (result[:, 160:195] == YELLOW).all()
    result = replaced(client, two_halves((50, 400)), fit="stretch")
    assert (result[5:25] == GREEN).all()
    assert (result[95:115] == YELLOW).all()


def test_tile_repeats_the_background_at_its_own_size(client: TestClient) -> None:
    tile = Image.new("RGB", (16, 10), GREEN)
    tile.paste(YELLOW, (8, 0, 16, 10))
    result = replaced(client, tile, fit="tile")
    expected = np.tile(np.asarray(tile), (12, 13, 1))[:HEIGHT, :WIDTH]
    assert np.array_equal(result[:20], expected[:20])
    assert np.array_equal(result[-20:], expected[-20:])


def test_an_unknown_fit_is_a_bad_option(client: TestClient) -> None:
    assert "fit" in problem_of(ask_with(client, plain(GREEN), fit="zoom"), 422, "bad_option")["detail"]


def test_a_background_with_transparency_stays_transparent_behind_the_subject(client: TestClient) -> None:
    result = replaced(client, half_transparent(plain(GREEN)))
    assert result.shape == (HEIGHT, WIDTH, 4)
    assert (result[:20, :95, 3] == 0).all()
    assert (result[:20, 105:] == (*GREEN, 255)).all()


def test_a_background_that_is_transparent_is_not_jpeg(client: TestClient) -> None:
    problem_of(ask_with(client, half_transparent(plain(GREEN)), format="jpeg"), 406, "not_acceptable")


def test_a_background_that_is_transparent_comes_as_what_else_is_accepted(client: TestClient) -> None:
    answer = ask_with(client, half_transparent(plain(GREEN)), accept="image/jpeg, image/png;q=0.5")
    assert answer.status_code == 200, answer.content[:500]
    assert opened(answer.content).mode == "RGBA"


@pytest.mark.parametrize(("color", "formats"), [("white", 3), ("transparent", 2), ("#fff8", 2)])
def test_jpeg_is_for_opaque_colours_only(client: TestClient, color: str, formats: int) -> None:
    answers = [ask(client, PATH, on_blue(), {"color": color, "format": name}) for name in ("png", "webp", "jpeg")]
    assert [answer.status_code for answer in answers] == [200] * formats + [406] * (3 - formats)


def test_neither_colour_nor_background_is_a_bad_option(client: TestClient) -> None:
    problem_of(ask(client, PATH, on_blue(), {"color": ""}), 422, "bad_option")


def test_both_colour_and_background_are_a_bad_option(client: TestClient) -> None:
    problem_of(ask_with(client, plain(GREEN), color="white"), 422, "bad_option")


def test_a_background_that_came_as_text_is_not_passed_over(client: TestClient) -> None:
    files = {"image": ("a.png", encoded(on_blue()), "image/png")}
    answer = client.post(PATH, files=files, data={"background": "beach.jpg", "color": "white"})
    assert "background" in problem_of(answer, 422, "bad_option")["detail"]


def test_what_is_wrong_with_the_background_is_not_said_of_the_photo(client: TestClient) -> None:
    problem = problem_of(ask_with(client, b"no picture"), 415, "unsupported_image")
    assert problem["detail"].startswith("background: ")


@pytest.mark.parametrize(
    ("background", "status", "code"),
    [
        (b"no picture", 415, "unsupported_image"),
        (encoded(plain(GREEN))[:60], 422, "truncated_image"),
    ],
)
def test_a_background_that_cannot_be_read_is_refused_like_an_image(
    client: TestClient, background: bytes, status: int, code: str
) -> None:
    problem_of(ask_with(client, background), status, code)


def test_without_a_subject_there_is_no_foreground_or_only_the_background(client: TestClient) -> None:
    problem_of(ask(client, PATH, plain(BLUE)), 422, "no_foreground")
    empty = pixels(ask_for(client, PATH, plain(BLUE), {"color": "#00c800", "allow_empty": "true"}).content)
    assert (empty == GREEN).all()
