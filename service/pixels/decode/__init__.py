"""Bytes to an upright sRGB photo: one file a format, one a concern. Everything wrong with a picture is found here."""

from service.pixels.decode.formats import READ_FORMATS, READ_SUFFIXES
from service.pixels.decode.photo import WHITE, Grey, Photo
from service.pixels.decode.reading import count_pixels, decode, decode_grey, stated_size

__all__ = [
    "READ_FORMATS",
    "READ_SUFFIXES",
    "WHITE",
    "Grey",
    "Photo",
    "count_pixels",
    "decode",
    "decode_grey",
    "stated_size",
]
