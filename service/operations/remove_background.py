"""`remove-background`: the subject with straight alpha, or its matte alone."""

from typing import Literal

from PIL import Image
from pydantic import Field

from service.operations.correction import CORRECTION
from service.operations.effect import Effect, Scene
from service.operations.options import DecontaminatingOptions, Format
from service.pixels.encoders.pictures import OPAQUE_PICTURE, TRANSPARENT_PICTURE
from service.pixels.matting import subject_box

MAX_MARGIN = 1_000_000
"""Pixels or percent: more than any picture has."""


class RemoveBackgroundOptions(DecontaminatingOptions):
    """Options of `remove-background`."""

    output: Literal["cutout", "matte"] = Field(
        "cutout", description="`cutout`: the subject with straight alpha. `matte`: the alpha alone, 8 bits."
    )
    crop: bool = Field(False, description="Crop to the subject.")
    margin: str = Field(
        "0",
        pattern=r"^\d+(\.\d+)?(px|%)?$",
        description="Around the subject when it is cropped: pixels, or percent of the subject's longer side.",
        examples=["16", "5%"],
    )

    @property
    def formats(self) -> tuple[Format, ...]:
        return OPAQUE_PICTURE if self.output == "matte" else TRANSPARENT_PICTURE

    def margin_px(self, subject_px: int) -> int:
        number = min(float(self.margin.rstrip("px%")), MAX_MARGIN)
        return round(subject_px * number / 100) if self.margin.endswith("%") else round(number)


def cutout(scene: Scene, options: RemoveBackgroundOptions) -> Image.Image:
    """The subject with straight alpha (RGBA), or its matte alone (L); cropped to the subject where asked."""
    result = scene.matte if options.output == "matte" else scene.cut_out(options.decontaminate)
    return result.crop(_crop_box(scene, options)) if options.crop else result


def _crop_box(scene: Scene, options: RemoveBackgroundOptions) -> tuple[int, int, int, int]:
    width, height = scene.photo.size
    left, top, right, bottom = subject_box(scene.matte) or (0, 0, width, height)
    margin = options.margin_px(max(right - left, bottom - top))
    return max(0, left - margin), max(0, top - margin), min(width, right + margin), min(height, bottom + margin)


REMOVE_BACKGROUND = Effect(
    name="remove-background",
    summary="Cut the subject out",
    description="The subject with straight alpha, or its matte alone.",
    options=RemoveBackgroundOptions,
    icon=(
        "M12 5.5a3.5 3.5 0 0 1 2 6.4c2.5.8 4 2.9 4 5.6H6c0-2.7 1.5-4.8 4-5.6a3.5 3.5 0 0 1 2-6.4Z",
        "M3 7V5a2 2 0 0 1 2-2h2M17 3h2a2 2 0 0 1 2 2v2M21 17v2a2 2 0 0 1-2 2h-2M7 21H5a2 2 0 0 1-2-2v-2",
    ),
    formats=OPAQUE_PICTURE,
    pictures=CORRECTION,
    compose=cutout,
    is_live=True,
)
