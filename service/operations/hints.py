"""What a program says of a photo instead of painting on it: points, boxes and strokes, in pixels of the upright photo.

People get coordinates wrong, so whatever cannot be in the photo is refused, with both sizes.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator, model_validator

from service.errors import BadOption
from service.models.labels import Size

MAX_POINTS = 5_000
"""In all strokes and points together. A minute of a brush that is asked sixty times a second has fewer."""

MAX_BOXES = 100

SPACE = "coordinates are pixels of the upright photo, from its upper left corner: no shares, no percent, no preview's"

Coordinates = tuple[float, float]
"""(x, y)"""

DESCRIPTION = (
    "Corrections as JSON, in pixels of the upright photo. `points`: `x`, `y`, and `keep`, false where there is no "
    "subject. `strokes`: `points` as [x, y], `radius`, `keep`. `boxes`: [left, top, right, bottom]; the subject is in "
    'one of them. Example: {"points": [{"x": 640, "y": 320, "keep": true}]}.'
)


class _Hint(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Point(_Hint):
    """One click."""

    x: float
    y: float
    keep: bool = True
    """Whether it is on the subject."""


class Stroke(_Hint):
    """One line of a brush."""

    points: tuple[Coordinates, ...] = Field(min_length=1)
    radius: float = Field(gt=0, le=2_000)
    keep: bool = True


class Hints(_Hint):
    """All of a request."""

    points: tuple[Point, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = Field(default=(), max_length=MAX_BOXES)
    strokes: tuple[Stroke, ...] = ()

    @field_validator("boxes")
    @classmethod
    def _have_an_inside(cls, boxes: tuple[tuple[float, float, float, float], ...]) -> Any:
        if any(left >= right or top >= bottom for left, top, right, bottom in boxes):
            raise ValueError("a box is [left, top, right, bottom], with left < right and top < bottom")
        return boxes

    @model_validator(mode="after")
    def _are_bounded(self) -> "Hints":
        if len(self.points) + sum(len(stroke.points) for stroke in self.strokes) > MAX_POINTS:
            raise ValueError(f"more than {MAX_POINTS} points; draw a mask and send it as `keep_mask` or `remove_mask`")
        return self

    def check_within(self, size: Size) -> None:
        """Raises BadOption for what is not in an upright photo of that size."""
        here = f"the upright photo has {size.width} x {size.height} pixels; {SPACE}"
        places = list(self._places())
        for name, x, y, margin in places:
            if not (-margin <= x <= size.width + margin and -margin <= y <= size.height + margin):
                raise BadOption(f"hints: {name} is at ({x:g}, {y:g}), and {here}")
        if places and max(size) > 2 and _are_shares([(x, y) for _, x, y, _ in places]):
            raise BadOption(f"hints: all coordinates are between 0 and 1, and {here}")

    def _places(self) -> Iterator[tuple[str, float, float, float]]:
        """Where each hint is: its name, x, y, and how far beyond the photo it may be: a brush has a radius."""
        for number, point in enumerate(self.points):
            yield f"points[{number}]", point.x, point.y, 0.0
        for number, (left, top, right, bottom) in enumerate(self.boxes):
            yield f"the left upper corner of boxes[{number}]", left, top, 0.0
            yield f"the right lower corner of boxes[{number}]", right, bottom, 0.0
        for number, stroke in enumerate(self.strokes):
            for x, y in stroke.points:
                yield f"strokes[{number}]", x, y, stroke.radius


def _are_shares(places: list[Coordinates]) -> bool:
    """Nobody points at fractions of the first pixel alone."""
    flat = [number for place in places for number in place]
    return all(0 <= number <= 1 for number in flat) and any(number % 1 for number in flat)


def _read_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from error


HintsOption = Annotated[Hints, BeforeValidator(_read_json), WithJsonSchema({"type": "string"})]
"""For options: JSON as text, or what it stands for."""
