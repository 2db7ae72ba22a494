"""Pictures for the readers' tests, made by hand where no library writes them."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, features

from service.models.labels import Size
from service.pixels.decode import Photo

MANY = 10**7
"""Pixels: more than any picture here has."""

RED, GREEN, BLUE, YELLOW = (230, 30, 20), (20, 200, 40), (10, 40, 220), (240, 220, 30)

PHOTO_FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", *(["AVIF"] if features.check("avif") else [])]

ORIENTATION_TAG = 0x0112
DESCRIPTION_TAG = 0x010E

STORED_AS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright.swapaxes(0, 1)[::-1],
    7: lambda upright: upright.swapaxes(0, 1)[::-1, ::-1],
    8: lambda upright: upright.swapaxes(0, 1)[:, ::-1],
}
"""Which side of the upright picture the stored rows and columns begin at: the table of EXIF 2.3, tag 274."""


def corners() -> Image.Image:
    """Another colour in each quarter, and wider than high: no turn or flip goes unseen."""
    picture = Image.new("RGB", (96, 64))
    for color, corner in ((RED, (0, 0)), (GREEN, (48, 0)), (BLUE, (0, 32)), (YELLOW, (48, 32))):
        picture.paste(color, (*corner, corner[0] + 48, corner[1] + 32))
    return picture


def shows_corners(photo: Photo, tolerance: int) -> bool:
    """Compares the middle of each quarter, away from the edges that JPEG smears."""
    if photo.size != Size(96, 64):
        return False
    found = np.asarray(photo.rgb, np.int16)
    expected = np.asarray(corners(), np.int16)
    middles = [(y, x) for y in (8, 16, 24, 40, 48, 56) for x in (12, 24, 36, 60, 72, 84)]
    return all(abs(found[place] - expected[place]).max() <= tolerance for place in middles)


def metadata(**tags: Any) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = tags.get("orientation", 1)
    exif[DESCRIPTION_TAG] = "where I live"
    return exif


def colours_of(photo: Photo) -> NDArray[np.int16]:
    """(H, W, 3), signed, so that differences are differences."""
    return np.asarray(photo.rgb, np.int16)


def alpha_of(photo: Photo) -> NDArray[np.uint8]:
    assert photo.alpha is not None
    return np.asarray(photo.alpha)


# --- PNG --------------------------------------------------------------------------------------------------------------

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
AFTER_IHDR = 33
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(size: Size, bit_depth: int, color_type: int, rows: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """Pillow writes none with 16 bits a colour, nor one that lies about its size, nor chunks of colour."""
    header = struct.pack(">IIBBBBB", *size, bit_depth, color_type, 0, 0, 0)
    chunks = [png_chunk(*each) for each in ((b"IHDR", header), *more, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))]
    return PNG_SIGNATURE + b"".join(chunks)


def png_of(pixels: NDArray[Any], bit_depth: int, color_type: int, *more: tuple[bytes, bytes]) -> bytes:
    """Of (H, W) or (H, W, samples), of 8 or 16 bits."""
    rows = b"".join(b"\0" + row.astype(">u2" if bit_depth == 16 else "u1").tobytes() for row in pixels)
    return png(Size(pixels.shape[1], pixels.shape[0]), bit_depth, color_type, rows, *more)


def with_chunk(content: bytes, kind: bytes, chunk: bytes) -> bytes:
    """A PNG with one more chunk, before its palette and pixels."""
    return content[:AFTER_IHDR] + png_chunk(kind, chunk) + content[AFTER_IHDR:]


# --- TIFF -------------------------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """Of a directory. Kinds: 1 BYTE, 2 ASCII, 3 SHORT, 4 LONG, 11 FLOAT, 12 DOUBLE."""

    tag: int
    kind: int
    values: tuple[float, ...]


TIFF_KINDS = {1: "B", 2: "B", 3: "H", 4: "I", 11: "f", 12: "d", 16: "Q"}
SUBFILE_TYPE, OLD_SUBFILE_TYPE, ORIENTATION = 254, 255, 274
PREDICTOR, EXTRA_SAMPLES, SAMPLE_MIN, SAMPLE_MAX = 317, 338, 340, 341
LZW, DEFLATE, PACKBITS = 5, 8, 32773
MIN_IS_WHITE, MIN_IS_BLACK, TIFF_RGB, TIFF_PALETTE, TIFF_CMYK = 0, 1, 2, 3, 5
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIPS, SAMPLES, ROWS, STRIP_BYTES = (
    256,
    257,
    258,
    259,
    262,
    273,
    277,
    278,
    279,
)


class Page(NamedTuple):
    """Strips as they are stored, and what is said of them; offsets and lengths are filled in."""

    strips: tuple[bytes, ...]
    entries: tuple[Entry, ...]
    offsets_tag: int = STRIPS
    lengths_tag: int = STRIP_BYTES


def page(
    stored: bytes, size: Size, bits: int, samples: int, photometric: int, *more: Entry, compression: int = 1
) -> Page:
    """Of one strip."""
    common = (
        Entry(WIDTH, 4, (size.width,)),
        Entry(HEIGHT, 4, (size.height,)),
        Entry(BITS, 3, (bits,) * samples),
        Entry(COMPRESSION, 3, (compression,)),
        Entry(PHOTOMETRIC, 3, (photometric,)),
        Entry(SAMPLES, 3, (samples,)),
        Entry(ROWS, 4, (size.height,)),
    )
    return Page((stored,), (*common, *more))


def page_of(pixels: NDArray[Any], photometric: int, *more: Entry, order: str = "<") -> Page:
    """Of (H, W) or (H, W, samples) of whole bytes, uncompressed, with the SampleFormat of its type."""
    height, width, samples = (*pixels.shape, 1)[:3]
    form = Entry(339, 3, ({"u": 1, "i": 2, "f": 3}[pixels.dtype.kind],) * samples)
    stored = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()  # type: ignore[arg-type]
    return page(stored, Size(width, height), pixels.dtype.itemsize * 8, samples, photometric, form, *more)


def tiff(*pages: Page, order: str = "<", big: bool = False) -> bytes:
    """A TIFF, or a BigTIFF, of these pages."""
    offset = "Q" if big else "I"
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HH", 8, 0) if big else b""
    out = head + struct.pack(order + offset, 0)
    link = len(head)
    for each in pages:
        starts = []
        for strip in each.strips:
            starts.append(len(out))
            out += strip + b"\0" * (len(strip) % 2)
        lengths = tuple(len(strip) for strip in each.strips)
        entries = (*each.entries, Entry(each.offsets_tag, 4, tuple(starts)), Entry(each.lengths_tag, 4, lengths))
        out, link = _with_directory(out, link, sorted(entries), order, big)
    return out


def _with_directory(out: bytes, link: int, entries: Sequence[Entry], order: str, big: bool) -> tuple[bytes, int]:
    """The file with a directory behind it that `link` points to, and where that directory's own link is."""
    offset, inline = ("Q", 8) if big else ("I", 4)
    directory = struct.pack(order + ("Q" if big else "H"), len(entries))
    for tag, kind, values in entries:
        content = struct.pack(f"{order}{len(values)}{TIFF_KINDS[kind]}", *values)
        if len(content) > inline:
            out += b"\0" * (len(out) % 2)
            content, out = struct.pack(order + offset, len(out)), out + content
        directory += struct.pack(f"{order}HH{offset}", tag, kind, len(values)) + content.ljust(inline, b"\0")
    out += b"\0" * (len(out) % 2)
    start = struct.pack(order + offset, len(out))
    out = out[:link] + start + out[link + len(start) :] + directory
    return out + struct.pack(order + offset, 0), len(out)


