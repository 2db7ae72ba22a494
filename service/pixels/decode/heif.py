"""HEIC, what iPhones send, and HEIF with HEVC inside: pi-heif decodes the pixels and turns them upright."""

from functools import partial

import numpy as np
import pi_heif
from PIL import Image

from service.errors import TruncatedImage, UndecodableImage, UnsupportedImage
from service.models.labels import Size
from service.pixels.decode.boxes import Items, brands, read_items, without_metadata
from service.pixels.decode.colours.spaces import ColourSpace, from_codes
from service.pixels.decode.raster import Deep, Header, Profile, Raster, raster

BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2"))
WEIGHT = 3.0
"""A pixel takes 14 times the CPU time of a JPEG's, and of 10 bits 4 times the memory, as measured by
`benchmarks/speed/reading.py`. More than 3 would leave 64 megapixels no place in the default budget."""
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
HEIF_ERRORS = (ValueError, RuntimeError, OSError, EOFError, SyntaxError, IndexError)
"""The last where no picture in the file is of a kind that is read."""
SIGNS_OF_AN_END = ("end of file", "outside of file", "Cannot read full")
"""In the messages of libheif, which says it in words only."""


def is_heif(encoded: bytes) -> bool:
    found = brands(encoded)
    return not BRANDS.isdisjoint(found) and b"avif" not in found


def open_heif(encoded: bytes) -> Header:
    """Raises UnsupportedImage, TruncatedImage or UndecodableImage."""
    pi_heif.options.DECODE_THREADS = 1  # the service has a thread a core already; four more a picture cost others
    items = read_items(encoded)
    _check_profiles(items)
    bare = without_metadata(encoded, items)
    try:
        file = pi_heif.open_heif(bare, convert_hdr_to_8bit=True)
        picture = file[file.primary_index]
        nclx = picture.info.get("nclx_profile") or {}
        if nclx.get("transfer_characteristics") in TRANSFERS_OF_MANY_BITS and picture.info["bit_depth"] > 8:
            file = pi_heif.open_heif(bare, convert_hdr_to_8bit=False)
            picture = file[file.primary_index]
    except HEIF_ERRORS as error:
        raise _failure(encoded, error) from error
    return Header(Size(*picture.size), partial(_load, encoded, picture), len(file), WEIGHT)


def _check_profiles(items: Items) -> None:
    """pi-heif copies the colour profile of each of up to 1000 pictures, which may all be the same bytes of the file."""
    profiles = (box for boxes in items.properties.values() for box in boxes if box.kind == b"colr")
    if sum(box.end - box.start for box in profiles) > MAX_PROFILES_BYTES:
        raise UndecodableImage("a HEIC whose pictures have colour profiles of more than 64 MB together")


def _load(encoded: bytes, picture: pi_heif.HeifImage) -> Raster:
    announced = picture.size
    try:
        picture.load()
    except HEIF_ERRORS as error:
        raise _failure(encoded, error) from error
    if picture.size != announced:
        raise UndecodableImage(f"a HEIC that says {announced[0]} x {announced[1]} pixels and has {picture.size}")
    if picture.mode.endswith(";16"):
        colours, alpha = _of_16_bits(picture)
        return Raster(colours, alpha, _told(picture))
    return raster(picture.to_pillow(), _told(picture))


def _of_16_bits(picture: pi_heif.HeifImage) -> tuple[Deep, Image.Image | None]:
    """The file's 10 or 12 bits are the high ones; repeated below, they reach from 0 to 65535."""
    width, height = picture.size
    stored = np.frombuffer(picture.data, "<u2").reshape(height, picture.stride // 2)
    samples = {"I": 1, "L": 1, "RGB": 3, "RGBA": 4, "RGBa": 4}[picture.mode.removesuffix(";16")]
    values = stored[:, : width * samples].reshape(height, width, samples)
    values = values | values >> picture.info["bit_depth"]
    alpha = values[..., 3] if samples == 4 else None
    if alpha is not None and picture.premultiplied_alpha:
        straight = values[..., :3] * np.float32(65535) / np.maximum(alpha, 1)[..., np.newaxis]
        values = np.minimum(straight, 65535).astype(np.uint16)
    colours = values[..., 0] if samples == 1 else values[..., :3]
    return colours, None if alpha is None else Image.fromarray((alpha >> 8).astype(np.uint8))


def _told(picture: pi_heif.HeifImage) -> tuple[Profile | ColourSpace, ...]:
    """The range of nclx is that of YUV, of which libheif has made RGB of full range."""
    nclx = picture.info.get("nclx_profile") or {}
    by_numbers = from_codes(nclx.get("color_primaries", 2), nclx.get("transfer_characteristics", 2))
    words = (picture.info.get("icc_profile"), by_numbers)
    return tuple(word for word in words if word)


def _failure(encoded: bytes, error: Exception) -> UnsupportedImage | UndecodableImage:
    """What libheif found, in our words."""
    codecs = {CODECS[kind] for kind in read_items(encoded).kinds.values() if kind in CODECS}
    if codecs:
        return UnsupportedImage(f"this is a HEIF whose pictures are {' and '.join(sorted(codecs))}, and HEVC is read")
    if any(sign in str(error) for sign in SIGNS_OF_AN_END):
        return TruncatedImage("a HEIC whose end is missing")
    return UndecodableImage("a HEIC whose pictures could not be decoded")
