"""What a HEIC says of its picture, and the picture: asked of a process that may die of it."""

from dataclasses import replace
from functools import partial

import numpy as np
from PIL import Image

from service.errors import TruncatedImage, UndecodableImage, UnsupportedImage
from service.models.labels import Size
from service.pixels.decode.boxes import Items, brands, primary_nclx, primary_size, read_items, without_metadata
from service.pixels.decode.colours.icc import MAX_PROFILE_BYTES
from service.pixels.decode.colours.spaces import from_codes
from service.pixels.decode.heif.process import Decoded, NoAnswer, Refused, decode_heif
from service.pixels.decode.raster import Deep, Header, Raster, raster

BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2"))
WEIGHT = 3.0
"""A pixel takes 14 times the CPU time of a JPEG's, and of 10 bits 4 times the memory, as measured by
`benchmarks/speed/reading.py`. More than 3 would leave 64 megapixels no place in the default budget."""
SAMPLES = {"L": 1, "RGB": 3, "RGBA": 4, "RGBa": 4, "I;16": 1, "RGB;16": 3, "RGBA;16": 4, "RGBa;16": 4}
"""Of a pixel, by pi-heif's mode; `;16` is 16 bits each, of which the file's 10 or 12 are the high ones."""
TRANSFERS_OF_MANY_BITS = frozenset((8, 16, 18))
"""Linear light, PQ and HLG: of 8 bits, dark colours would have but some levels."""
CODECS = {
    b"jpeg": "JPEG",
    b"j2k1": "JPEG 2000",
    b"av01": "AV1",
    b"avc1": "AVC",
    b"vvc1": "VVC",
    b"unci": "uncompressed",
}
MAX_PROFILES_BYTES = 64 << 20
MOST_BYTES_A_PIXEL = 16
"""8 in the deepest mode, and rows that are padded."""
SIGNS_OF_AN_END = ("end of file", "outside of file", "Cannot read full")
"""In the messages of libheif, which says it in words only."""


def is_heif(encoded: bytes) -> bool:
    found = brands(encoded)
    return not BRANDS.isdisjoint(found) and b"avif" not in found


def open_heif(encoded: bytes) -> Header:
    """By what its boxes say: libheif is asked once the picture is admitted. Raises UndecodableImage."""
    items = read_items(encoded)
    size = primary_size(encoded, items)
    if size is None:
        raise TruncatedImage("a HEIC without a primary picture, or without its end")
    _check_profiles(items)
    return Header(size, partial(_load, encoded, items, size), weight=WEIGHT)


def _check_profiles(items: Items) -> None:
    """pi-heif copies the profile of each of up to 1000 pictures, which may all be the same bytes of the file."""
    profiles = (box for boxes in items.properties.values() for box in boxes if box.kind == b"colr")
    if sum(box.end - box.start for box in profiles) > MAX_PROFILES_BYTES:
        raise UndecodableImage("a HEIC whose pictures have colour profiles of more than 64 MB together")


def _load(encoded: bytes, items: Items, announced: Size) -> Raster:
    """Raises UnsupportedImage, TruncatedImage or UndecodableImage."""
    codes = primary_nclx(encoded, items)
    deep = codes is not None and codes[1] in TRANSFERS_OF_MANY_BITS
    most = MOST_BYTES_A_PIXEL * announced.width * announced.height + MAX_PROFILE_BYTES
    try:
        picture = decode_heif(without_metadata(encoded, items), deep=deep, max_bytes=most)
    except NoAnswer as error:
        raise UndecodableImage("a HEIC that ends its decoder, or takes it too long") from error
    except Refused as refusal:
        raise _failure(items, str(refusal)) from refusal
    _check(picture, announced)
    told = tuple(word for word in (picture.profile, codes and from_codes(*codes)) if word)
    if picture.mode.endswith(";16"):
        colours, alpha = _of_16_bits(picture)
        return Raster(colours, alpha, told, frames=picture.frames)
    image = Image.frombytes(picture.mode, picture.size, picture.pixels, "raw", picture.mode, picture.stride)
    return replace(raster(image, told), frames=picture.frames)


def _check(picture: Decoded, announced: Size) -> None:
    """Raises UndecodableImage where the pixels are more than were admitted, or not as many as are said."""
    width, height = picture.size
    row_bytes = width * SAMPLES.get(picture.mode, 0) * (2 if picture.mode.endswith(";16") else 1)
    is_one = min(width, height, row_bytes, picture.frames) > 0 and width * height <= announced.width * announced.height
    if not is_one or picture.stride < row_bytes or len(picture.pixels) != picture.stride * height:
        raise UndecodableImage(f"a HEIC that says {announced.width} x {announced.height} pixels and has others")


def _of_16_bits(picture: Decoded) -> tuple[Deep, Image.Image | None]:
    """The file's 10 or 12 bits, repeated below themselves, reach from 0 to 65535."""
    width, height = picture.size
    samples = SAMPLES[picture.mode]
    stored = np.frombuffer(picture.pixels, "<u2").reshape(height, picture.stride // 2)
    values = stored[:, : width * samples].reshape(height, width, samples)
    values = values | values >> np.uint16(min(picture.bits, 16))
    alpha = values[..., 3] if samples == 4 else None
    if alpha is not None and picture.mode == "RGBa;16":
        straight = values[..., :3] * np.float32(65535) / np.maximum(alpha, 1)[..., np.newaxis]
        values = np.minimum(straight, 65535).astype(np.uint16)
    colours = values[..., 0] if samples == 1 else values[..., :3]
    return colours, None if alpha is None else Image.fromarray((alpha >> 8).astype(np.uint8))


def _failure(items: Items, message: str) -> UnsupportedImage | UndecodableImage:
    """What libheif found, in our words."""
    codecs = {CODECS[kind] for kind in items.kinds.values() if kind in CODECS}
    if codecs:
        return UnsupportedImage(f"this is a HEIF whose pictures are {' and '.join(sorted(codecs))}, and HEVC is read")
    if any(sign in message for sign in SIGNS_OF_AN_END):
        return TruncatedImage("a HEIC whose end is missing")
    return UndecodableImage("a HEIC whose pictures could not be decoded")
