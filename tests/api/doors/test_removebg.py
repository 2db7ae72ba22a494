"""The door for clients of remove.bg: its results. How requests come and are refused is in test_removebg_wire.py."""

import zipfile
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient

from service.pixels.matting import subject_box
from tests.fakes import BLUE, DARK, RED
from tests.pictures import HEIGHT, SUBJECT_BOX, WIDTH, encoded, opened, painted, pixels

PATH = "/v1.0/removebg"
FAINT = 4
"""Of 255: what the tiny network still sees of a dark ground."""

EDGE_PX = 4
"""One cell of the 64 x 48 network is 3.1 x 2.5 pixels."""

SUBJECT_WIDTH, SUBJECT_HEIGHT = SUBJECT_BOX[2] - SUBJECT_BOX[0], SUBJECT_BOX[3] - SUBJECT_BOX[1]


def on_blue() -> Image.Image:
    """The subject on a ground that the network is certain of: its matte is 0 there."""
    return painted(RED, BLUE)


def remove(client: TestClient, picture: Image.Image | None = None, files: Any = None, /, **fields: str) -> Response:
    sent = {"image_file": ("photo.png", encoded(picture or on_blue())), **(files or {})}
    answer = client.post(PATH, files=sent, data=fields)
    assert answer.status_code == 200, answer.text
    return answer


def result(client: TestClient, picture: Image.Image | None = None, files: Any = None, /, **fields: str) -> Any:
    """(height, width, channels)"""
    return pixels(remove(client, picture, files, **fields).content)


def size_of(answer: Response) -> tuple[int, int]:
    """(width, height), as the headers and the picture say."""
    told = int(answer.headers["X-Width"]), int(answer.headers["X-Height"])
    assert opened(answer.content).size == told
    return told


def near(one: tuple[int, ...], other: tuple[int, ...], px: int = EDGE_PX) -> bool:
    return all(abs(a - b) <= px for a, b in zip(one, other, strict=True))


def test_the_answer_is_a_cutout_with_straight_alpha_as_large_as_the_photo(client: TestClient) -> None:
    answer = remove(client)
    assert answer.headers["Content-Type"] == "image/png"
    assert size_of(answer) == (WIDTH, HEIGHT)
    cutout = pixels(answer.content)
    assert cutout[60, 100].tolist() == [*RED, 255]
    assert cutout[10, 10].tolist() == [0, 0, 0, 0]


def test_headers_tell_the_size_the_type_the_credits_and_where_the_foreground_is(client: TestClient) -> None:
    headers = remove(client).headers
    assert (headers["X-Credits-Charged"], headers["X-Type"]) == ("0", "other")
    assert (headers["X-Max-Width"], headers["X-Max-Height"]) == (str(WIDTH), str(HEIGHT))
    left, top, width, height = (int(headers[f"X-Foreground-{side}"]) for side in ("Left", "Top", "Width", "Height"))
    assert near((left, top, left + width, top + height), SUBJECT_BOX)
    assert "X-RateLimit-Limit" not in headers
    assert "X-Ignored-Params" not in headers


def test_a_type_level_of_none_tells_no_type(client: TestClient) -> None:
    assert "X-Type" not in remove(client, type_level="none").headers


@pytest.mark.parametrize(
    ("size", "most"), [(None, 250_000), ("small", 250_000), ("medium", 1_500_000), ("hd", 4_000_000), ("full", None)]
)
def test_a_large_photo_comes_back_at_the_megapixels_of_its_size(
    client: TestClient, size: str | None, most: int | None
) -> None:
    photo = on_blue().resize((3000, 1800))
    answer = remove(client, photo, **({"size": size} if size else {}))
    width, height = size_of(answer)
    assert width / height == pytest.approx(5 / 3, rel=0.01)
    assert (width, height) == (3000, 1800) if most is None else 0.98 * most < width * height <= most
    assert (answer.headers["X-Max-Width"], answer.headers["X-Max-Height"]) == ("3000", "1800")
    found = tuple(int(answer.headers[f"X-Foreground-{side}"]) for side in ("Left", "Top", "Width", "Height"))
    assert near(found, (900, 450, 1200, 900), 60), "the foreground is told in the pixels of the photo"


