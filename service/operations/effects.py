"""What becomes of a photo once it is known who is in front: cutout, new background, blur, colour pop.

Blends gamma-encoded values, as browsers do, so results match a CSS preview. Alpha is straight on the way in and out.
Pictures are put together a few rows at a time, which stay in the processor's cache.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

from service.models.labels import Size
from service.operations.options import (
    BlurBackgroundOptions,
    ColorPopOptions,
    EffectOptions,
    Fit,
    RemoveBackgroundOptions,
    ReplaceBackgroundOptions,
)
from service.pixels.blur import blurred_rows
from service.pixels.decode import Photo
from service.pixels.edges import feather, shift_edge
from service.pixels.matting import Matte, subject_box
from service.pixels.subject import BAND_ROWS, Blend, Rows, subject_rows

BLUR_SIGMA_AT_FULL_STRENGTH = 0.08
"""Of the picture's longer side."""

SMALLEST_SIGMA_PX = 0.1
"""Below this a Gaussian changes no 8-bit pixel."""

WRAP_SIGMA = 0.01
"""How far a new background's light reaches over the subject's edge; of the picture's longer side."""

WRAP_PX = 256
"""That light is computed on a picture of this longer side: it is so smooth that nothing of it is lost."""


@dataclass(frozen=True)
class Scene:
    """A photo, how much of each pixel is subject, and what goes behind it."""

    photo: Photo
    matte: Matte
    backdrop: Photo | None = None
    mixture: Matte | None = None
    """How much of each pixel's light comes from the subject, where that is not the matte: see `feather`."""

    @classmethod
    def of(cls, photo: Photo, soft: Matte, backdrop: Photo | None, options: EffectOptions) -> Self:
        """Moves and softens the edge as the options say; what the photo hides itself stays hidden."""
        mixture = shift_edge(soft, options.shift_edge)
        shown = feather(mixture, options.feather)
        if photo.alpha is not None:
            shown = ImageChops.darker(shown, photo.alpha)
        return cls(photo, shown, backdrop, mixture)

    def subject(self, decontaminate: bool) -> Iterator[Rows]:
        mixture = self.matte if self.mixture is None else self.mixture
        return subject_rows(Blend(self.photo.rgb, mixture, self.matte, self.photo.alpha), decontaminate)


def cutout(scene: Scene, options: RemoveBackgroundOptions) -> Image.Image:
    """The subject with straight alpha (RGBA), or its matte alone (L); cropped to the subject where asked."""
    result = scene.matte if options.output == "matte" else _cut(scene, options.decontaminate)
    return result.crop(_crop_box(scene, options)) if options.crop else result


def _cut(scene: Scene, decontaminate: bool) -> Image.Image:
    result = Image.new("RGBA", scene.photo.size)
    for rows in scene.subject(decontaminate):
        result.paste(rows.image, (0, rows.top))
    return result


def _crop_box(scene: Scene, options: RemoveBackgroundOptions) -> tuple[int, int, int, int]:
    width, height = scene.photo.size
    left, top, right, bottom = subject_box(scene.matte) or (0, 0, width, height)
    margin = options.margin_px(max(right - left, bottom - top))
    return max(0, left - margin), max(0, top - margin), min(width, right + margin), min(height, bottom + margin)


def replace_background(scene: Scene, options: ReplaceBackgroundOptions) -> Image.Image:
    """The subject over a picture or a colour; RGBA only where something behind it is transparent.

    C = aF + (1 - a)B. Source: Porter & Duff 1984, "over".
    """
    result = _backdrop(scene, options)
    light = _light(result, scene.matte) if options.light_wrap else None
    for rows in scene.subject(options.decontaminate):
        area = (0, rows.top, result.width, rows.top + rows.image.height)
        image = _lit(rows, light, options.light_wrap, result.height) if light else rows.image
        if result.mode == "RGB":
            result.paste(image, area, image)
        else:
            result.paste(Image.alpha_composite(result.crop(area), image), area)
    return result


