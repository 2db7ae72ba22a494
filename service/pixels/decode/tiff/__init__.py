"""TIFF as it is: the first page of full resolution, of 1 to 64 bits a sample, integers or floats."""

from service.pixels.decode.tiff.directories import is_tiff
from service.pixels.decode.tiff.opening import open_tiff

__all__ = ["is_tiff", "open_tiff"]
