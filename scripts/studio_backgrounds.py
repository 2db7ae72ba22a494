"""Draws the gradients and pictures that the studio offers as backgrounds: `python -m scripts.studio_backgrounds`.

They are made of noise and a few curves, so nobody else has a right in them.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFilter

FOLDER = Path(__file__).resolve().parent.parent / "service" / "studio" / "backgrounds"
WIDTH, HEIGHT = 1280, 960
QUALITY = 70
GRADIENT_SIDE_PX = 512
"""A gradient has nothing finer to show."""

Plane = NDArray[np.float64]


def paper() -> Image.Image:
    """A sheet that hangs down and runs forward, lit from the left."""
    across, down = _places()
    light = 0.93 - 0.16 * across - 0.10 * np.abs(down - 0.62) + 0.06 * np.exp(-(((down - 0.7) / 0.09) ** 2))
    return _tinted(light + 0.006 * _noise(1), (247, 243, 236))


def lights() -> Image.Image:
    """A street at night, out of focus."""
    random = np.random.default_rng(7)
    picture = Image.new("RGB", (WIDTH, HEIGHT), (17, 18, 33))
    colors = [(255, 190, 110), (255, 120, 90), (120, 160, 255), (255, 230, 190), (190, 110, 230)]
    for _ in range(70):
        x, y = random.uniform(0, WIDTH), HEIGHT * (0.5 + 0.17 * random.standard_normal())
        radius = random.uniform(14, 62)
        disc = Image.new("L", picture.size)
        ImageDraw.Draw(disc).ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=int(random.uniform(28, 120))
        )
        picture.paste(colors[random.integers(len(colors))], mask=disc)
    return picture.filter(ImageFilter.GaussianBlur(5))


def dunes() -> Image.Image:
    """Ridges of sand, each farther one paler, before an evening sky."""
    across, down = _places()
    sky = _blend((250, 214, 178), (136, 160, 205), np.clip(1 - down / 0.62, 0, 1))
    ridges = [(0.42, 0.05, 1.3, (214, 178, 160)), (0.56, 0.07, 0.8, (196, 142, 112)), (0.74, 0.09, 1.1, (158, 98, 74))]
    for number, (height, swing, waves, color) in enumerate(ridges):
        crest = (
            height + swing * np.sin(2 * np.pi * (waves * across + 0.37 * number)) + 0.02 * np.sin(9 * across + number)
        )
        shade = np.clip(0.86 + 0.5 * (down - crest), 0, 1.1)[..., np.newaxis]
        cover = np.clip((down - crest) * 350, 0, 1)[..., np.newaxis]
        sky = sky * (1 - cover) + cover * shade * np.array(color)
    return _image(sky + 2 * _noise(3)[..., np.newaxis])


def leaves() -> Image.Image:
    """A garden far behind: soft spots of green and of light."""
    field = _clouds(1, 4) + 0.7 * _clouds(2, 8) + 0.5 * _clouds(3, 15)
    field = (field - field.min()) / (field.max() - field.min())
    dark = _blend((34, 60, 40), (96, 146, 74), np.clip(field * 1.6, 0, 1))
    return _image(dark + np.clip(field - 0.62, 0, 1)[..., np.newaxis] * 2.4 * np.array((190, 180, 90)))


PICTURES: dict[str, Callable[[], Image.Image]] = {"paper": paper, "lights": lights, "dunes": dunes, "leaves": leaves}

GRADIENTS: dict[str, tuple[bool, list[str]]] = {
    "dawn": (False, ["#fbd3b4", "#f2a7b5", "#a597d8"]),
    "lagoon": (True, ["#c9f2ec", "#5cb8d6", "#2b6cb0"]),
    "studio": (False, ["#f4f3f0", "#d5d2cb"]),
    "night": (True, ["#3b3a63", "#16161f"]),
}
"""Whether it runs from corner to corner, or straight down; and its colours, at equal distances."""


def gradient(is_slanted: bool, colors: list[str]) -> Image.Image:
    down, across = (np.mgrid[0:GRADIENT_SIDE_PX, 0:GRADIENT_SIDE_PX] + 0.5) / GRADIENT_SIDE_PX
    place = (across + down) / 2 if is_slanted else down
    stops = np.array([ImageColor.getrgb(color) for color in colors])
    at = np.linspace(0, 1, len(colors))
    return _image(np.stack([np.interp(place, at, levels) for levels in stops.T], axis=-1))


def _places() -> tuple[Plane, Plane]:
    """(H, W) each: how far to the right and how far down, 0 to 1."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH]
    return across / WIDTH, down / HEIGHT


def _noise(seed: int) -> Plane:
    return np.random.default_rng(seed).standard_normal((HEIGHT, WIDTH))


def _clouds(seed: int, grid: int) -> Plane:
    """Random values on a coarse grid, smooth between."""
    coarse = Image.fromarray(np.random.default_rng(seed).random((grid, grid + 2), np.float32))
    return np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float64)


def _blend(first: tuple[int, int, int], second: tuple[int, int, int], share: Plane) -> Plane:
    return np.array(first) * (1 - share[..., np.newaxis]) + np.array(second) * share[..., np.newaxis]


def _tinted(light: Plane, color: tuple[int, int, int]) -> Image.Image:
    return _image(np.clip(light, 0, 1)[..., np.newaxis] * np.array(color))


def _image(levels: Plane) -> Image.Image:
    return Image.fromarray(np.rint(levels.clip(0, 255)).astype(np.uint8))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        draw().save(FOLDER / f"{name}.webp", quality=QUALITY, method=6)
    for name, (is_slanted, colors) in GRADIENTS.items():
        gradient(is_slanted, colors).save(FOLDER / f"{name}.webp", lossless=True, quality=100, method=6)


if __name__ == "__main__":
    main()
