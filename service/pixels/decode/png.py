"""PNG: Pillow decodes the pixels; transparency by a colour, 16 bits and colours told without ICC are read here."""

import io
import struct
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.models.labels import Size
from service.pixels.decode.colours.icc import MAX_PROFILE_BYTES
from service.pixels.decode.colours.spaces import SRGB, XY, ColourSpace, Primaries, from_codes, from_gamma
from service.pixels.decode.orientation import orientation
from service.pixels.decode.png_chunks import (
    RAW_EXIF,
    ImageHeader,
    Png,
    inflated,
    put_together,
    take_apart,
)
from service.pixels.decode.raster import Deep, Header, Profile, Raster, raster, white_of_integers
from service.pixels.png_format import GREY, GREY_ALPHA, RGB, RGBA

MAX_EXIF_BYTES = 1 << 20
DEEP_WEIGHT = 2.0
"""Of a picture of which all 16 bits are read: it is decoded twice, and held as numbers as well."""
DEEP_ROWS = 64
HIGH_BYTES, LOW_BYTES = "16B", "16L"
"""Pillow keeps 8 of 16 bits; told that the file is of the other byte order, it keeps the other 8."""


def open_png(encoded: bytes) -> Header:
    png = take_apart(encoded)
    told = _told(png)
    size = Size(png.header.width, png.header.height)
    if png.header.depth == 16 and (_key(png) or png.header.colour_type == GREY or _needs_16_bits(told)):
        return Header(size, partial(_load_deep, png, told), png.frames, DEEP_WEIGHT)
    return Header(size, partial(_load, png, told), png.frames)


def _load(png: Png, told: tuple[Profile | ColourSpace, ...]) -> Raster:
    image, key = _loaded(_opened(png, png.header)), _key(png)
    if png.header.depth == 16 and not any(most for _, most in image.getextrema()):  # type: ignore[misc]
        image = _counted_in_8_bits(png)
    alpha = _keyed(np.asarray(image), key, (1 << png.header.depth) - 1) if key else None
    return raster(image, told, orientation(_exif(png)), alpha)


