"""What an annotator points at while predicting, as hints: key points and rectangles, in percent of the picture.

Source: Label Studio 1.23, `params.context.result` of `/predict` while smart annotation is on.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from service.doors.label_studio.config import Control
from service.errors import BadOption
from service.operations.hints import Hints

PERCENT = 0.01

KEY_POINT, RECTANGLE = "keypointlabels", "rectanglelabels"


class Shape(BaseModel):
    """A region that an annotator has drawn as a hint."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str
    original_width: int
    original_height: int
    value: Mapping[str, Any]
    is_positive: bool = True

    @property
    def labels(self) -> Sequence[str]:
        return tuple(self.value.get(self.type) or ())

    def in_pixels(self, name: str) -> float:
        """Raises BadOption where it is no number."""
        side = self.original_width if name in ("x", "width") else self.original_height
        try:
            return float(self.value[name]) * PERCENT * side
        except (KeyError, TypeError, ValueError) as error:
            raise BadOption(f"context.result: a region of {self.type} has no number `{name}`") from error


class Pointed(NamedTuple):
    """All that was pointed at."""

    hints: Hints
    label: str | None
    """Which label was chosen meanwhile; None where there was none."""


def pointed_at(shapes: Sequence[Shape]) -> Pointed | None:
    """None where nothing was that is a hint. Raises BadOption."""
    points = [
        {"x": shape.in_pixels("x"), "y": shape.in_pixels("y"), "keep": shape.is_positive}
        for shape in shapes
        if shape.type == KEY_POINT
    ]
    boxes = [_box(shape) for shape in shapes if shape.type == RECTANGLE and shape.is_positive]
    if not points and not boxes:
        return None
    labels = [label for shape in shapes if shape.type in (KEY_POINT, RECTANGLE) for label in shape.labels]
    return Pointed(Hints.model_validate({"points": points, "boxes": boxes}), labels[-1] if labels else None)


def _box(shape: Shape) -> tuple[float, float, float, float]:
    left, top = shape.in_pixels("x"), shape.in_pixels("y")
    return left, top, left + shape.in_pixels("width"), top + shape.in_pixels("height")


def only_labelled(controls: Sequence[Control], label: str | None) -> tuple[Control, ...]:
    """The controls with that label alone; all of them as they are where none has it."""
    found = [
        control._replace(labels=tuple(each for each in control.labels if each.name == label)) for control in controls
    ]
    return tuple(control for control in found if control.labels) or tuple(controls)
