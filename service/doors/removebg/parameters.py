"""The parameters of `POST /v1.0/removebg` apart from the pictures, with every rule that needs no picture.

Source: the OpenAPI document that remove.bg published, and its pages of 2025. What real clients send beyond that is
taken as well: any case, bare numbers, JSON numbers, text such as `false`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from service.doors.removebg.lengths import Length, parse_lengths, parse_share
from service.operations.options import check_color, parse_color
from service.settings import MEGAPIXEL

MEGAPIXELS: Mapping[str, float] = {
    "preview": 0.25,
    "small": 0.25,
    "regular": 0.25,
    "medium": 1.5,
    "hd": 4,
    "auto": 25,
    "full": 25,
    "4k": 25,
    "50MP": 50,
}
"""The most that a result of each `size` has."""

PNG_MEGAPIXELS = 10
"""The most that a PNG has, whatever the `size`."""

SPELLINGS: Mapping[str, str] = {"50mp": "50MP", "3d": "3D", "jpeg": "jpg"}
"""What is written otherwise than in lower case, or has a second name."""

MAX_MARGIN_PERCENT, MAX_MARGIN_PX = 50, 500
"""Of `crop_margin`, on each side; more counts as that much."""

USUAL_OPACITY, CAR_OPACITY = 50, 90
"""Percent, where `shadow_opacity` does not say."""

CAR = "car"
BY_TYPE = re.compile(r"(shadow_type|shadow_opacity)\[([a-z_]+)\]")
ANY_TYPE = ""

WHOLE = (Length(0, "%"), Length(0, "%"), Length(100, "%"), Length(100, "%"))


def _spelled(value: object) -> object:
    """Numbers as JSON has them are text in a form."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    text = str(value).strip().lower()
    return SPELLINGS.get(text, text)


def _corners(value: object) -> object:
    lengths = parse_lengths(str(value)) if isinstance(value, str) else value
    if not isinstance(lengths, tuple) or len(lengths) != 4:
        raise ValueError("give `x1 y1 x2 y2`, in pixels or percent")
    return lengths


def _margins(value: object) -> object:
    """(top, right, bottom, left)"""
    lengths = parse_lengths(str(value)) if isinstance(value, str | int | float) else value
    if not isinstance(lengths, tuple) or len(lengths) not in (1, 2, 4) or min(lengths)[0] < 0:
        raise ValueError("give one, two or four lengths such as `30px` or `10%`")
    return {1: lengths * 4, 2: lengths * 2, 4: lengths}[len(lengths)]


def _scale(value: object) -> object:
    text = _spelled(value)
    if text == "original":
        return None
    if not isinstance(text, str):
        raise ValueError("give `original`, or `10%` to `100%`")
    return parse_share(text, 10)


class Position(NamedTuple):
    """How much of the free space is left of the subject, and above it: 0 to 1."""

    across: float
    down: float


CENTER = Position(0.5, 0.5)


def _position(value: object) -> object:
    text = _spelled(value)
    if text in ("original", "center") or not isinstance(text, str):
        return text
    shares = [parse_share(word, 0) for word in text.replace(",", " ").split()]
    if len(shares) not in (1, 2):
        raise ValueError("give `original`, `center`, `x%` or `x% y%`")
    return Position(shares[0], shares[-1])


Corners = Annotated[tuple[Length, Length, Length, Length], BeforeValidator(_corners)]
Margins = Annotated[tuple[Length, Length, Length, Length], BeforeValidator(_margins)]
Kind = Annotated[str, Field(pattern=r"^[a-z_]*$")]
Shadow = Literal["none", "drop", "3D", "car", "auto"]
Opacity = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | Literal["auto"]