def test_a_small_photo_is_never_enlarged(client: TestClient) -> None:
    assert size_of(remove(client, size="50MP")) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("format_", "media_type"), [("jpg", "image/jpeg"), ("webp", "image/webp"), ("png", "image/png")]
)
def test_a_format_is_what_was_asked_for(client: TestClient, format_: str, media_type: str) -> None:
    assert remove(client, format=format_).headers["Content-Type"] == media_type


def test_jpeg_has_white_where_nothing_is(client: TestClient) -> None:
    assert np.allclose(result(client, format="jpg")[10, 10], 255, atol=2)


@pytest.mark.parametrize(
    ("fields", "media_type"),
    [
        ({}, "image/png"),
        ({"bg_color": "fff"}, "image/jpeg"),
        ({"bg_color": "ffffff80"}, "image/png"),
        ({"channels": "alpha"}, "image/png"),
        ({"channels": "alpha", "bg_color": "fff"}, "image/png"),
    ],
)
def test_auto_is_png_where_anything_is_transparent_else_jpeg(
    client: TestClient, fields: dict[str, str], media_type: str
) -> None:
    assert remove(client, **fields).headers["Content-Type"] == media_type


def test_the_alpha_channel_alone_is_a_grey_picture_equal_to_the_alpha_of_the_cutout(client: TestClient) -> None:
    alpha = result(client, channels="alpha")
    assert alpha.shape == (HEIGHT, WIDTH)
    assert np.array_equal(alpha, result(client)[..., 3])


def unzipped(answer: Response) -> tuple[Image.Image, Image.Image]:
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["color.jpg", "alpha.png"]
        color, alpha = opened(archive.read("color.jpg")), opened(archive.read("alpha.png"))
    assert (color.format, color.mode, alpha.format, alpha.mode) == ("JPEG", "RGB", "PNG", "L")
    return color, alpha


def test_a_zip_has_colours_and_alpha_that_make_the_cutout_again(client: TestClient) -> None:
    answer = remove(client, format="zip")
    color, alpha = unzipped(answer)
    assert color.size == alpha.size == (int(answer.headers["X-Width"]), int(answer.headers["X-Height"]))
    cutout = result(client)
    assert np.array_equal(np.asarray(alpha), cutout[..., 3])
    shown = cutout[..., 3] > 0
    off = np.abs(np.asarray(color)[shown].astype(int) - cutout[..., :3][shown])
    assert (off.mean(), off.max()) < (2, 24)


def test_the_colours_of_a_zip_have_nothing_of_what_was_cut_away(client: TestClient) -> None:
    color, _ = unzipped(remove(client, format="zip"))
    assert np.asarray(color)[..., 2].max() < 100, "the ground was blue"


def test_a_cropped_result_is_the_subject_with_its_margin(client: TestClient) -> None:
    assert near(size_of(remove(client, crop="true")), (SUBJECT_WIDTH, SUBJECT_HEIGHT), 2 * EDGE_PX)
    bare = np.array(size_of(remove(client, crop="true")))
    wider = np.array(size_of(remove(client, crop="true", crop_margin="7px 3px 1px 30px")))
    assert (wider - bare).tolist() == [33, 8]
    halves = np.array(size_of(remove(client, crop="true", crop_margin="50%")))
    assert halves.tolist() == pytest.approx((2 * bare).tolist(), abs=1)


def test_a_scaled_subject_fills_its_share_of_the_canvas_in_the_middle(client: TestClient) -> None:
    cutout = result(client, scale="50%")
    assert cutout.shape[:2] == (HEIGHT, WIDTH)
    left, top, right, bottom = subject_box(Image.fromarray(cutout[..., 3])) or (0, 0, 0, 0)
    assert (left + right, top + bottom) == pytest.approx((WIDTH, HEIGHT), abs=2)
    assert bottom - top == pytest.approx(HEIGHT / 2, abs=2)


def test_a_position_moves_the_subject(client: TestClient) -> None:
    alpha = result(client, position="0% 100%")[..., 3]
    assert alpha[HEIGHT - EDGE_PX - 1, EDGE_PX] == 255
    assert not alpha[: HEIGHT - SUBJECT_HEIGHT - 2 * EDGE_PX].any()


