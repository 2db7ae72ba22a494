"""The same work on masks and mattes, once by the service and once by a library; and the pictures it is done on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from skimage import data, measure

from service.errors import TooManyVertices
from service.models.labels import LabelMap, Mask
from service.pixels import edges
from service.pixels.blur import blurred_rows
from service.pixels.encoders import polygons, rle

SIZES = {0: (160, 120), 1: (1155, 866), 12: (4000, 3000), 48: (8000, 6000)}
"""Megapixels: (width, height)."""

Levels = NDArray[np.uint8]
Pair = tuple[Image.Image, Image.Image]
"""A photo and the subject's matte."""


def photo(megapixels: int) -> Image.Image:
    return ImageOps.fit(Image.fromarray(data.astronaut()), SIZES[megapixels], Image.Resampling.BICUBIC)


def ragged(megapixels: int) -> Mask:
    """The photo's bright parts: a mask with five times the outline of a subject."""
    return np.asarray(photo(megapixels).convert("L")) > 128


def specks(megapixels: int) -> Mask:
    return _random(megapixels) < 0.01


def noise(megapixels: int) -> Mask:
    return _random(megapixels) < 0.5


def _random(megapixels: int) -> NDArray[np.float32]:
    width, height = SIZES[megapixels]
    return np.random.default_rng(0).random((height, width), np.float32)


def label_map(megapixels: int) -> LabelMap:
    """21 classes, all of them there."""
    return np.asarray(photo(megapixels).convert("L")) // 13 + np.uint8(1)


def matte(megapixels: int) -> Image.Image:
    """Soft-edged, and as ragged as the mask."""
    return photo(megapixels).convert("L").point(lambda level: max(0, min(255, (level - 110) * 4)))


def photo_and_matte(megapixels: int) -> Pair:
    return photo(megapixels), matte(megapixels)


def coco_rle(mask: Mask) -> rle.Rle:
    from pycocotools import mask as coco

    encoded = coco.encode(np.asfortranarray(mask, np.uint8))
    return {"size": encoded["size"], "counts": encoded["counts"].decode("ascii")}


def our_rles(labels: LabelMap) -> list[rle.Rle]:
    return rle.encode_classes(labels, range(21))


def cvat_shape(mask: Mask) -> list[int]:
    from cvat_sdk.masks import encode_mask

    points: list[int] = encode_mask(mask)
    return points


def label_studio_brush(mask: Mask) -> list[int]:
    from label_studio_sdk.converter.brush import mask2rle

    stream: list[int] = mask2rle(mask.astype(np.uint8) * 255)
    return stream


def coco_rles(labels: LabelMap) -> list[rle.Rle]:
    return [coco_rle(labels == class_id) for class_id in range(21)]


def our_rings(mask: Mask) -> list[Any] | str:
    try:
        found = polygons.encode(mask)
    except TooManyVertices:
        return "refused"
    return [ring for polygon in found for ring in (polygon["exterior"], *polygon["holes"])]


def gdal_rings(mask: Mask) -> list[Any]:
    from rasterio.features import shapes

    found = shapes(mask.view(np.uint8), mask=mask, connectivity=4)
    return [[[int(x), int(y)] for x, y in ring[:-1]] for polygon, _ in found for ring in polygon["coordinates"]]


def opencv_rings(mask: Mask) -> list[Any]:
    import cv2

    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [contour.reshape(-1, 2).tolist() for contour in contours]


def skimage_rings(mask: Mask) -> list[Any]:
    return [(contour[:-1, ::-1] + 0.5).tolist() for contour in measure.find_contours(np.pad(mask, 1), 0.5)]


def our_growth(radius_px: int, soft: Image.Image) -> Levels:
    return np.asarray(edges.shift_edge(soft, radius_px))


def opencv_growth(radius_px: int, soft: Image.Image) -> Levels:
    import cv2

    y, x = np.mgrid[-radius_px : radius_px + 1, -radius_px : radius_px + 1]
    disc = (x * x + y * y <= radius_px * radius_px).astype(np.uint8)
    grown: Levels = cv2.dilate(np.asarray(soft), disc)
    return grown


def pillow_softening(sigma_px: float, soft: Image.Image) -> Levels:
    return np.asarray(edges.feather(soft, sigma_px))


def opencv_softening(sigma_px: float, soft: Image.Image) -> Levels:
    import cv2

    softened: Levels = cv2.GaussianBlur(np.asarray(soft), (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)
    return softened


def our_blur(sigma_px: float, pair: Pair) -> Levels:
    return np.asarray(blurred_rows(*pair, sigma_px)(0, pair[0].height))


def opencv_blur(sigma_px: float, pair: Pair) -> Levels:
    """The same normalised convolution: weighted, reduced, blurred, divided, enlarged."""
    import cv2

    colors = np.asarray(pair[0])
    rest = 1 - np.arange(256) / 255
    weights = np.rint(255 * np.maximum(rest**3, rest / 8)).astype(np.uint8)
    weight = cv2.LUT(np.asarray(pair[1]), weights)
    factor = max(1, int(sigma_px / 3))
    size = tuple(-(-length // factor) for length in pair[0].size)
    planes = [cv2.multiply(colors, cv2.merge([weight] * 3), scale=1 / 255), weight]
    small = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float32) for plane in planes]
    sigma = (sigma_px**2 - (factor**2 - 1) / 12) ** 0.5 / factor
    weighted, total = (cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) for plane in small)
    result = (weighted * 255 / np.maximum(total, 1e-3)[..., np.newaxis] + 0.5).clip(0, 255).astype(np.uint8)
    enlarged: Levels = cv2.resize(result, pair[0].size, interpolation=cv2.INTER_CUBIC)
    return enlarged
