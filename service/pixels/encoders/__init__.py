"""Pictures, label maps and masks as bytes or JSON. One file per format; knows no request and no network."""

from service.pixels.encoders import cvat, label_studio, polygons, rle, simple_rings
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
    "cvat",
    "encode_png",
    "label_studio",
    "npz",
    "palette_png",
    "polygons",
    "rle",
    "simple_rings",
    "zip_of",
]
