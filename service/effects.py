"""What becomes of a photo once it is known who is in front: cutout, new background, blur, colour pop.

Blends gamma-encoded values, as browsers do, so results match a CSS preview. Alpha is straight on the way in and out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageEnhance, ImageOps

from service.images import Photo
from service.labels import Size
from service.matting import Matte, subject_box
from service.options import (
    BlurBackgroundOptions,
    ColorPopOptions,
    EffectOptions,
    Fit,
    RemoveBackgroundOptions,
    ReplaceBackgroundOptions,
)

BLUR_SIGMA_AT_FULL_STRENGTH = 0.08
"""Of the picture's longer side."""

SMALLEST_SIGMA_PX = 0.1
"""Below this a Gaussian changes no 8-bit pixel."""

BLUR_SIGMA_SMALL_PX = 4
"""The blur is computed on a picture so small that sigma has this many pixels: 14 ms at 1080p instead of 61."""


@dataclass(frozen=True)
class Scene:
    """A photo, how much of each pixel is subject, and what goes behind it."""

    photo: Photo
    matte: Matte
    backdrop: Photo | None = None


def cutout(scene: Scene, options: RemoveBackgroundOptions) -> Image.Image:
    """The subject with straight alpha (RGBA), or its matte alone (L); cropped to the subject where asked."""
    result = scene.matte if options.output == "matte" else _cut(scene.photo.rgb, scene.matte)
    return result.crop(_crop_box(scene, options)) if options.crop else result


def _cut(picture: Image.Image, alpha: Image.Image) -> Image.Image:
    """RGBA. What was cut away is not to be had from the file: PNG would keep its colours under an alpha of 0."""
    result = _with_alpha(picture, alpha)
    result.paste((0, 0, 0, 0), mask=alpha.point(lambda level: 255 * (level == 0), "1"))
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
    if scene.backdrop is None:
        backdrop = Image.new("RGBA", scene.photo.size, options.rgba)
    else:
        backdrop = fit_backdrop(scene.backdrop, scene.photo.size, options.fit)
    alpha = scene.matte
    if backdrop.mode == "RGB" or backdrop.getchannel("A").getextrema() == (255, 255):
        return Image.composite(scene.photo.rgb, backdrop.convert("RGB"), alpha)
    return Image.alpha_composite(backdrop, _with_alpha(scene.photo.rgb, alpha))


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
    blurred = _blur_without(scene.photo.rgb, scene.matte, sigma_px)
    return Image.composite(scene.photo.rgb, blurred, scene.matte)


def _blur_without(picture: Image.Image, matte: Matte, sigma_px: float) -> Image.Image:
    """blur(I (1 - a)) / blur(1 - a): each pixel weighs as much as it is background.

    Source: normalised convolution, Knutsson & Westin 1993.
    """
    factor = max(1, int(sigma_px / BLUR_SIGMA_SMALL_PX))
    weight = ImageChops.invert(matte)
    weighted = Image.composite(picture, Image.new("RGB", picture.size), weight)
    small = np.dstack([np.asarray(weighted.reduce(factor)), np.asarray(weight.reduce(factor))]).astype(np.float32)
    blurred = _gaussian(_gaussian(small, sigma_px / factor).swapaxes(0, 1), sigma_px / factor).swapaxes(0, 1)
    colors = blurred[..., :3] * 255 / np.maximum(blurred[..., 3:], 1e-3)
    result = Image.fromarray(np.rint(colors.clip(0, 255)).astype(np.uint8))
    # The reduced picture may overhang the original by a part of one reduced pixel.
    box = (0, 0, picture.width / factor, picture.height / factor)
    return result.resize(picture.size, Image.Resampling.BICUBIC, box=box)


def _gaussian(values: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Blurred along the first axis; the border is repeated outwards."""
    radius = int(np.ceil(3 * sigma_px))
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma_px) ** 2).astype(np.float32)
    padded = np.pad(values, ((radius, radius), (0, 0), (0, 0)), mode="edge")
    total = np.zeros_like(values)
    for offset, coefficient in enumerate(kernel / kernel.sum()):
        total += coefficient * padded[offset : offset + len(values)]
    return total


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