def _load_deep(png: Png, told: tuple[Profile | ColourSpace, ...]) -> Raster:
    colours, alpha = _deep(png)
    if key := _key(png):
        alpha = _keyed(colours, key, 65535)
    if not _needs_16_bits(told) and (white := white_of_integers(int(colours.max()), 65535)) < 65535:
        colours = colours * np.uint16(65535 // white)
    return Raster(colours, alpha, told, orientation(_exif(png)))


def _key(png: Png) -> bytes | None:
    """The one level or colour that stands for transparent; that of a palette, Pillow reads."""
    key = png.chunks.get(b"tRNS", b"")
    return key if len(key) == {GREY: 2, RGB: 6}.get(png.header.colour_type) else None


def _opened(png: Png, header: ImageHeader) -> Image.Image:
    return Image.open(io.BytesIO(put_together(png, header)), formats=["PNG"])


def _keyed(colours: NDArray[np.uint8 | np.uint16 | np.bool_], key: bytes, most: int) -> Image.Image | None:
    """The alpha of a picture in which one colour of levels up to `most` stands for transparent."""
    samples = 1 if colours.ndim == 2 else 3
    levels = np.array(struct.unpack_from(f">{samples}H", key)) & most
    scale = 1 if most == 65535 or colours.dtype == bool else 255 // most
    is_key = colours == levels * scale
    transparent = is_key if samples == 1 else is_key.all(axis=2)
    return Image.fromarray(np.where(transparent, np.uint8(0), np.uint8(255)))


def _deep(png: Png) -> tuple[Deep, Image.Image | None]:
    """All 16 bits of the colours, and 8 of the alpha. Takes twice the time of a picture of 8."""
    header = png.header
    if header.colour_type == GREY:
        return np.asarray(_loaded(_opened(png, header))).astype(np.uint16), None
    if header.colour_type == GREY_ALPHA:
        # The same bytes, called four samples of 8 bits: grey's high and low byte, then alpha's.
        parts = np.asarray(_loaded(_opened(png, header._replace(colour_type=RGBA, depth=8)))).astype(np.uint16)
        return parts[..., 0] * np.uint16(256) + parts[..., 1], Image.fromarray(parts[..., 2].astype(np.uint8))
    high, low = (_bytes_of_16(png, which) for which in (HIGH_BYTES, LOW_BYTES))
    alpha = high.getchannel("A") if header.colour_type == RGBA else None
    pixels = np.empty((header.height, header.width, 3), np.uint16)
    for top in range(0, header.height, DEEP_ROWS):  # not all at once, for numpy would hold every step of it
        part = (0, top, header.width, min(top + DEEP_ROWS, header.height))
        above, below = (np.asarray(image.crop(part))[..., :3] for image in (high, low))
        pixels[top : top + DEEP_ROWS] = above * np.uint16(256) + below
    return pixels, alpha


def _counted_in_8_bits(png: Png) -> Image.Image:
    """What has no number above 255, and as 16 bits would show nothing: see `white_of_integers`."""
    if png.header.colour_type == GREY_ALPHA:
        return Image.merge("LA", _loaded(_opened(png, png.header._replace(colour_type=RGBA, depth=8))).split()[1::2])
    return _bytes_of_16(png, LOW_BYTES)


def _bytes_of_16(png: Png, which: str) -> Image.Image:
    image = _opened(png, png.header)
    image.tile = [image.tile[0]._replace(args=f"{image.mode};{which}")]  # type: ignore[attr-defined]
    return _loaded(image)


def _loaded(image: Image.Image) -> Image.Image:
    image.load()
    return image


def _needs_16_bits(told: tuple[Profile | ColourSpace, ...]) -> bool:
    """Whether 8 are too few: dark colours of linear light have but some levels."""
    return bool(told) and isinstance(told[0], ColourSpace) and not told[0].is_srgb


def _told(png: Png) -> tuple[Profile | ColourSpace, ...]:
    """Source: PNG, third edition, 4.3: cICP before iCCP before sRGB before gAMA and cHRM."""
    words = (_cicp(png), _iccp(png), SRGB if b"sRGB" in png.chunks else None, _gamma(png))
    return tuple(word for word in words if word)


def _cicp(png: Png) -> ColourSpace | None:
    codes = png.chunks.get(b"cICP", b"")
    if len(codes) != 4 or codes[2]:  # pixels of a PNG are RGB, so the matrix is 0
        return None
    return from_codes(codes[0], codes[1], full_range=codes[3] == 1)


def _iccp(png: Png) -> Profile | None:
    _, _, rest = png.chunks.get(b"iCCP", b"").partition(b"\0")
    return inflated(rest[1:], MAX_PROFILE_BYTES) if rest[:1] == b"\0" else None


def _gamma(png: Png) -> ColourSpace | None:
    gamma, points = png.chunks.get(b"gAMA", b""), png.chunks.get(b"cHRM", b"")
    chromaticities = None
    if len(points) == 32:
        white, red, green, blue = (XY(x / 1e5, y / 1e5) for x, y in struct.iter_unpack(">II", points))
        chromaticities = Primaries(red, green, blue, white)
    if len(gamma) != 4:
        return from_gamma(1 / 2.2, chromaticities) if chromaticities else None
    return from_gamma(int.from_bytes(gamma, "big") / 1e5, chromaticities)


def _exif(png: Png) -> bytes | None:
    if b"eXIf" in png.chunks:
        return png.chunks[b"eXIf"]
    text = inflated(png.chunks.get(b"zTXt", b"")[len(RAW_EXIF) :], MAX_EXIF_BYTES)
    try:  # three lines: empty, `exif`, the number of bytes; then the bytes in hexadecimal
        return bytes.fromhex(text.decode("ascii").split("\n", 3)[3]) if text else None
    except (ValueError, IndexError):
        return None
