"""Points and lines of a brush, drawn as layers."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from service.models.labels import Size
from service.pixels.correction.correction import Layer
from service.pixels.threads import pixel_work

MAX_SIDE_PX = 2048
"""Of a layer. Drawing takes time by the brush's area, so what a large photo gets is drawn smaller and enlarged."""

BROAD_PX = 256.0
"""The broadest radius that is drawn. A broader brush gets a layer of half the side, or a quarter, and so on: that
misses its edge by less than a hundredth of its radius, and 5,000 discs take at most 0.15 s, whatever their radius."""

JOINT_SHARE = 0.25
"""Of the brush's radius: corners that are nearer than that to the last one need no round joint of their own."""


@dataclass(frozen=True)
class Line:
    """The way of a round brush; of one point, a disc."""

    points: Sequence[tuple[float, float]]
    """(x, y) in pixels of the upright photo: (0.5, 0.5) is the middle of the first one."""
    radius_px: float


@pixel_work
def drawn(lines: Sequence[Line], photo: Size) -> list[Layer]:
    """All of the lines, on one layer for all brushes that are not broad, and one for each octave of broader ones."""
    scale = min(1.0, MAX_SIDE_PX / max(photo))
    by_scale = defaultdict[float, list[Line]](list)
    for line in lines:
        octaves = max(0, math.ceil(math.log2(line.radius_px * scale / BROAD_PX)))
        by_scale[scale / 2**octaves].append(line)
    return [_layer(alike, photo, each) for each, alike in by_scale.items()]


def _layer(lines: Sequence[Line], photo: Size, scale: float) -> Layer:
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
