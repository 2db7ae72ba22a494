"""The photos that every server is asked about: scikit-image's, enlarged to the sizes of cameras."""

import functools
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from skimage import data

PHOTO_SIZES = {"1080p": (1920, 1080), "12mp": (4000, 3000)}
PHOTOS = {"astronaut": data.astronaut, "cat": data.chelsea, "coffee": data.coffee}
JPEG_QUALITY = 90
CROPS = 40


@functools.cache
def photos(size_name: str) -> tuple[bytes, ...]:
    """JPEGs of that size: scikit-image's photos, cut to its shape and enlarged, so smoother than a camera's."""
    return tuple(_jpeg(Image.fromarray(take()), PHOTO_SIZES[size_name]) for take in PHOTOS.values())


def calibration_photos() -> NDArray[np.uint8]:
    """What ranges of activations are taken from: parts of scikit-image's colour photos. (40, 320, 320, 3), RGB."""
    whole = [Image.fromarray(take()) for take in (data.astronaut, data.chelsea, data.coffee, data.rocket)]
    sides = np.linspace(0.5, 1, CROPS // len(whole))
    return np.stack([_square(photo, side) for photo in whole for side in sides])


def _square(photo: Image.Image, side: float) -> NDArray[np.uint8]:
    """Its upper left part, of so much of its shorter side, at U2-Net's size."""
    edge = round(side * min(photo.size))
    return np.asarray(photo.crop((0, 0, edge, edge)).resize((320, 320), Image.Resampling.LANCZOS))


def _jpeg(picture: Image.Image, size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    ImageOps.fit(picture, size, Image.Resampling.BICUBIC, centering=(0.5, 0)).save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()