def _backdrop(scene: Scene, options: ReplaceBackgroundOptions) -> Image.Image:
    """A picture of its own, to be painted on: RGB, or RGBA where something of it is transparent."""
    if scene.backdrop is not None:
        backdrop = fit_backdrop(scene.backdrop, scene.photo.size, options.fit)
        is_opaque = backdrop.mode == "RGB" or backdrop.getchannel("A").getextrema() == (255, 255)
        backdrop = backdrop.convert("RGB") if is_opaque else backdrop
        return backdrop.copy() if backdrop is scene.backdrop.rgb else backdrop
    is_opaque = options.rgba[3] == 255
    return Image.new("RGB" if is_opaque else "RGBA", scene.photo.size, options.rgba[: 3 if is_opaque else 4])


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


def _lit(rows: Rows, light: Image.Image, strength: float, height: int) -> Image.Image:
    """The subject with `light` screened onto it: F + L (1 - F)."""
    box = (0, light.height * rows.top / height, light.width, light.height * (rows.top + rows.image.height) / height)
    here = light.resize(rows.image.size, Image.Resampling.BILINEAR, box=box).point(lambda level: level * strength)
    lit = ImageChops.screen(rows.image.convert("RGB"), here)
    lit.putalpha(rows.image.getchannel("A"))
    return lit


def fit_backdrop(backdrop: Photo, size: Size, fit: Fit) -> Image.Image:
    """The backdrop at `size`, RGBA where it has transparency. Pillow premultiplies alpha before it resizes."""
    picture = backdrop.rgb if backdrop.alpha is None else _with_alpha(backdrop.rgb, backdrop.alpha)
    match fit:
        case "cover":
            return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
        case "contain":
            return ImageOps.pad(picture, size, Image.Resampling.LANCZOS, color=0)
        case "stretch":
            return picture.resize(size, Image.Resampling.LANCZOS)
        case "tile":
            return _tile(picture, size)


def _tile(picture: Image.Image, size: Size) -> Image.Image:
    pixels = np.asarray(picture)
    rows, columns = np.arange(size.height) % picture.height, np.arange(size.width) % picture.width
    return Image.fromarray(pixels[rows[:, np.newaxis], columns])


def blur_background(scene: Scene, options: BlurBackgroundOptions) -> Image.Image:
    """The subject, sharp, over the rest, blurred, without the subject's colours in the blur."""
    sigma_px = options.strength * BLUR_SIGMA_AT_FULL_STRENGTH * max(scene.photo.size)
    if sigma_px < SMALLEST_SIGMA_PX:
        return scene.photo.rgb
    mixture = scene.matte if scene.mixture is None else scene.mixture
    blurred = blurred_rows(scene.photo.rgb, mixture, sigma_px)
    result = Image.new("RGB", scene.photo.size)
    for top in range(0, result.height, BAND_ROWS):
        area = (0, top, result.width, min(result.height, top + BAND_ROWS))
        rows = blurred(*area[1::2])
        rows.paste(scene.photo.rgb.crop(area), (0, 0), scene.matte.crop(area))
        result.paste(rows, area)
    return result


def color_pop(scene: Scene, options: ColorPopOptions) -> Image.Image:
    """The subject in colour over the rest at `saturation`: 0 is grey, 1 leaves it as it was."""
    rest = ImageEnhance.Color(scene.photo.rgb).enhance(options.saturation)
    return Image.composite(scene.photo.rgb, rest, scene.matte)


def _with_alpha(rgb: Image.Image, alpha: Image.Image) -> Image.Image:
    result = rgb.copy()
    result.putalpha(alpha)
    return result


Effect = Callable[[Scene, Any], Image.Image]

EFFECTS: dict[type[EffectOptions], Effect] = {
    RemoveBackgroundOptions: cutout,
    ReplaceBackgroundOptions: replace_background,
    BlurBackgroundOptions: blur_background,
    ColorPopOptions: color_pop,
}