class Parameters(BaseModel):
    """One request's wishes. An empty value is one that was not given; a name that is not here is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    size: Literal["preview", "small", "regular", "medium", "hd", "auto", "full", "4k", "50MP"] = "preview"
    type: Literal["auto", "person", "product", "car", "animal", "graphic", "graphics", "transportation", "other"] = (
        "auto"
    )
    type_level: Literal["none", "1", "2", "latest"] = "1"
    format: Literal["auto", "png", "jpg", "webp", "zip"] = "auto"
    roi: Corners = WHOLE
    """x1, y1, x2, y2."""
    crop: bool = False
    crop_margin: Margins = (Length(0, "px"),) * 4
    """Top, right, bottom, left."""
    scale: Annotated[float | None, BeforeValidator(_scale)] = None
    """Of the canvas, 0.1 to 1; None leaves the subject as large as it is."""
    position: Annotated[Literal["original", "center"] | Position | None, BeforeValidator(_position)] = None
    channels: Literal["rgba", "alpha"] = "rgba"
    shadow_type: dict[Kind, Shadow] = {}
    """By the type of foreground that it is for; under `ANY_TYPE` for all others."""
    shadow_opacity: dict[Kind, Opacity] = {}
    """Percent, by the type of foreground."""
    semitransparency: bool | None = None
    bg_color: str | None = None

    _is_color = field_validator("bg_color")(check_color)

    @field_validator("size", "type", "type_level", "format", "channels", "bg_color", mode="before")
    @classmethod
    def _in_any_case(cls, value: object) -> object:
        return _spelled(value)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Any) -> Any:
        """Empty values go, and `shadow_type[person]` comes under `shadow_type`."""
        if not isinstance(given, Mapping):
            return given
        known = {name: value for name, value in given.items() if value not in ("", None)}
        wishes = {name: value for name, value in known.items() if not BY_TYPE.fullmatch(name)}
        for name in ("shadow_type", "shadow_opacity"):
            wishes[name] = _by_type(name, known)
        if str(known.get("add_shadow", "")).lower() in ("true", "1") and not wishes["shadow_type"]:
            wishes["shadow_type"] = {CAR: "car"}
        return wishes

    @property
    def pixels(self) -> int:
        """The most that the result may have."""
        megapixels = MEGAPIXELS[self.size]
        return int((min(megapixels, PNG_MEGAPIXELS) if self._is_png else megapixels) * MEGAPIXEL)

    @property
    def _is_png(self) -> bool:
        """As far as that is known without the picture: `auto` is PNG where anything is transparent."""
        is_opaque = self.bg_color is not None and self.rgba[3] == 255 and self.channels == "rgba"
        return self.format == "png" or (self.format == "auto" and not is_opaque)

    @property
    def rgba(self) -> tuple[int, int, int, int]:
        """Of the background."""
        return parse_color(self.bg_color or "transparent")

    @property
    def place(self) -> Position | None:
        """Where the subject goes; None is where it is in the photo."""
        if self.position == "original" or (self.position is None and self.scale is None):
            return None
        return self.position if isinstance(self.position, Position) else CENTER

    @property
    def shadow_for_types(self) -> bool:
        """Whether only some types of foreground are to have one."""
        return bool(self.shadow_type) and ANY_TYPE not in self.shadow_type

    def shadow(self, kind: str) -> tuple[Shadow, float]:
        """The one for a type of foreground, and its opacity, 0 to 1."""
        chosen = self.shadow_type.get(kind, self.shadow_type.get(ANY_TYPE, "none"))
        opacity = self.shadow_opacity.get(kind, self.shadow_opacity.get(ANY_TYPE, "auto"))
        percent = (CAR_OPACITY if chosen == "car" else USUAL_OPACITY) if opacity == "auto" else opacity
        return chosen, percent / 100


def _by_type(name: str, known: Mapping[str, Any]) -> dict[str, object]:
    """A value for all types, as `name` has it, or JSON's object of one for each; and those of `name[type]`."""
    value = known.get(name, {})
    found = dict(value) if isinstance(value, Mapping) else {ANY_TYPE: value}
    for other, given in known.items():
        match = BY_TYPE.fullmatch(other)
        if match and match[1] == name:
            found[match[2]] = given
    return {kind: _spelled(given) for kind, given in found.items() if given not in ("", None) and given is not False}
