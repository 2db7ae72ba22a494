"""PNG, WebP and JPEG bytes of a picture in mode L, RGB or RGBA.

Writes pixels only: no EXIF, no ICC profile, no text, whatever `image.info` holds.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Literal

from PIL import Image

from service.errors import NotAcceptable
from service.pixels.encoders.png import encode_png
from service.pixels.threads import pixel_work

PNG_SMALL_LEVEL = 6  # 1080p: 677 ms; level 9 takes 4 s for 3% fewer bytes
Compression = Literal["fast", "small"]

PictureFormat = Literal["png", "webp", "jpeg"]
TRANSPARENT_PICTURE: tuple[PictureFormat, ...] = ("png", "webp")
OPAQUE_PICTURE: tuple[PictureFormat, ...] = ("png", "webp", "jpeg")
"""What a picture with and without alpha may come in, the default first."""

WEBP_METHODS: dict[Compression, int] = {"fast": 0, "small": 4}  # 1080p: 80 and 506 ms, for 25% fewer bytes
MAX_SIDE_PX = {
    "webp": 16383,  # 14 bits in the VP8 frame header
    "jpeg": 65500,  # JPEG_MAX_DIMENSION of libjpeg
}
FULL_CHROMA_QUALITY = 90  # from here on the caller pays for detail, and 4:2:0 would blur coloured edges

PictureEncoder = Callable[[Image.Image, int, Compression], bytes]
"""(image, quality from 1 to 100, how hard to try for few bytes) -> bytes."""


@pixel_work
def png(image: Image.Image, quality: int = 100, compression: Compression = "fast") -> bytes:
    """Lossless: `quality` is here for the registry's sake and changes nothing."""
    if compression == "fast":
        return encode_png(image)
    out = BytesIO()
    _without_metadata(image).save(out, "PNG", compress_level=PNG_SMALL_LEVEL)
    return out.getvalue()


@pixel_work
def webp(image: Image.Image, quality: int, compression: Compression = "fast") -> bytes:
    """Lossy colours, lossless alpha; the colour of fully transparent pixels is not kept.

    Raises NotAcceptable for a picture that is longer or wider than WebP can hold.
    """
    _refuse_longer_than(MAX_SIDE_PX["webp"], image, "WebP")
    out = BytesIO()
    _without_metadata(image).save(out, "WEBP", quality=quality, method=WEBP_METHODS[compression])
    return out.getvalue()


@pixel_work
def jpeg(image: Image.Image, quality: int, compression: Compression = "fast") -> bytes:
    """Raises NotAcceptable for a picture with alpha, or one that is longer or wider than JPEG can hold."""
    if "A" in image.getbands():
        raise NotAcceptable("JPEG has no transparency; ask for PNG or WebP, or for a background")
    _refuse_longer_than(MAX_SIDE_PX["jpeg"], image, "JPEG")
    subsampling = "4:4:4" if quality >= FULL_CHROMA_QUALITY else "4:2:0"
    out = BytesIO()
    _without_metadata(image).save(
        out, "JPEG", quality=quality, subsampling=subsampling, optimize=compression == "small"
    )
    return out.getvalue()


PICTURE_ENCODERS: dict[str, PictureEncoder] = {"png": png, "webp": webp, "jpeg": jpeg}
PICTURE_MEDIA_TYPES: dict[str, str] = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}


def _without_metadata(image: Image.Image) -> Image.Image:
    """A copy where there is any: Pillow's savers fall back on `image.info` for ICC profiles, comments, transparency.

    A copy of 12 megapixels takes 18 to 60 ms, and what the effects make has no metadata.
    """
    if not image.info:
        return image
    bare = image.copy()
    bare.info = {}
    return bare


def _refuse_longer_than(max_side_px: int, image: Image.Image, format_name: str) -> None:
    if max(image.size) > max_side_px:
        raise NotAcceptable(f"{format_name} holds at most {max_side_px} pixels a side; ask for PNG")
