"""Pixels with an ICC profile, to sRGB, by Little CMS."""

import io
import re
import struct
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 4 * 1024 * 1024
"""Printers' profiles have up to some 3 MB. What is larger is ignored, and so is what does not fit the pixels."""
FLOAT_TAGS = re.compile(rb"[BD]2[BD][0-3]")
KEPT_TRANSFORMS = 8
"""Each keeps its profile, and up to as much again."""


class UnusableProfile(ValueError):
    """Damaged, too large, or of another kind of colours than the pixels."""


def from_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Mode RGB, of L, RGB, CMYK or LAB. Raises UnusableProfile."""
    if len(profile) > MAX_PROFILE_BYTES:
        raise UnusableProfile
    transform = _transform(profile, image.mode)
    return transform.apply(image) if transform else as_rgb(image)


def as_rgb(image: Image.Image) -> Image.Image:
    """Its numbers taken for sRGB's; Pillow's own `convert` would copy what is RGB already."""
    return image if image.mode == "RGB" else image.convert("RGB")


def from_lab(image: Image.Image) -> Image.Image:
    """CIE Lab needs no profile: it is one."""
    return _lab_transform().apply(image)


@lru_cache(maxsize=KEPT_TRANSFORMS)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """None where it would change nothing: most photos carry sRGB's own profile, and 12 megapixels of it took 260 ms.

    Threads may share it: Little CMS only reads what it was made with. Raises UnusableProfile.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(_without_float_tags(profile)))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        raise UnusableProfile from error
    return None if _changes_nothing(transform, mode) else transform


def _without_float_tags(profile: bytes) -> bytes:
    """Called by names that nobody knows, so that the tables of integers count, which every such profile has as well.

    A chain of steps in floats has no limit but the profile's size, and 160 kB of it were measured at 23 s.
    """
    (count,) = struct.unpack_from(">I", profile, 128) if len(profile) >= 132 else (0,)
    renamed = bytearray(profile)
    for place in range(132, min(132 + 12 * count, len(profile) - 11), 12):
        if FLOAT_TAGS.fullmatch(profile, place, place + 4):
            renamed[place : place + 4] = b"none"
    return bytes(renamed)


@lru_cache(maxsize=1)
def _lab_transform() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether it gives back every colour of a grid, and every grey, within the rounding of one level."""
    if mode not in ("RGB", "L"):
        return False
    greys = np.arange(256, dtype=np.uint8)
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    probe = np.concatenate([grid, np.stack([greys] * 3, axis=-1)]) if mode == "RGB" else greys
    image = Image.fromarray(probe[np.newaxis])
    shown = np.asarray(transform.apply(image), np.int16)
    return bool(np.abs(shown - np.asarray(image.convert("RGB"), np.int16)).max() <= 1)
