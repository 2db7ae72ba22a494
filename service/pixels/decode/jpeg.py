"""JPEG: Pillow decodes the pixels, arithmetic coding included; a missing end is told from missing pixels here."""

import io
from functools import partial

from PIL import Image

from service.errors import TruncatedImage
from service.models.labels import Size
from service.pixels.decode.jpeg_segments import END, Jpeg, read_segments
from service.pixels.decode.orientation import orientation
from service.pixels.decode.raster import Header, Raster, raster

FILLER = bytes((167 * place + 13) % 255 for place in range(4096))
"""Any bits; no byte of it begins a marker."""
COMPARED_ROWS = 64


def open_jpeg(encoded: bytes) -> Header:
    jpeg = read_segments(encoded)
    image = _opened(jpeg, b"")
    return Header(Size(*image.size), partial(_load, jpeg, image))


def _load(jpeg: Jpeg, image: Image.Image) -> Raster:
    try:
        image.load()
    except OSError as error:
        image = _without_end(jpeg, error)
    return raster(image, (jpeg.profile,) if jpeg.profile else (), orientation(jpeg.exif))


def _opened(jpeg: Jpeg, more: bytes) -> Image.Image:
    decodable = jpeg.decodable.rstrip(b"\xff") + more if more else jpeg.decodable
    image = Image.open(io.BytesIO(decodable), formats=["JPEG"])
    # All at once: with arithmetic coding libjpeg cannot wait for more within a scan, and Pillow would ask for Python's
    # lock every 64 kB.
    image.decodermaxblock = len(decodable)
    return image


def _without_end(jpeg: Jpeg, error: OSError) -> Image.Image:
    """Webcams leave out the end marker. Where every block is there, what follows them does not change a pixel.

    Raises TruncatedImage where it does, and `error` where there is an end.
    """
    if jpeg.decodable.endswith(END):
        raise error
    image, other = (_opened(jpeg, more) for more in (END, FILLER + END))
    image.load()
    other.load()
    if not _same(image, other):
        raise TruncatedImage("a JPEG some of whose blocks are missing") from error
    return image


def _same(one: Image.Image, other: Image.Image) -> bool:
    bands = ((0, top, one.width, min(top + COMPARED_ROWS, one.height)) for top in range(0, one.height, COMPARED_ROWS))
    return all(one.crop(band).tobytes() == other.crop(band).tobytes() for band in bands)
