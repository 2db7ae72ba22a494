"""Small pictures with mattes, of which the right answer can be written down."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.models.decisions import Plane
from service.models.labels import Size
from service.operations.effect import Scene
from service.pixels.decode import Photo

SIZE = Size(160, 100)

RED, GREY = (230, 20, 20), (120, 120, 120)

AS_IT_WAS = {"decontaminate": "false"}
"""The photo's own pixels at a soft edge: what they are mixed to can be written down."""

Levels = NDArray[np.float64]


def disc(size: Size = SIZE, radius: float = 25) -> Plane:
    """1 inside and 0 outside, left of the middle."""
    y, x = np.mgrid[: size.height, : size.width]
    inside: Plane = (np.hypot(x - size.width * 0.4, y - size.height / 2) < radius).astype(np.float32)
    return inside


def gradient(size: Size = SIZE) -> Plane:
    """Every alpha from 0 to 1, from left to right."""
    return np.linspace(0, 1, size.width, dtype=np.float32)[None].repeat(size.height, axis=0)


def scene(photo: Image.Image, alpha: Plane, backdrop: Photo | None = None) -> Scene:
    pictures = {} if backdrop is None else {"background": backdrop}
    return Scene(Photo(photo), Image.fromarray(np.rint(alpha * 255).astype(np.uint8)), pictures)


def noise(size: Size = SIZE) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (size.height, size.width, 3), np.uint8))


def levels(picture: Image.Image) -> Levels:
    return np.asarray(picture, np.float64)


def distance(found: Image.Image, expected: Levels) -> float:
    assert found.size == expected.shape[1::-1]
    return float(abs(levels(found) - expected).max())


def over(foreground: Levels, matte: Plane, background: Levels) -> Levels:
    """C = aF + (1 - a)B."""
    alpha = matte.astype(np.float64)[..., None]
    mixed: Levels = alpha * foreground + (1 - alpha) * background
    return mixed
