"""The contract's formats: `auto` by what is in the picture, `jpg` on white, `zip` with colours and alpha apart."""

from PIL import Image

from service.operations.options import Format
from service.pixels.decode import Photo
from service.pixels.decode.hidden import forget_hidden
from service.pixels.encoders import PICTURE_ENCODERS, encode_png, zip_of
from service.pixels.matting import VISIBLE_LEVEL

ZIP_QUALITY = 95
"""Of `color.jpg`: clients who ask for PNG get a ZIP in its place, and make a PNG of it."""

VISIBLE = [255 * (level >= VISIBLE_LEVEL) for level in range(256)]
"""What is fainter has colours that nobody can be sure of, and takes those of what is next to it as well."""


def encoded(picture: Image.Image, wanted: str, quality: int) -> tuple[bytes, Format]:
    """A picture in L, RGB or RGBA, as `format` says. Raises NotAcceptable where it is too long for that."""
    if wanted == "zip":
        return _zip(picture), "zip"
    if wanted == "auto":
        wanted = "jpg" if picture.mode != "L" and _is_opaque(picture) else "png"
    if wanted == "jpg":
        return PICTURE_ENCODERS["jpeg"](_on_white(picture), quality, "fast"), "jpeg"
    format_: Format = "webp" if wanted == "webp" else "png"
    return PICTURE_ENCODERS[format_](picture, quality, "fast"), format_


def _zip(picture: Image.Image) -> bytes:
    """`color.jpg` and `alpha.png`, as large as the picture. Where nothing is visible are the colours of what is next to
    it: so JPEG's blocks at the edge have nothing of another colour, and nothing that was cut away is to be had."""
    colors, alpha = _apart(picture)
    color_jpg = PICTURE_ENCODERS["jpeg"](colors, ZIP_QUALITY, "fast")
    return zip_of({"color.jpg": color_jpg, "alpha.png": encode_png(alpha)})


def _apart(picture: Image.Image) -> tuple[Image.Image, Image.Image]:
    """(RGB, L)"""
    if picture.mode == "L":
        return Image.new("RGB", picture.size), picture
    if picture.mode == "RGB":
        return picture, Image.new("L", picture.size, 255)
    alpha = picture.getchannel("A")
    return forget_hidden(picture.convert("RGB"), alpha.point(VISIBLE)), alpha


def _is_opaque(picture: Image.Image) -> bool:
    return picture.mode != "RGBA" or picture.getchannel("A").getextrema() == (255, 255)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    return Photo(picture.convert("RGB"), picture.getchannel("A")).on_white()