def test_outside_of_the_region_everything_is_background(client: TestClient) -> None:
    answer = remove(client, roi="0px 0px 100px 120px")
    assert size_of(answer) == (WIDTH, HEIGHT)
    alpha = pixels(answer.content)[..., 3]
    assert alpha[60, 90] == 255
    assert not alpha[:, 100:].any()
    found = tuple(int(answer.headers[f"X-Foreground-{side}"]) for side in ("Left", "Top", "Width", "Height"))
    assert near(found, (60, 30, 40, 60))


def test_a_colour_lies_behind_the_subject(client: TestClient) -> None:
    shown = result(client, bg_color="#0f0", format="png")
    assert shown[10, 10].tolist() == [0, 255, 0]
    assert result(client, bg_color="00ff0080")[10, 10].tolist() == [0, 255, 0, 128]


def test_a_picture_fills_the_canvas_behind_the_subject(client: TestClient) -> None:
    stripes = Image.new("RGB", (400, 120), (0, 255, 0))
    stripes.paste((255, 255, 0), (0, 0, 100, 120))
    stripes.paste((255, 255, 0), (300, 0, 400, 120))
    files = {"bg_image_file": ("ground.png", encoded(stripes))}
    shown = result(client, None, files, format="png")
    assert shown.shape == (HEIGHT, WIDTH, 3)
    assert (shown[5] == (0, 255, 0)).all(), "what is wider than the canvas is cut on both sides"
    assert shown[60, 100].tolist() == list(RED)


def test_a_background_of_the_canvas_size_is_taken_as_it_is(client: TestClient) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    files = {"bg_image_file": ("ground.png", encoded(Image.fromarray(noise)))}
    assert np.array_equal(result(client, None, files, format="png")[:20], noise[:20])


@pytest.mark.parametrize("shadow", ["drop", "3D", "car", "auto"])
def test_a_shadow_darkens_the_ground_below_the_subject(client: TestClient, shadow: str) -> None:
    shaded, bare = result(client, shadow_type=shadow, shadow_opacity="80"), result(client, shadow_type="none")
    below, above = np.s_[SUBJECT_BOX[3] + EDGE_PX :], np.s_[: SUBJECT_BOX[1] - EDGE_PX]
    assert not bare[below].any()
    assert shaded[below][..., 3].any()
    assert not shaded[below][..., :3].any(), "it is black"
    assert not shaded[above].any()
    assert np.array_equal(result(client, shadow_type=shadow, shadow_opacity="0"), bare)


def test_cropping_leaves_the_shadow_whole(client: TestClient) -> None:
    bare, shaded = result(client, crop="true"), result(client, crop="true", shadow_type="drop")
    assert shaded.shape[0] > bare.shape[0]
    assert shaded[-1, :, 3].max() < 40, "it has faded before the border"


def test_what_nobody_here_can_know_is_told_as_ignored(client: TestClient) -> None:
    answer = remove(client, type="person", semitransparency="true", add_shadow="true", despeckle="yes", type_level="2")
    assert answer.headers["X-Ignored-Params"] == "type,semitransparency,despeckle"
    assert remove(client, add_shadow="true").headers["X-Ignored-Params"] == "shadow_type"
    assert "X-Ignored-Params" not in remove(client, type="auto", semitransparency="false", size="full").headers


def test_a_shadow_for_one_type_is_for_whoever_says_that_it_is_of_that_type(client: TestClient) -> None:
    shaded = result(client, type="car", **{"shadow_type[car]": "drop"})
    assert shaded[SUBJECT_BOX[3] + EDGE_PX, 100, 3] > 10
    assert not result(client, type="person", **{"shadow_type[car]": "drop"})[SUBJECT_BOX[3] + EDGE_PX, 100].any()


def test_a_photo_that_is_transparent_itself_stays_so(client: TestClient) -> None:
    photo = on_blue().convert("RGBA")
    photo.putalpha(Image.new("L", photo.size, 128))
    assert result(client, photo)[60, 100].tolist() == pytest.approx([*RED, 128], abs=20), "the network sees it on white"


def test_the_dark_is_faint(client: TestClient) -> None:
    assert result(client, painted(RED, DARK))[10, 10, 3] < FAINT
