"""Pictures, label maps and masks as bytes or JSON. One file per format; knows no request and no network."""

from service.encoders import polygons, rle
from service.encoders.archives import npz, zip_of
from service.encoders.palette import palette_png
from service.encoders.pictures import PICTURE_ENCODERS, PictureEncoder
from service.encoders.png import encode_png
from service.encoders.polygons import Polygon
from service.encoders.rle import Rle

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
