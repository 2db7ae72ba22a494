"""Pictures for tests: painted ones with a known answer, and real ones that scikit-image ships."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.fakes import BLUE, DARK, RED

WIDTH, HEIGHT = 200, 120

SUBJECT_BOX = (60, 30, 140, 90)
"""(left, top, right, bottom) of the subject in `painted`."""


def painted(color: tuple[int, int, int] = RED, background: tuple[int, int, int] = DARK) -> Image.Image:
    """A rectangle on a plain ground; wider than high, so that swapped axes show."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), background)
    picture.paste(color, SUBJECT_BOX)
    return picture


def plain(color: tuple[int, int, int]) -> Image.Image:
    return Image.new("RGB", (WIDTH, HEIGHT), color)


def encoded(picture: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def pixels(content: bytes) -> NDArray[Any]:
    return np.asarray(opened(content))


def red_and_blue() -> Image.Image:
    """Red on the left and blue on the right, of different sizes, on a dark ground."""
    picture = plain(DARK)
    picture.paste(RED, (20, 20, 80, 100))
    picture.paste(BLUE, (120, 40, 180, 80))
    return picture


def ring() -> Image.Image:
    """The subject of `painted` with a hole in it."""
    picture = painted()
    picture.paste(DARK, (84, 44, 116, 76))
    return picture


def half_transparent(picture: Image.Image) -> Image.Image:
    """RGBA: the left half is fully transparent, the right half opaque."""
    alpha = Image.new("L", picture.size, 255)
    alpha.paste(0, (0, 0, picture.width // 2, picture.height))
    return Image.merge("RGBA", (*picture.split(), alpha))
