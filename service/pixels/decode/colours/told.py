"""Pixels of a colour space that is told by numbers, to sRGB: to light, to sRGB's primaries, clipped, and back."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.pixels.decode.colours.icc import as_rgb
from service.pixels.decode.colours.spaces import ColourSpace
from service.pixels.decode.colours.transfer import light_to_srgb

BAND_PIXELS = 1 << 15
"""So many are light at a time, 12 bytes each: small enough for memory that malloc has at hand. Bands of eight times as
many took twice as long."""
STEPS = 65535
"""Of light, when it becomes sRGB again: the darkest level of 8 bits has 20 of them."""


def from_told(colours: Image.Image | NDArray[np.uint16], space: ColourSpace) -> Image.Image:
    """Mode RGB, of L or RGB or of (H, W) or (H, W, 3) of 16 bits. Colours that sRGB does not have are clipped.

    Some 35 ns a pixel: 12 megapixels take 0.4 s.
    """
    grey = colours.mode == "L" if isinstance(colours, Image.Image) else colours.ndim == 2
    width, height = colours.size if isinstance(colours, Image.Image) else colours.shape[1::-1]
    rgb = Image.new("L" if grey else "RGB", (width, height), None)
    rows = max(1, BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        part = colours.crop((0, top, width, bottom)) if isinstance(colours, Image.Image) else colours[top:bottom]
        rgb.paste(Image.fromarray(_to_srgb(np.asarray(part), space)), (0, top))
    return as_rgb(rgb)


def _to_srgb(signal: NDArray[np.uint8 | np.uint16], space: ColourSpace) -> NDArray[np.uint8]:
    # Indices cannot be out of range; `clip` only spares numpy a second buffer, and a third of the time.
    light = np.take(_light_table(space, int(np.iinfo(signal.dtype).max)), signal, mode="clip")
    if space.transfer.system_gamma != 1.0:
        luminance = light @ space.luminance() if light.ndim == 3 else light
        # The display's own gamma acts on luminance alone, so that colours keep their hue: BT.2100's OOTF.
        factor = np.maximum(luminance, 1e-6) ** np.float32(space.transfer.system_gamma - 1.0)
        light *= factor[..., np.newaxis] if light.ndim == 3 else factor
    if light.ndim == 3:
        light = (light.reshape(-1, 3) @ space.to_bt709().T).reshape(light.shape)  # one product, not one a row
    light *= np.float32(space.transfer.white * STEPS)
    return np.take(_srgb_table(), np.clip(light, 0, STEPS, out=light).astype(np.uint16), mode="clip")


@lru_cache(maxsize=16)
def _light_table(space: ColourSpace, most: int) -> NDArray[np.float32]:
    """(most + 1,): the light of each number that a file may store."""
    numbers = np.arange(most + 1, dtype=np.float64) / most
    if not space.full_range:
        numbers = np.clip((256 * np.arange(most + 1) / (most + 1) - 16) / 219, 0.0, 1.0)
    return np.asarray(space.transfer.curve(numbers), np.float32)


@lru_cache(maxsize=1)
def _srgb_table() -> NDArray[np.uint8]:
    """(65536,): the level of each step of light."""
    light = np.arange(STEPS + 1, dtype=np.float64) / STEPS
    return np.rint(255 * light_to_srgb(light)).astype(np.uint8)
