"""`replace-background`: the subject over a picture or a colour."""

from PIL import Image, ImageChops, ImageFilter
from pydantic import Field, field_validator

from service.models.labels import Size
from service.operations.correction import CORRECTION
from service.operations.effect import Effect, Scene, lay_over
from service.operations.operation import Picture
from service.operations.options import DecontaminatingOptions, Format, check_color, parse_color
from service.pixels.backdrop import Fit, fit_backdrop
from service.pixels.decode import Photo
from service.pixels.encoders.pictures import OPAQUE_PICTURE, TRANSPARENT_PICTURE
from service.pixels.matting import Matte
from service.pixels.subject import Rows

WRAP_SIGMA = 0.01
"""How far a new background's light reaches over the subject's edge; of the picture's longer side."""

WRAP_PX = 256
"""That light is computed on a picture of this longer side: it is so smooth that nothing of it is lost."""


class ReplaceBackgroundOptions(DecontaminatingOptions):
    """Options of `replace-background`; the background picture itself is a file beside them."""

    color: str | None = Field(
        None,
        description="Colour behind the subject: hex with 3, 4, 6 or 8 digits, a CSS name, or `transparent`.",
        examples=["#1e90ff", "white"],
    )
    fit: Fit = Field(
        "cover",
        description="How a background picture fills the photo. `contain` fills up with black, or stays clear where the "
        "picture has transparency.",
    )
    light_wrap: float = Field(
        0.0, ge=0, le=1, description="How much of the new background's light falls over the subject's edge."
    )

    _color = field_validator("color")(check_color)

    @property
    def rgba(self) -> tuple[int, int, int, int]:
        return parse_color(self.color or "transparent")

    @property
    def formats(self) -> tuple[Format, ...]:
        return OPAQUE_PICTURE if self.color is None or self.rgba[3] == 255 else TRANSPARENT_PICTURE


def replace_background(scene: Scene, options: ReplaceBackgroundOptions) -> Image.Image:
    """The subject over a picture or a colour; RGBA only where something behind it is transparent."""
    result = _backdrop(scene, options)
    light = _light(result, scene.matte) if options.light_wrap else None
    for rows in scene.subject(options.decontaminate):
        image = _lit(rows, light, options.light_wrap, result.size) if light else rows.image
        lay_over(result, image, (rows.left, rows.top))
    return result


def _backdrop(scene: Scene, options: ReplaceBackgroundOptions) -> Image.Image:
    """A picture of its own, to be painted on: RGB, or RGBA where something of it is transparent."""
    if background := scene.pictures.get("background"):
        fitted = fitted_background(background, scene.photo.size, options)
        if fitted.alpha is not None:
            return fitted.with_alpha()
        return fitted.rgb.copy() if fitted.rgb is background.rgb else fitted.rgb
    is_opaque = options.rgba[3] == 255
    return Image.new("RGB" if is_opaque else "RGBA", scene.photo.size, options.rgba[: 3 if is_opaque else 4])


def fitted_background(background: Photo, size: tuple[int, int], options: ReplaceBackgroundOptions) -> Photo:
    """The background at the size of the photo, as `options.fit` says."""
    return fit_backdrop(background, Size(*size), options.fit)


def _light(backdrop: Image.Image, matte: Matte) -> Image.Image:
    """RGB, small: what shines from behind the subject, premultiplied, so it fades towards the subject's middle."""
    scale = min(1, WRAP_PX / max(backdrop.size))
    size = Size(*(max(1, round(length * scale)) for length in backdrop.size))
    behind = ImageChops.invert(matte.resize(size, Image.Resampling.BOX))
    small = backdrop.resize(size, Image.Resampling.BOX)
    if small.mode == "RGBA":
        behind = ImageChops.multiply(behind, small.getchannel("A"))
    light = Image.composite(small.convert("RGB"), Image.new("RGB", size), behind)
    return light.filter(ImageFilter.GaussianBlur(WRAP_SIGMA * max(size)))


def _lit(rows: Rows, light: Image.Image, strength: float, size: tuple[int, int]) -> Image.Image:
    """The subject with `light` screened onto it: F + L (1 - F). `size` is that of the whole picture."""
    across, down = light.width / size[0], light.height / size[1]
    right, bottom = rows.left + rows.image.width, rows.top + rows.image.height
    box = (rows.left * across, rows.top * down, right * across, bottom * down)
    here = light.resize(rows.image.size, Image.Resampling.BILINEAR, box=box).point(lambda level: level * strength)
    lit = ImageChops.screen(rows.image.convert("RGB"), here)
    lit.putalpha(rows.image.getchannel("A"))
    return lit


REPLACE_BACKGROUND = Effect(
    name="replace-background",
    summary="Put something else behind the subject",
    description="Exactly one of `background`, a picture, or `color`.",
    options=ReplaceBackgroundOptions,
    icon=(
        "M3 5a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2Z",
        "m3 16 4.5-5 4 4.5 3-3.5 6.5 6.5M16 7.5h.01",
    ),
    formats=OPAQUE_PICTURE,
    pictures=(Picture("background", "What goes behind the subject.", instead_of="color", or_else=True), *CORRECTION),
    example={"color": "white"},
    compose=replace_background,
    is_live=True,
    fit_picture=fitted_background,
)
