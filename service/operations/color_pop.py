"""`color-pop`: the subject in colour, the rest grey."""

from PIL import Image, ImageEnhance
from pydantic import Field

from service.operations.effect import Effect, Scene
from service.operations.options import OPAQUE_PICTURE, EffectOptions


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
    formats=OPAQUE_PICTURE,
    compose=color_pop,
    is_live=True,
)
