"""What a request to Roboflow's SAM2 endpoints says: a picture, and prompts of points and boxes in its pixels.

Source: https://docs.roboflow.com/models/supported-models/sam2 and the request models of
https://github.com/roboflow/inference, which take prompts in more forms than the page tells of.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from service.operations.hints import Hints

MAX_PROMPTS = 50
"""In one request; each is a job of its own."""


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Picture(_Sent):
    """`type` is base64 or url; `numpy`, which is pickled, is read by nobody who is careful."""

    type: Literal["base64", "url"] = "base64"
    value: str = Field(min_length=1)


class Point(_Sent):
    """In pixels of the picture; a negative one is not of the subject."""

    x: float
    y: float
    positive: bool = True


class Box(_Sent):
    """`x` and `y` are its middle."""

    x: float
    y: float
    width: float = Field(gt=0)
    height: float = Field(gt=0)

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom); what a detector put beyond the first row and column is left out."""
        left, top = self.x - self.width / 2, self.y - self.height / 2
        return max(0.0, left), max(0.0, top), left + self.width, top + self.height


def _as_box(value: Any) -> Any:
    """From corners: a list of four, or `x1`, `y1`, `x2`, `y2`."""
    if isinstance(value, Mapping) and {"x1", "y1", "x2", "y2"} <= value.keys():
        value = [value[name] for name in ("x1", "y1", "x2", "y2")]
    if not (isinstance(value, Sequence) and len(value) == 4 and all(isinstance(side, int | float) for side in value)):
        return value
    left, top, right, bottom = value
    return {"x": (left + right) / 2, "y": (top + bottom) / 2, "width": right - left, "height": bottom - top}


class Prompt(_Sent):
    """One object that is meant."""

    points: tuple[Point, ...] | None = None
    box: Annotated[Box, BeforeValidator(_as_box)] | None = None

    @property
    def hints(self) -> Hints:
        points = [{"x": point.x, "y": point.y, "keep": point.positive} for point in self.points or ()]
        return Hints.model_validate({"points": points, "boxes": [self.box.corners] if self.box else []})


def _as_list(value: Any) -> Any:
    """Clients send `{"prompts": [...]}`, a list, or a single prompt."""
    if isinstance(value, Mapping):
        value = value.get("prompts", [value])
    return value or ()


Prompts = Annotated[tuple[Prompt, ...], BeforeValidator(_as_list)]


class Question(_Sent):
    """The body of both endpoints. What only steers the network that we do not have is passed over."""

    image: Picture | None = None
    image_id: str | None = None
    prompts: Prompts = Field((), max_length=MAX_PROMPTS)
    format: str = "json"
