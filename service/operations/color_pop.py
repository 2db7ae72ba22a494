"""`color-pop`: the subject in colour, the rest grey."""

from PIL import Image, ImageEnhance
from pydantic import Field

from service.operations.correction import CORRECTION
from service.operations.effect import Effect, Scene
from service.operations.options import EffectOptions
from service.pixels.encoders.pictures import OPAQUE_PICTURE


class ColorPopOptions(EffectOptions):
    """Options of `color-pop`."""

    saturation: float = Field(
        0.0, ge=0, le=1, description="Of what is not the subject: 0 is grey, 1 leaves it as it is."
    )


def color_pop(scene: Scene, options: ColorPopOptions) -> Image.Image:
    """The subject in colour over the rest at `saturation`: 0 is grey, 1 leaves it as it was."""
    rest = ImageEnhance.Color(scene.photo.rgb).enhance(options.saturation)
    return Image.composite(scene.photo.rgb, rest, scene.matte)


COLOR_POP = Effect(
    name="color-pop",
    summary="Keep the subject in colour, turn the rest grey",
    description="The subject as it was, the rest at `saturation`.",
    options=ColorPopOptions,
    icon=(
        "M12 3a9 9 0 1 0 0 18c1.3 0 2-.8 2-1.8 0-1.6-1-1.7-1-2.9 0-.9.7-1.3 1.6-1.3H17a4 4 0 0 0 4-4c0-4.5-4-8-9-8Z",
        "M7.5 12h.010M9.5 8h.010M14.5 8h.01",
    ),
    formats=OPAQUE_PICTURE,
    pictures=CORRECTION,
    compose=color_pop,
    is_live=True,
    keeps_alpha=True,
)
