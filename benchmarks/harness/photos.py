"""The photos that every server is asked about: scikit-image's, enlarged to the sizes of cameras."""

import functools
import io

from PIL import Image, ImageOps
from skimage import data

PHOTO_SIZES = {"1080p": (1920, 1080), "12mp": (4000, 3000)}
PHOTOS = {"astronaut": data.astronaut, "cat": data.chelsea, "coffee": data.coffee}
JPEG_QUALITY = 90


@functools.cache
def photos(size_name: str) -> tuple[bytes, ...]:
    """JPEGs of that size: scikit-image's photos, cut to its shape and enlarged, so smoother than a camera's."""
    return tuple(_jpeg(Image.fromarray(take()), PHOTO_SIZES[size_name]) for take in PHOTOS.values())


def _jpeg(picture: Image.Image, size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    ImageOps.fit(picture, size, Image.Resampling.BICUBIC, centering=(0.5, 0)).save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()
