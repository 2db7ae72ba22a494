"""Every result has the input's upright size, whatever its shape, and nothing of its metadata."""

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.api.asking import EFFECTS, ask_for
from tests.fakes import DARK, RED
from tests.pictures import encoded, opened, painted, pixels

ORIENTATION, DESCRIPTION = 0x0112, 0x010E

SIZES = [(1, 1), (1, 300), (3000, 1), (2, 3), (64, 48), (65, 65), (201, 77), (333, 1001)]


def red_inside(size: tuple[int, int]) -> Image.Image:
    """All red, but for a dark frame where there is room for one."""
    picture = Image.new("RGB", size, RED)
    if min(size) > 10:
        picture.paste(DARK, (0, 0, size[0] // 4, size[1]))
    return picture


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("path", ["/segment", *EFFECTS])
def test_a_result_has_the_size_of_its_input(client: TestClient, path: str, size: tuple[int, int]) -> None:
    assert opened(ask_for(client, path, red_inside(size)).content).size == size


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (2, 900)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_strongest_blur_keeps_the_size_of_slivers(client: TestClient, size: tuple[int, int]) -> None:
    answer = ask_for(client, "/blur-background", red_inside(size), {"strength": "1"})
    assert opened(answer.content).size == size


@pytest.mark.parametrize("output", ["labels", "mask", "overlay", "confidence"])
def test_every_output_of_segment_has_the_size_of_its_input(client: TestClient, output: str) -> None:
    assert opened(ask_for(client, "/segment", red_inside((201, 77)), {"output": output}).content).size == (201, 77)


@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_results_are_upright_for_every_exif_orientation(
    client: TestClient, orientation: int, undo: Image.Transpose | None
) -> None:
    upright = Image.new("RGB", (200, 120), DARK)
    upright.paste(RED, (0, 0, 60, 40))  # one corner, so that each orientation differs
    stored = upright if undo is None else upright.transpose(undo)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    expected = pixels(ask_for(client, "/segment", upright, {"output": "mask"}).content)
    result = pixels(ask_for(client, "/segment", encoded(stored, exif=exif), {"output": "mask"}).content)
    assert result.shape == (120, 200)
    assert (result == expected).mean() > 0.98  # the network may see another edge pixel


@pytest.mark.parametrize("format_", ["png", "webp"])
@pytest.mark.parametrize("path", EFFECTS)
def test_nothing_of_the_metadata_is_in_the_result(client: TestClient, path: str, format_: str) -> None:
    exif = Image.Exif()
    exif[DESCRIPTION] = "where I live"
    photo = encoded(painted(), "JPEG", exif=exif, comment=b"who I am")
    answer = ask_for(client, path, photo, {"format": format_})
    assert b"where I live" not in answer.content
    assert b"who I am" not in answer.content
    assert not opened(answer.content).getexif()


def test_the_first_frame_of_an_animation_counts(client: TestClient) -> None:
    film = encoded(painted(), "GIF", save_all=True, append_images=[Image.new("RGB", (200, 120), DARK)])
    mask = pixels(ask_for(client, "/segment", film, {"output": "mask"}).content)
    assert np.count_nonzero(mask) == pytest.approx(80 * 60, rel=0.1)
