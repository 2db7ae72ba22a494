"""The formats that are read, one row each, and what is said of those that are not."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import features

from service.errors import UnsupportedImage
from service.pixels.decode.avif import is_avif, open_avif
from service.pixels.decode.gif import open_gif
from service.pixels.decode.heif import is_heif, open_heif
from service.pixels.decode.jpeg import open_jpeg
from service.pixels.decode.plain import is_bmp, open_bmp, open_webp
from service.pixels.decode.png import open_png
from service.pixels.decode.raster import Header
from service.pixels.decode.strangers import name_of_stranger
from service.pixels.decode.tiff import is_tiff, open_tiff
from service.pixels.png_format import SIGNATURE as PNG_SIGNATURE


@dataclass(frozen=True)
class ReadFormat:
    """A format, how its files begin, and what reads them."""

    is_it: Callable[[bytes], bool]
    open: Callable[[bytes], Header]
    suffixes: tuple[str, ...]


FORMATS: dict[str, ReadFormat] = {
    "JPEG": ReadFormat(
        lambda encoded: encoded.startswith(b"\xff\xd8\xff"), open_jpeg, (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")
    ),
    "PNG": ReadFormat(lambda encoded: encoded.startswith(PNG_SIGNATURE), open_png, (".png", ".apng")),
    "WebP": ReadFormat(lambda encoded: encoded[:4] == b"RIFF" and encoded[8:12] == b"WEBP", open_webp, (".webp",)),
    "GIF": ReadFormat(lambda encoded: encoded.startswith((b"GIF87a", b"GIF89a")), open_gif, (".gif",)),
    "BMP": ReadFormat(is_bmp, open_bmp, (".bmp", ".dib")),
    "TIFF": ReadFormat(is_tiff, open_tiff, (".tif", ".tiff")),
    "HEIC": ReadFormat(is_heif, open_heif, (".heic", ".heif", ".hif")),
    **({"AVIF": ReadFormat(is_avif, open_avif, (".avif",))} if features.check("avif") else {}),
}
"""An allow-list. JPEG includes the MPO of stereo cameras; HEIC, what else is in a HEIF with HEVC inside."""

READ_FORMATS = tuple(FORMATS)
READ_SUFFIXES = frozenset(suffix for each in FORMATS.values() for suffix in each.suffixes)
"""Of the files that are worth opening, in lower case."""


def format_of(encoded: bytes) -> ReadFormat:
    """By the first bytes. Raises UnsupportedImage, which says what it is instead."""
    stranger = name_of_stranger(encoded)
    if stranger:
        raise UnsupportedImage(f"this is {stranger}, which is not read; send {readable()}")
    for each in FORMATS.values():
        if each.is_it(encoded):
            return each
    raise UnsupportedImage(f"the first bytes are of none of {', '.join(READ_FORMATS)}")


def readable() -> str:
    """`JPEG, PNG or TIFF`, with all of them."""
    return f"{', '.join(READ_FORMATS[:-1])} or {READ_FORMATS[-1]}"
