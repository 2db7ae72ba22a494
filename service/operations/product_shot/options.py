"""What a caller chooses of a product shot: its page, where the subject is on it, and what lies below."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from service.models.labels import Size
from service.operations.options import DecontaminatingOptions, Format, check_color, parse_color
from service.pixels.backdrop import Fit
from service.pixels.encoders.pictures import OPAQUE_PICTURE, TRANSPARENT_PICTURE

MAX_SIDE_PX = 10_000
MAX_PAGE_PIXELS = 25_000_000

PRESETS: Mapping[str, Mapping[str, str]] = {
    "marketplace-white": {"aspect": "1:1", "padding": "7.5%"},
    "marketplace-shadow": {"aspect": "1:1", "padding": "12%", "shadow": "contact"},
    "passport-35x45": {"aspect": "35:45", "padding": "9% 6% 0% 6%", "position": "bottom"},
    "passport-2x2": {"aspect": "1:1", "padding": "12% 10% 0% 10%", "position": "bottom"},
    "social-4x5": {"aspect": "4:5", "padding": "10%", "shadow": "drop"},
    "story-9x16": {"aspect": "9:16", "padding": "12%", "shadow": "contact"},
}
"""What each preset chooses; an option that is given wins. Marketplaces want a product to fill 85% of a square white
page, so 7.5% is left on each side. A head stands on the lower border of a passport picture."""

Preset = Annotated[str, WithJsonSchema({"type": "string", "enum": list(PRESETS), "x-values": PRESETS})]
"""Its schema says what each chooses, too, for menus such as the studio's."""

INSTEAD = {"size": "aspect", "aspect": "size"}
"""Who gives one of these has no use for a preset's other."""

LENGTH = r"\d+(?:\.\d+)?(?:px|%)?"
PADDING = re.compile(rf"{LENGTH}(?: +{LENGTH}){{0,3}}")
POSITIONS = {"center": (0.5, 0.5), "bottom": (0.5, 1.0), "top": (0.5, 0.0)}


class ProductShotOptions(DecontaminatingOptions):
    """Options of `product-shot`; a background picture is a file beside them."""

    preset: Preset | None = Field(
        None,
        description=f"Choices under a name: {', '.join(f'`{name}`' for name in PRESETS)}. Options given too win.",
        examples=["marketplace-white"],
    )
    size: str | None = Field(
        None,
        pattern=r"^[1-9]\d{0,4}x[1-9]\d{0,4}$",
        description="Of the page, in pixels: width x height, up to 10000 a side and 25 megapixels.",
        examples=["1000x1000"],
    )
    aspect: str | None = Field(
        None,
        pattern=r"^[1-9]\d{0,3}:[1-9]\d{0,3}$",
        description="Of the page, width:height, which is then as large as the subject needs. Default: `1:1`.",
        examples=["1:1", "4:5", "35:45"],
    )
    padding: str = Field(
        "10%",
        description="Around the subject, in pixels or in percent of the page's shorter side: one length for all sides, "
        "two (top and bottom, left and right) or four (top, right, bottom, left).",
        examples=["10%", "40px", "9% 6% 0% 6%"],
    )
    position: str = Field(
        "center",
        pattern=rf"^({'|'.join(POSITIONS)}|(100|\d{{1,2}})(\.\d+)?% (100|\d{{1,2}})(\.\d+)?%)$",
        description="Where the subject is within the padding: `center`, `bottom`, `top`, or how much of the free space "
        "is left of it and above it, such as `50% 100%`.",
        examples=["bottom", "50% 80%"],
    )
    scale: float = Field(1.0, ge=0.05, le=1, description="Of the subject, where 1 fills what the padding leaves.")
    upscale: bool = Field(
        False, description="Enlarge the subject beyond the photo's own pixels where the page is that large."
    )
    color: str | None = Field(
        None,
        description="Of the page: hex with 3, 4, 6 or 8 digits, a CSS name, or `transparent`. Default: white.",
        examples=["#f4f1ea"],
    )
    fit: Fit = Field("cover", description="How a background picture fills the page.")
    shadow: Literal["none", "drop", "contact"] = Field(
        "none",
        description="`contact`: where the subject stands on the ground. `drop`: behind it, as on a wall.",
    )
    shadow_opacity: float = Field(0.5, ge=0, le=1, description="Of the shadow where it is darkest.")

    _color = field_validator("color")(check_color)

    @model_validator(mode="before")
    @classmethod
    def _choose_preset(cls, given: Any) -> Any:
        name = given.get("preset") if isinstance(given, dict) else None
        if not name:
            return given
        if name not in PRESETS:
            raise ValueError(f"no preset is called {name!r}; there are {', '.join(PRESETS)}")
        chosen = {option: value for option, value in PRESETS[name].items() if INSTEAD.get(option) not in given}
        return {**chosen, **given}

    @model_validator(mode="after")
    def _is_a_page(self) -> Self:
        if self.size and self.aspect:
            raise ValueError("size and aspect: give one of them")
        if self.size and (max(self.page_size) > MAX_SIDE_PX or self.page_size[0] * self.page_size[1] > MAX_PAGE_PIXELS):
            raise ValueError(f"size: at most {MAX_SIDE_PX} pixels a side, and 25 megapixels in all")
        return self

    @field_validator("padding")
    @classmethod
    def _is_padding(cls, value: str) -> str:
        if not PADDING.fullmatch(value) or len(value.split()) == 3:
            raise ValueError("one, two or four lengths in pixels or percent, such as `10%` or `9% 6% 0% 6%`")
        if any(float(length.rstrip("px%")) > (45 if length.endswith("%") else MAX_SIDE_PX) for length in value.split()):
            raise ValueError("at most 45% on each side")
        return value

    @property
    def page_size(self) -> Size:
        return Size(*(int(side) for side in (self.size or "0x0").split("x")))

    @property
    def width_by_height(self) -> float:
        width, height = (int(side) for side in (self.aspect or "1:1").split(":"))
        return width / height

    @property
    def rgba(self) -> tuple[int, int, int, int]:
        return parse_color(self.color or "white")

    @property
    def formats(self) -> tuple[Format, ...]:
        return OPAQUE_PICTURE if self.rgba[3] == 255 else TRANSPARENT_PICTURE
