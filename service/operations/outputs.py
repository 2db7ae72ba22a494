"""The answers of `segment`: one function per output, from decided pixels to bytes.

Semantic, so instance-free: two people are one mask of the class "person".
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.models.decisions import confidence, mask_of
from service.models.labels import VOID, LabelClass, LabelMap, Mask, Prediction
from service.operations.options import SegmentOptions, SegmentOutput
from service.pixels.decode import Photo
from service.pixels.encoders import PICTURE_ENCODERS, encode_png, npz, palette_png, polygons, rle, zip_of


@dataclass(frozen=True)
class Segmentation:
    """A photo whose every pixel has a class."""

    photo: Photo
    prediction: Prediction
    labels: LabelMap
    options: SegmentOptions

    @cached_property
    def wanted(self) -> tuple[int, ...]:
        """The ids that the request names, or else the model's foreground classes."""
        return self.prediction.classes.find(self.options.classes)

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """(H, W) in [0, 1]."""
        return confidence(self.prediction, self.options.threshold)

    def present(self) -> Iterator[LabelClass]:
        """The wanted classes that have at least one pixel."""
        found = set(np.unique(self.labels).tolist())
        return (self.prediction.classes[class_id] for class_id in self.wanted if class_id in found)

    def mask(self, *class_ids: int) -> Mask:
        return mask_of(self.labels, class_ids)


def labels(segmentation: Segmentation) -> bytes:
    """The label map: palette PNG whose indices are class ids, JSON with one COCO RLE a class, or NPZ."""
    classes = segmentation.prediction.classes
    match segmentation.options.chosen_format():
        case "json":
            return _json({**_header(segmentation), "classes": [_with_rle(segmentation, entry) for entry in classes]})
        case "npz":
            names = [entry.name for entry in classes]
            return npz(segmentation.labels, _to_8_bit(segmentation.confidence), names)
        case _:
            return palette_png(segmentation.labels, classes)


def mask(segmentation: Segmentation) -> bytes:
    """One binary PNG, 0 or 255: the union of the wanted classes."""
    return mask_png(segmentation.mask(*segmentation.wanted))


def masks(segmentation: Segmentation) -> bytes:
    """Every wanted class that is present, apart: a zip of binary PNGs, or JSON with figures and masks."""
    if segmentation.options.chosen_format() == "zip":
        present = segmentation.present()
        return zip_of({f"{entry.name}.png": mask_png(segmentation.mask(entry.id)) for entry in present})
    encode = MASK_ENCODERS[segmentation.options.encoding]
    return _json([entry | {"mask": encode(region)} for entry, region in _measured(segmentation)])


def overlay(segmentation: Segmentation) -> bytes:
    """The wanted classes' colours over the photo."""
    colors = np.asarray(segmentation.photo.rgb).copy()
    for entry in segmentation.present():
        colors[segmentation.mask(entry.id)] = entry.color
    blended = Image.blend(segmentation.photo.rgb, Image.fromarray(colors), segmentation.options.opacity)
    return _picture(blended, segmentation.options)


def confidence_picture(segmentation: Segmentation) -> bytes:
    """The probability of the decided class, 0 to 255."""
    return _picture(Image.fromarray(_to_8_bit(segmentation.confidence)), segmentation.options)


def summary(segmentation: Segmentation) -> bytes:
    """Figures only: which classes are there, how large, how sure."""
    return _json({**_header(segmentation), "classes": [entry for entry, _ in _measured(segmentation)]})


Output = Callable[[Segmentation], bytes]

OUTPUTS: dict[SegmentOutput, Output] = {
    "labels": labels,
    "mask": mask,
    "masks": masks,
    "overlay": overlay,
    "confidence": confidence_picture,
    "summary": summary,
}


def mask_png(region: Mask) -> bytes:
    return encode_png(Image.fromarray(region.astype(np.uint8) * 255))


def _base64_png(region: Mask) -> str:
    return base64.b64encode(mask_png(region)).decode("ascii")


MASK_ENCODERS: dict[str, Callable[[Mask], Any]] = {
    "png": _base64_png,
    "rle": rle.encode,
    "polygons": polygons.encode,
}


def _measured(segmentation: Segmentation) -> Iterator[tuple[dict[str, Any], Mask]]:
    """What is to be said of each wanted class that is present, and its mask."""
    for entry in segmentation.present():
        region = segmentation.mask(entry.id)
        area_px = int(region.sum())
        yield (
            {
                "id": entry.id,
                "label": entry.name,
                "score": round(float(segmentation.confidence[region].mean()), 4),
                "area": area_px,
                "fraction": round(area_px / region.size, 6),
                "box": _box(region),
            },
            region,
        )


def _box(region: Mask) -> list[int]:
    """[left, top, width, height] in pixels, as in COCO."""
    columns, rows = np.flatnonzero(region.any(axis=0)), np.flatnonzero(region.any(axis=1))
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]


def _header(segmentation: Segmentation) -> dict[str, Any]:
    height, width = segmentation.labels.shape
    return {"width": width, "height": height}


def _with_rle(segmentation: Segmentation, entry: LabelClass) -> dict[str, Any]:
    return {"id": entry.id, "label": entry.name, "rle": rle.encode(segmentation.mask(entry.id))}


def _picture(image: Image.Image, options: SegmentOptions) -> bytes:
    return PICTURE_ENCODERS[options.chosen_format()](image, options.quality, options.compression)


def _to_8_bit(confidence: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(confidence * 255).astype(np.uint8)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def void_where_transparent(labels: LabelMap, photo: Photo) -> LabelMap:
    """Nothing is to be seen where the input is fully transparent, so no class is claimed there."""
    if photo.alpha is None:
        return labels
    return np.where(np.asarray(photo.alpha) == 0, np.uint8(VOID), labels)


def has_any(segmentation: Segmentation) -> bool:
    """True where at least one pixel has a wanted class."""
    return bool(segmentation.mask(*segmentation.wanted).any())
