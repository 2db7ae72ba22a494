"""Films for Chromium's fake camera, in YUV4MPEG2: a real person who sways before a wall that is not her own.

Source: https://wiki.multimedia.cx/index.php/YUV4MPEG2.
"""

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from skimage import data

WIDTH, HEIGHT = 640, 480
FRAMES_PER_S = 30
FRAMES = 30
SWAY_PX = 20

TOP_OF_WALL, FOOT_OF_WALL = (176, 168, 150), (120, 112, 98)

# fmt: off
OUTLINE = [
    (183, 130), (170, 120), (158, 105), (153, 85), (156, 62), (170, 48), (188, 38), (205, 22), (230, 15), (255, 20),
    (278, 32), (294, 52), (301, 80), (298, 105), (288, 125), (276, 136), (264, 140), (257, 165), (258, 178), (285, 200),
    (300, 225), (304, 240), (320, 245), (335, 262), (343, 280), (352, 300), (361, 345), (340, 358), (315, 375),
    (298, 395), (284, 420), (278, 455), (278, 512), (20, 512), (25, 450), (19, 400), (25, 350), (35, 315), (42, 280),
    (60, 250), (85, 230), (112, 208), (113, 190), (122, 172), (140, 156), (165, 148), (184, 150),
]
"""Of the astronaut in scikit-image's picture, without helmet, flag and shuttle; in pixels, drawn by hand."""
# fmt: on

MIDDLE_PX = 190
"""Of the astronaut, from the left of her picture."""


def write_film(path: Path) -> Path:
    """One second of the astronaut who sways from side to side, again and again without a jump."""
    with path.open("wb") as film:
        film.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n" % (WIDTH, HEIGHT, FRAMES_PER_S))
        for scene in scenes(FRAMES):
            film.write(b"FRAME\n" + _planes(scene))
    return path


def scenes(count: int) -> list[Image.Image]:
    """Once from side to side."""
    person = _person()
    return [_scene(person, math.sin(2 * math.pi * number / count)) for number in range(count)]


def _person() -> Image.Image:
    """RGBA."""
    picture = Image.fromarray(data.astronaut())
    matte = Image.new("L", picture.size)
    ImageDraw.Draw(matte).polygon(OUTLINE, fill=255)
    picture.putalpha(matte.filter(ImageFilter.GaussianBlur(1.5)))
    return picture


def _scene(person: Image.Image, sway: float) -> Image.Image:
    """`sway` is -1 to 1, from left to right."""
    scene = Image.composite(
        Image.new("RGB", (WIDTH, HEIGHT), FOOT_OF_WALL),
        Image.new("RGB", (WIDTH, HEIGHT), TOP_OF_WALL),
        Image.linear_gradient("L").resize((WIDTH, HEIGHT)),
    )
    left = WIDTH // 2 - MIDDLE_PX + round(SWAY_PX * sway)
    scene.paste(person, (left, HEIGHT - person.height + 40), person)
    return scene


def _planes(scene: Image.Image) -> bytes:
    """Brightness at full size, then both colours at half of it."""
    y, cb, cr = (np.asarray(plane) for plane in scene.convert("YCbCr").split())
    halves = [plane.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean(axis=(1, 3)) for plane in (cb, cr)]
    return y.tobytes() + b"".join(half.round().astype(np.uint8).tobytes() for half in halves)
