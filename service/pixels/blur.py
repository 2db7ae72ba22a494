"""A background blurred without the subject's colours: every pixel weighs as much as it is background.

blur(I w) / blur(w). Source: normalised convolution, Knutsson & Westin 1993.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from service.pixels.bands import BAND_ROWS
from service.pixels.threads import pixel_work

Planes = NDArray[np.float32]

SIGMA_SMALL_PX = 3
"""The blur is computed on a picture so small that sigma has three or four of its pixels, so a wide blur costs no more
than a narrow one. With two, what is thinner than such a pixel moves visibly."""

NARROW_PX = 9
"""A smaller sigma is computed at full size, in eight bits: in float the picture would be too large to hold."""

SURE_POWER = 3
"""A pixel that is half subject shows half of its colour: it says little of the background, an eighth and not a half."""

UNSURE_SHARE = 1 / 8
"""But something, where there is nothing better."""

BlurredRows = Callable[[int, int], Image.Image]
"""(top, bottom) to the rows between, RGB."""


@pixel_work
def blurred_rows(picture: Image.Image, mixture: Image.Image, sigma_px: float) -> BlurredRows:
    """The background of `picture` (RGB), blurred, any rows of it; `mixture` (L) says how much of a pixel is subject."""
    weight = mixture.point(_weights())
    if sigma_px < NARROW_PX:
        return _narrow(picture, weight, sigma_px)
    return _wide(picture, weight, sigma_px, int(sigma_px / SIGMA_SMALL_PX))


def _weights() -> list[int]:
    rest = 1 - np.arange(256) / 255
    return [round(255 * weight) for weight in np.maximum(rest**SURE_POWER, UNSURE_SHARE * rest)]


def _wide(picture: Image.Image, weight: Image.Image, sigma_px: float, factor: int) -> BlurredRows:
    weighted, weights = _reduced(picture, weight, factor)
    small = np.concatenate([weighted, weights[..., np.newaxis]], axis=2)
    sigma_small_px = _without_reduction(sigma_px, factor) / factor
    across = _gaussian(small, sigma_small_px).swapaxes(0, 1)
    blurred = _gaussian(np.ascontiguousarray(across), sigma_small_px).swapaxes(0, 1)
    result = Image.fromarray(_normalised(blurred[..., :3], blurred[..., 3:]))

    def rows(top: int, bottom: int) -> Image.Image:
        # The reduced picture overhangs the original by what it was filled up with.
        box = (0, top / factor, picture.width / factor, bottom / factor)
        return result.resize((picture.width, bottom - top), Image.Resampling.BICUBIC, box=box)

    return rows


def _reduced(picture: Image.Image, weight: Image.Image, factor: int) -> tuple[Planes, Planes]:
    """I w and w: (h, w, 3) and (h, w), means of `factor` x `factor` pixels."""
    colors, weights = [], []
    step = factor * max(1, BAND_ROWS // factor)
    for top in range(0, picture.height, step):
        area = (0, top, picture.width, min(picture.height, top + step))
        part = _filled_up(weight.crop(area), factor)
        colors.append(np.asarray(_times(_filled_up(picture.crop(area), factor), part).reduce(factor), np.float32))
        weights.append(np.asarray(part.reduce(factor), np.float32))
    return np.concatenate(colors), np.concatenate(weights)


def _filled_up(picture: Image.Image, factor: int) -> Image.Image:
    """To multiples of `factor`, with its last column and row, as if the picture went on like that."""
    width, height = picture.size
    right, below = -width % factor, -height % factor
    if not right and not below:
        return picture
    filled = picture.crop((0, 0, width + right, height + below))
    if right:
        filled.paste(picture.crop((width - 1, 0, width, height)).resize((right, height)), (width, 0))
    if below:
        filled.paste(filled.crop((0, height - 1, width + right, height)).resize((width + right, below)), (0, height))
    return filled


def _times(picture: Image.Image, weight: Image.Image) -> Image.Image:
    return Image.composite(picture, Image.new("RGB", picture.size), weight)


def _without_reduction(sigma_px: float, factor: int) -> float:
    """A mean of n pixels has blurred with a variance of (n^2 - 1) / 12 already."""
    return float(np.sqrt(sigma_px**2 - (factor**2 - 1) / 12))


def _normalised(weighted: Planes, weight: Planes) -> NDArray[np.uint8]:
    colors = weighted * np.float32(255) / np.maximum(weight, np.float32(1e-3))
    return (colors + np.float32(0.5)).clip(0, 255).astype(np.uint8)


def _gaussian(values: Planes, sigma_px: float) -> Planes:
    """Blurred along the first axis; the border is repeated outwards."""
    radius = int(np.ceil(3 * sigma_px))
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma_px) ** 2).astype(np.float32)
    padded = np.pad(values, ((radius, radius), (0, 0), (0, 0)), mode="edge")
    total = np.zeros_like(values)
    for offset, coefficient in enumerate(kernel / kernel.sum()):
        total += coefficient * padded[offset : offset + len(values)]
    return total


def _narrow(picture: Image.Image, weight: Image.Image, sigma_px: float) -> BlurredRows:
    """In eight bits: near the background there is enough of it to divide by."""
    gaussian = ImageFilter.GaussianBlur(sigma_px)
    weighted, weights = _times(picture, weight).filter(gaussian), weight.filter(gaussian)

    def rows(top: int, bottom: int) -> Image.Image:
        area = (0, top, picture.width, bottom)
        colors, share = np.asarray(weighted.crop(area), np.float32), np.asarray(weights.crop(area), np.float32)
        return Image.fromarray(_normalised(colors, share[..., np.newaxis]))

    return rows