# --- colour -----------------------------------------------------------------------------------------------------------

SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def profile_with_red_and_green_swapped() -> bytes:
    """sRGB whose primaries have changed places in the table of tags: what is stored as red is shown as green."""
    profile = bytearray(SRGB_PROFILE)
    red, green = (profile.index(tag, 128) for tag in (b"rXYZ", b"gXYZ"))
    profile[red : red + 4], profile[green : green + 4] = profile[green : green + 4], profile[red : red + 4]
    return bytes(profile)


def linear_grey_profile() -> bytes:
    """The smallest grey profile that there is: D50 white and gamma 1.0."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1.0, 0.8249)))
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, 256)
    table = struct.pack(">I4sII4sII", 2, b"wtpt", 156, len(white), b"kTRC", 176, len(curve))
    size = struct.pack(">I", 128 + len(table) + len(white) + len(curve))
    version_and_spaces = size + b"\0\0\0\0\x02\x40\0\0mntrGRAYXYZ " + struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
    illuminant = struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1.0, 0.8249)))
    header = version_and_spaces + b"acsp" + bytes(28) + illuminant
    return header.ljust(128, b"\0") + table + white + curve


P3_TO_XYZ = np.array(
    [[0.4865709, 0.2656677, 0.1982173], [0.2289746, 0.6917385, 0.0792869], [0.0, 0.0451134, 1.0439444]]
)
SRGB_TO_XYZ = np.array(
    [[0.4123908, 0.3575843, 0.1804808], [0.2126390, 0.7151687, 0.0721923], [0.0193308, 0.1191948, 0.9505322]]
)
BT2020_TO_XYZ = np.array([[0.636958, 0.144617, 0.168881], [0.262700, 0.677998, 0.059302], [0.0, 0.028073, 1.060985]])
"""Published matrices, SMPTE RP 177 with D65: not those of the code under test."""


def light_of(levels: NDArray[Any]) -> NDArray[np.float64]:
    """0 to 1, of sRGB levels 0 to 255."""
    signal = np.asarray(levels, np.float64) / 255
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def signal_of(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB's curve: 0 to 1 of 0 to 1."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.clip(light, 0, None) ** (1 / 2.4) - 0.055)


def in_primaries(to_xyz: NDArray[np.float64], levels: NDArray[Any]) -> NDArray[np.float64]:
    """The light of sRGB levels, (H, W, 3), in other primaries of the same white."""
    return np.asarray(np.clip(light_of(levels) @ SRGB_TO_XYZ.T @ np.linalg.inv(to_xyz).T, 0, 1))


def pq_signal(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Source: SMPTE ST 2084, the inverse EOTF."""
    power = (nits / 10000) ** (2610 / 16384)
    return np.asarray(((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32))


def hlg_signal(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of (..., 3) BT.2020 light on a display of 1000 cd/m2. Source: ITU-R BT.2100, inverse OOTF, then OETF."""
    display = nits / 1000
    luminance = np.maximum(display @ np.array([0.2627, 0.6780, 0.0593]), 1e-9)[..., np.newaxis]
    scene = display * luminance ** (1 / 1.2 - 1)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.asarray(np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright))


# --- JPEG and HEIC ----------------------------------------------------------------------------------------------------

HERE = Path(__file__).parent


def heic(name: str) -> bytes:
    """One of those that `make_heic.py` made."""
    return (HERE / "heic" / f"{name}.heic").read_bytes()


def arithmetic_jpeg() -> bytes:
    """96 x 64, `corners`, with a restart marker after each row of blocks: no library in the tests writes one."""
    return (HERE / "arithmetic.jpg").read_bytes()


def saved(picture: Image.Image, format_: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()
