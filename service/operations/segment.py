"""`segment`: what every pixel shows, as a label map, masks, an overlay or figures.

Semantic, so instance-free: two people are one mask of the class "person".
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field
from pydantic_core import to_json

from service.models.catalogue import Catalogue, Model
from service.models.decisions import bounds_of, classes_in, mask_of
from service.models.labels import ClassTable, LabelClass, LabelMap, Mask, Prediction
from service.operations.correction import CORRECTION
from service.operations.deciding import decided, void_where_transparent
from service.operations.encoding import as_transparent_as, encoded
from service.operations.operation import Operation, Product, Seen, no_foreground
from service.operations.options import Format, Names, Options
from service.pixels.class_map import Levels
from service.pixels.decode import Photo
from service.pixels.encoders import (
    cvat,
    encode_png,
    label_studio,
    npz,
    palette_png,
    polygons,
    rle,
    simple_rings,
    zip_of,
)
from service.pixels.encoders.pictures import OPAQUE_PICTURE
from service.telemetry.stopwatch import Stopwatch

SegmentOutput = Literal["labels", "mask", "masks", "overlay", "confidence", "summary"]
MaskEncoding = Literal["png", "rle", "polygons", "simple-polygons", "cvat", "label-studio"]

SEGMENT_FORMATS: dict[SegmentOutput, tuple[Format, ...]] = {
    "labels": ("png", "json", "npz"),
    "mask": ("png",),
    "masks": ("zip", "json"),
    "overlay": OPAQUE_PICTURE,
    "confidence": OPAQUE_PICTURE,
    "summary": ("json",),
}
"""The formats each output comes in, the default first. Class ids survive lossless formats only."""


class SegmentOptions(Options):
    """Options of `segment`."""

    model: str | None = Field(
        None,
        description="A loaded model, as listed by `/models`. Default: the first loaded one that knows many classes, "
        "else the first one loaded.",
    )
    output: SegmentOutput = Field(
        "labels",
        description="`labels`: one class id a pixel. `mask`: one binary picture of `classes`. `masks`: every class "
        "apart. `overlay`: colours over the photo. `confidence`: 8 bits a pixel. `summary`: figures only.",
    )
    classes: Names = Field(
        (),
        description="Names or ids, separated by commas. Default: the model's foreground classes.",
        examples=["1"],
    )
    encoding: MaskEncoding = Field(
        "png",
        description="Of each mask in the JSON of `masks`. `rle` is COCO's, `cvat` the points of a mask shape, "
        "`label-studio` the `rle` of a brush label. `polygons` run along the pixel edges, with holes, and have at most "
        f"{polygons.MAX_VERTICES} vertices in all; masks of noise have more, and come as `rle`. `simple-polygons` are "
        "cut so that none has a hole.",
    )
    opacity: float = Field(0.6, ge=0, le=1, description="Of the colours in `overlay`.")
    threshold: float = Field(
        0.5, gt=0, lt=1, description="Probability from which a pixel is foreground; for models with a sigmoid head."
    )

    @property
    def formats(self) -> tuple[Format, ...]:
        return SEGMENT_FORMATS[self.output]


Written = tuple[bytes, Format]
"""An answer, and what it came in."""


@dataclass(frozen=True)
class Segmentation:
    """A photo whose every pixel has a class."""

    photo: Photo
    prediction: Prediction
    labels: LabelMap
    confidence: Levels
    """(H, W), 0 to 255: the probability of each pixel's class."""
    options: SegmentOptions
    accepted: Sequence[Format] = OPAQUE_PICTURE
    """What an answer that is a picture may come in, best liked first."""

    @cached_property
    def wanted(self) -> tuple[int, ...]:
        """The ids that the request names, or else the model's foreground classes."""
        return self.prediction.classes.find(self.options.classes)

    def present(self) -> Iterator[LabelClass]:
        """The wanted classes that have at least one pixel."""
        found = classes_in(self.labels)
        return (self.prediction.classes[class_id] for class_id in self.wanted if class_id in found)

    def mask(self, *class_ids: int) -> Mask:
        return mask_of(self.labels, class_ids)

    def score(self, region: Mask) -> float:
        """How sure the model is of these pixels' class: the mean probability, 0 to 1."""
        return round(float(self.confidence[region].mean()) / 255, 4)

    def has_any(self) -> bool:
        """True where at least one pixel has a wanted class."""
        return bool(self.mask(*self.wanted).any())


def labels(segmentation: Segmentation) -> Written:
    """The label map: palette PNG whose indices are class ids, JSON with one COCO RLE a class, or NPZ."""
    classes = segmentation.prediction.classes
    match segmentation.options.chosen_format():
        case "json":
            return to_json({**_header(segmentation), "classes": _with_rle(segmentation, list(classes))}), "json"
        case "npz":
            names = [entry.name for entry in classes]
            return npz(segmentation.labels, segmentation.confidence, names), "npz"
        case _:
            return palette_png(segmentation.labels, classes), "png"


def mask(segmentation: Segmentation) -> Written:
    """One binary PNG, 0 or 255: the union of the wanted classes."""
    return mask_png(segmentation.mask(*segmentation.wanted)), "png"


