"""A picture that goes behind another one, made as large as that."""

from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from service.models.labels import Size
from service.pixels.decode import Photo
from service.pixels.threads import pixel_work

Fit = Literal["cover", "contain", "stretch", "tile"]


@pixel_work
def fit_backdrop(backdrop: Photo, size: Size, fit: Fit) -> Photo:
    """The backdrop at `size`; what has that size already is handed back as it is."""
    if backdrop.size == size:
        return backdrop
    fitted = _fitted(backdrop.rgb if backdrop.alpha is None else backdrop.with_alpha(), size, fit)
    is_opaque = fitted.mode == "RGB" or fitted.getchannel("A").getextrema() == (255, 255)
    return Photo(fitted.convert("RGB"), None if is_opaque else fitted.getchannel("A"))


def _fitted(picture: Image.Image, size: Size, fit: Fit) -> Image.Image:
    """In the mode of `picture`. Pillow premultiplies alpha before it resizes."""
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
