"""`blur-background`: the subject sharp, the rest blurred."""

from PIL import Image, ImageChops
from pydantic import Field

from service.operations.correction import CORRECTION
from service.operations.effect import Effect, Scene
from service.operations.options import EffectOptions
from service.pixels.bands import bands
from service.pixels.blur import blurred_rows
from service.pixels.encoders.pictures import OPAQUE_PICTURE
from service.pixels.matting import Matte

SIGMA_AT_FULL_STRENGTH = 0.08
"""Of the picture's longer side."""

SMALLEST_SIGMA_PX = 0.1
"""Below this a Gaussian changes no 8-bit pixel."""


class BlurBackgroundOptions(EffectOptions):
    """Options of `blur-background`."""

    strength: float = Field(
        0.25,
        gt=0,
        le=1,
        description="0 to 1; the blur's sigma is `strength` times 8% of the picture's longer side.",
    )


def blur_background(scene: Scene, options: BlurBackgroundOptions) -> Image.Image:
    """The subject, sharp, over the rest, blurred, without the subject's colours in the blur."""
    sigma_px = options.strength * SIGMA_AT_FULL_STRENGTH * max(scene.photo.size)
    if sigma_px < SMALLEST_SIGMA_PX:
        return scene.photo.rgb
    blurred = blurred_rows(scene.photo.rgb, _not_background(scene), sigma_px)
    result = Image.new("RGB", scene.photo.size)
    for top, bottom in bands(result.height):
        area = (0, top, result.width, bottom)
        rows = blurred(top, bottom)
        rows.paste(scene.photo.rgb.crop(area), (0, 0), scene.matte.crop(area))
        result.paste(rows, area)
    return result


def _not_background(scene: Scene) -> Matte:
    """How much of each pixel has no colour to give to the blur: it is the subject's, or hidden."""
    light = scene.subject_light
    return light if scene.photo.alpha is None else ImageChops.lighter(light, ImageChops.invert(scene.photo.alpha))


BLUR_BACKGROUND = Effect(
    name="blur-background",
    summary="Blur everything but the subject",
    description="The subject stays sharp, and its colours do not bleed into the blur.",
    options=BlurBackgroundOptions,
    icon=(
        "M12 3.5c3.5 4.2 5.8 7 5.8 10.2a5.8 5.8 0 0 1-11.6 0C6.2 10.5 8.5 7.7 12 3.5Z",
        "M9.5 14a2.5 2.5 0 0 0 2.5 2.5",
    ),
    formats=OPAQUE_PICTURE,
    pictures=CORRECTION,
    example={"strength": "0.5"},
    compose=blur_background,
    is_live=True,
    keeps_alpha=True,
)
