"""Bytes to an upright sRGB photo. Everything wrong with a picture is found here, before it has batchmates."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError, features

from service.errors import TooManyPixels, TruncatedImage, UndecodableImage, UnsupportedImage
from service.models.labels import Size

# An allow-list: Pillow would otherwise hand PostScript to Ghostscript. JPEG includes the MPO of stereo cameras.
READ_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", *(("AVIF",) if features.check("avif") else ()))

WHITE = (255, 255, 255)
GREY_16_TO_8 = 257  # 65535 / 255


@dataclass(frozen=True)
class Photo:
    """An upright sRGB picture without metadata."""

    rgb: Image.Image
    """Mode RGB, colours not multiplied by `alpha`."""
    alpha: Image.Image | None = None
    """Mode L, where the input had transparency."""

    @property
    def size(self) -> Size:
        return Size(*self.rgb.size)

    def with_alpha(self) -> Image.Image:
        """Mode RGBA, or RGB where every pixel is opaque; a picture of its own."""
        result = self.rgb.copy()
        if self.alpha is not None:
            result.putalpha(self.alpha)
        return result

    def on_white(self) -> Image.Image:
        """RGB as a viewer shows it: what lies hidden under transparent pixels must not mislead a network."""
        if self.alpha is None:
            return self.rgb
        return Image.composite(self.rgb, Image.new("RGB", self.rgb.size, WHITE), self.alpha)


def decode(encoded: bytes, max_pixels: int, reserve: Callable[[int], None] = lambda pixel_count: None) -> Photo:
    """The first frame of `encoded`, upright, in sRGB, 8 bits a channel.

    `reserve` hears how many pixels there will be before they take up memory; what it raises is passed on.
    Raises UnsupportedImage, TooManyPixels (seen on the header, before any pixel is decoded), TruncatedImage or
    UndecodableImage.
    """
    most = f"at most {max_pixels / 1e6:g} megapixels are read"
    image = _open(encoded, most)
    if image.width * image.height > max_pixels:
        raise TooManyPixels(f"{image.width} x {image.height} pixels; {most}")
    reserve(image.width * image.height)
    try:
        return _to_photo(image)
    except MemoryError:
        raise
    # Pillow's decoders raise almost anything on hostile bytes: OSError, SyntaxError, IndexError, struct.error, ...
    except Exception as error:
        truncated = "truncated" in str(error)
        raise (TruncatedImage if truncated else UndecodableImage)() from error


def _open(encoded: bytes, most: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(encoded), formats=READ_FORMATS)
    except UnidentifiedImageError as error:
        raise UnsupportedImage(f"the first bytes are of none of {', '.join(READ_FORMATS)}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels(f"far too many pixels; {most}") from error
    except Exception as error:
        raise UndecodableImage from error


def _to_photo(image: Image.Image) -> Photo:
    image.load()
    profile = image.info.get("icc_profile")
    ImageOps.exif_transpose(image, in_place=True)  # otherwise a copy, even of what is upright
    alpha = _alpha(image)
    return Photo(_without_metadata(_to_srgb(_to_8_bit(image), profile)), alpha)


def _alpha(image: Image.Image) -> Image.Image | None:
    """Mode L, or None where every pixel is opaque."""
    if image.mode.startswith("I") or not image.has_transparency_data:
        return None
    alpha = image.convert("RGBA").getchannel("A")
    return None if alpha.getextrema() == (255, 255) else _without_metadata(alpha)


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Pillow clips 16-bit grey to 255 when it converts it, so that is scaled here."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).clip(0, 65535) // GREY_16_TO_8).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Mode RGB in sRGB; a profile that is broken or of another colour space than the pixels is ignored."""
    if image.mode == "LA":
        image = image.convert("L")
    if image.mode not in ("L", "RGB", "CMYK", "LAB"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB").convert("RGB")
    source = _source_profile(image, profile)
    if source is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    try:
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except ImageCms.PyCMSError:
        return image.convert("RGB")
    return converted or image.convert("RGB")


def _source_profile(image: Image.Image, profile: bytes | None) -> ImageCms.ImageCmsProfile | None:
    if image.mode == "LAB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else None
    except OSError:
        return None


def _without_metadata(image: Image.Image) -> Image.Image:
    """Pillow's savers write EXIF and profiles that they find in `info`, so nothing is left there."""
    image.info = {}
    return image
