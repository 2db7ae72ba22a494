"""`product-shot`: the subject cut out and set on a clean page, with a shadow that grounds it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, Self

from PIL import Image
from pydantic import Field, WithJsonSchema, field_validator, model_validator

from service.models.labels import Size
from service.operations.correction import CORRECTION
from service.operations.effect import Effect, Scene
from service.operations.operation import Picture
from service.operations.options import DecontaminatingOptions, Format, check_color, parse_color
from service.pixels.backdrop import Fit, fit_backdrop
from service.pixels.encoders.pictures import OPAQUE_PICTURE, TRANSPARENT_PICTURE
from service.pixels.matting import subject_box
from service.pixels.shadows import SHADOWS, shade

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


class Padding(NamedTuple):
    """Pixels and, apart from them, shares of the page's shorter side: (top, right, bottom, left)."""

    pixels: tuple[float, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        lengths = text.split()
        four = {1: lengths * 4, 2: lengths * 2, 4: lengths}[len(lengths)]
        numbers = [(float(length.rstrip("px%")), length.endswith("%")) for length in four]
        return cls(
            tuple(0.0 if is_share else number for number, is_share in numbers),
            tuple(number / 100 if is_share else 0.0 for number, is_share in numbers),
        )

    def on(self, page: Size) -> tuple[float, ...]:
        """Of a page of that size, in pixels."""
        return tuple(pixels + share * min(page) for pixels, share in zip(self.pixels, self.shares, strict=True))


@dataclass(frozen=True)
class Layout:
    """A page, and where on it the subject is; (left, top, right, bottom) in pixels."""

    page: Size
    box: tuple[int, int, int, int]

    @classmethod
    def of(cls, subject: Size, options: ProductShotOptions) -> Self:
        padding = Padding.of(options.padding)
        page = options.page_size if options.size else _page_around(subject, padding, options)
        top, right, bottom, left = padding.on(page)
        room = max(1.0, page.width - left - right), max(1.0, page.height - top - bottom)
        factor = options.scale * min(room[0] / subject.width, room[1] / subject.height)
        factor = factor if options.upscale else min(1.0, factor)
        width, height = (max(1, round(side * factor)) for side in subject)
        across, down = _free_space(options.position)
        x, y = round(left + across * (room[0] - width)), round(top + down * (room[1] - height))
        return cls(page, (x, y, x + width, y + height))


def _page_around(subject: Size, padding: Padding, options: ProductShotOptions) -> Size:
    """The smallest page of the wanted aspect that holds the subject with its padding, within the limits of a page."""
    aspect = options.width_by_height
    shorter = min(aspect, 1.0)  # of the page's sides, where its height is 1
    top, right, bottom, left = padding.pixels
    wide = (subject.width / options.scale + left + right) / (aspect - shorter * sum(padding.shares[1::2]))
    high = (subject.height / options.scale + top + bottom) / (1 - shorter * sum(padding.shares[::2]))
    most = min(MAX_SIDE_PX, MAX_SIDE_PX / aspect, (MAX_PAGE_PIXELS / aspect) ** 0.5)
    height = min(max(wide, high), most)
    return Size(max(1, round(height * aspect)), max(1, round(height)))


def _free_space(position: str) -> tuple[float, float]:
    """How much of it is left of the subject, and above it: 0 to 1."""
    if position in POSITIONS:
        return POSITIONS[position]
    across, down = (float(share.rstrip("%")) / 100 for share in position.split())
    return across, down


def product_shot(scene: Scene, options: ProductShotOptions) -> Image.Image:
    """The subject on its page; RGBA only where the page is transparent."""
    found = subject_box(scene.matte)
    subject = scene.cut_out(options.decontaminate).crop(found or (0, 0, *scene.photo.size))
    layout = Layout.of(Size(*subject.size), options)
    page = _page(scene, layout.page, options)
    left, top, right, bottom = layout.box
    placed = Image.new("RGBA", layout.page)
    placed.paste(subject.resize((right - left, bottom - top), Image.Resampling.LANCZOS, reducing_gap=3.0), (left, top))
    if options.shadow != "none":
        shade(page, SHADOWS[options.shadow](placed.getchannel("A"), layout.box), options.shadow_opacity)
    if page.mode == "RGB":
        page.paste(placed, (0, 0), placed)
    else:
        page.alpha_composite(placed)
    return page


def _page(scene: Scene, size: Size, options: ProductShotOptions) -> Image.Image:
    if background := scene.pictures.get("background"):
        fitted = fit_backdrop(background, size, options.fit)
        return fitted.with_alpha()
    is_opaque = options.rgba[3] == 255
    return Image.new("RGB" if is_opaque else "RGBA", size, options.rgba[: 3 if is_opaque else 4])


PRODUCT_SHOT = Effect(
    name="product-shot",
    summary="Set the subject on a clean page",
    description="The subject cut out, as large as the page allows, on a colour or a picture, with or without a shadow.",
    options=ProductShotOptions,
    icon=(
        "M4 9.5 12 6l8 3.5v7L12 20l-8-3.5Z",
        "M4 9.5 12 13l8-3.5M12 13v7",
        "M6 22.5h12",
    ),
    formats=OPAQUE_PICTURE,
    pictures=(Picture("background", "What the page shows.", instead_of="color"), *CORRECTION),
    example={"preset": "marketplace-white"},
    compose=product_shot,
)
