"""Points and lines of a brush, drawn as layers."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from service.models.labels import Size
from service.pixels.correction.correction import Layer
from service.pixels.threads import pixel_work

MAX_SIDE_PX = 2048
"""Of a layer. Drawing takes time by the brush's area, so what a large photo gets is drawn smaller and enlarged."""

JOINT_SHARE = 0.25
"""Of the brush's radius: corners that are nearer than that to the last one need no round joint of their own."""


@dataclass(frozen=True)
class Line:
    """The way of a round brush; of one point, a disc."""

    points: Sequence[tuple[float, float]]
    """(x, y) in pixels of the upright photo: (0.5, 0.5) is the middle of the first one."""
    radius_px: float


@pixel_work
def drawn(lines: Sequence[Line], photo: Size) -> Layer:
    """All of the lines on one layer."""
    scale = min(1.0, MAX_SIDE_PX / max(photo))
    layer = Image.new("L", (max(1, round(photo.width * scale)), max(1, round(photo.height * scale))))
    draw = ImageDraw.Draw(layer)
    for line in lines:
        _draw(draw, [(x * scale - 0.5, y * scale - 0.5) for x, y in line.points], line.radius_px * scale)
    return layer


def _draw(draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], radius_px: float) -> None:
    if len(points) > 1:
        draw.line(points, fill=255, width=max(1, round(2 * radius_px)))
    for x, y in _joints(points, JOINT_SHARE * radius_px):
        draw.ellipse((x - radius_px, y - radius_px, x + radius_px, y + radius_px), fill=255)
        draw.point((x, y), fill=255)  # a brush finer than a pixel leaves one


def _joints(points: Sequence[tuple[float, float]], apart_px: float) -> Iterator[tuple[float, float]]:
    """The first, the last, and of the others those that are farther apart."""
    last = (math.inf, math.inf)
    for point in points:
        if math.dist(point, last) > apart_px or point is points[-1]:
            last = point
            yield point