def masks(segmentation: Segmentation) -> Written:
    """Every wanted class that is present, apart: a zip of binary PNGs, or JSON with figures and masks."""
    present = list(segmentation.present())
    if segmentation.options.chosen_format() == "zip":
        return zip_of({f"{entry.name}.png": mask_png(segmentation.mask(entry.id)) for entry in present}), "zip"
    encode = MASK_ENCODERS[segmentation.options.encoding]
    regions = encode(segmentation.labels, [entry.id for entry in present])
    # By pydantic, not `json`: 100,000 vertices take 10 ms, which nothing else can run in, instead of 54.
    figures = (_measure(segmentation, entry) for entry in present)
    return to_json([said | {"mask": region} for said, region in zip(figures, regions, strict=True)]), "json"


def overlay(segmentation: Segmentation) -> Written:
    """The wanted classes' colours over the photo, which stays as transparent as it was."""
    colors = np.asarray(segmentation.photo.rgb).copy()
    for entry in segmentation.present():
        colors[segmentation.mask(entry.id)] = entry.color
    blended = Image.blend(segmentation.photo.rgb, Image.fromarray(colors), segmentation.options.opacity)
    picture = as_transparent_as(segmentation.photo, blended, segmentation.accepted)
    return encoded(picture, segmentation.accepted, segmentation.options)


def confidence_picture(segmentation: Segmentation) -> Written:
    """The probability of the decided class, 0 to 255."""
    picture = Image.fromarray(segmentation.confidence)
    return encoded(picture, segmentation.accepted, segmentation.options)


def summary(segmentation: Segmentation) -> Written:
    """Figures only: which classes are there, how large, how sure."""
    measured = [_measure(segmentation, entry) for entry in segmentation.present()]
    return to_json({**_header(segmentation), "classes": measured}), "json"


Output = Callable[[Segmentation], Written]

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


def _base64_pngs(labels: LabelMap, class_ids: Sequence[int]) -> list[str]:
    pngs = (mask_png(mask_of(labels, (class_id,))) for class_id in class_ids)
    return [base64.b64encode(png).decode("ascii") for png in pngs]


MaskEncoder = Callable[[LabelMap, Sequence[int]], Sequence[Any]]
"""(label map, class ids) -> the mask of each class, ready for JSON."""

MASK_ENCODERS: dict[MaskEncoding, MaskEncoder] = {
    "png": _base64_pngs,
    "rle": rle.encode_classes,
    "polygons": polygons.encode_classes,
    "simple-polygons": simple_rings.encode_classes,
    "cvat": cvat.encode_classes,
    "label-studio": label_studio.encode_classes,
}


def _measure(segmentation: Segmentation, entry: LabelClass) -> dict[str, Any]:
    """What is to be said of a class that is present."""
    region = segmentation.mask(entry.id)
    area_px = int(np.count_nonzero(region))
    return {
        "id": entry.id,
        "label": entry.name,
        "score": segmentation.score(region),
        "area": area_px,
        "fraction": round(area_px / region.size, 6),
        "box": _box(region),
    }


def _box(region: Mask) -> list[int]:
    """[left, top, width, height] in pixels, as in COCO."""
    left, top, right, bottom = bounds_of(region)
    return [left, top, right - left, bottom - top]


def _header(segmentation: Segmentation) -> dict[str, Any]:
    height, width = segmentation.labels.shape
    return {"width": width, "height": height}


def _with_rle(segmentation: Segmentation, classes: Sequence[LabelClass]) -> list[dict[str, Any]]:
    regions = rle.encode_classes(segmentation.labels, [entry.id for entry in classes])
    return [
        {"id": entry.id, "label": entry.name, "rle": region} for entry, region in zip(classes, regions, strict=True)
    ]


def segmentation_of(seen: Seen, options: SegmentOptions, accepted: Sequence[Format]) -> Segmentation:
    """A class for every pixel of the photo."""
    labels, confidence = decided(seen, options.threshold, options.refine)
    labels = void_where_transparent(labels, seen.photo)
    return Segmentation(seen.photo, seen.prediction, labels, confidence, options, accepted)


class Segment(Operation[SegmentOptions]):
    """Says what every pixel shows."""

    def choose_model(self, catalogue: Catalogue, options: SegmentOptions) -> Model:
        return catalogue.card_for_segment(options.model)

    def class_ids(self, classes: ClassTable, options: SegmentOptions) -> tuple[int, ...]:
        return classes.find(options.classes)

    def finish(self, seen: Seen, options: SegmentOptions, accepted: Sequence[Format], watch: Stopwatch) -> Product:
        with watch.measure("matte"):
            segmentation = segmentation_of(seen, options, accepted)
            if not options.allow_empty and not segmentation.has_any():
                raise no_foreground(seen.model, segmentation.wanted)
        with watch.measure("encode"):
            return Product(*OUTPUTS[options.output](segmentation))


SEGMENT = Segment(
    name="segment",
    summary="Say what every pixel shows",
    description="A label map, masks, an overlay or figures. Semantic, so instance-free: two people are one mask of "
    "`person`.",
    options=SegmentOptions,
    icon=("M4 4h7v7H4ZM14 4h6v4h-6ZM14 11h6v9h-6ZM4 14h7v6H4Z",),
    formats=tuple(dict.fromkeys(format_ for formats in SEGMENT_FORMATS.values() for format_ in formats)),
    pictures=CORRECTION,
    example={"output": "overlay"},
    json_example={
        "width": 640,
        "height": 480,
        "classes": [
            {"id": 8, "label": "cat", "score": 0.97, "area": 92160, "fraction": 0.3, "box": [160, 90, 320, 390]},
        ],
    },
)
