"""Pictures, label maps and masks as bytes or JSON. One file per format; knows no request and no network."""

from service.pixels.encoders import polygons, rle
from service.pixels.encoders.archives import npz, zip_of
from service.pixels.encoders.palette import palette_png
from service.pixels.encoders.pictures import PICTURE_ENCODERS, PictureEncoder
from service.pixels.encoders.png import encode_png
from service.pixels.encoders.polygons import Polygon
from service.pixels.encoders.rle import Rle

__all__ = [
    "PICTURE_ENCODERS",
    "PictureEncoder",
    "Polygon",
    "Rle",
    "encode_png",
    "npz",
    "palette_png",
    "polygons",
    "rle",
    "zip_of",
]
