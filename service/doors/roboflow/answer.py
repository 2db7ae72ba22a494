"""The mask of what one prompt means, as Roboflow's SAM2 endpoint answers it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic_core import to_json

from service.models.catalogue import Catalogue, Model
from service.models.labels import ClassTable, Mask
from service.operations.correction import CORRECTION
from service.operations.hints import Point
from service.operations.operation import Operation, Product, Seen
from service.operations.options import EffectOptions, Effort, Format
from service.pixels.encoders import polygons, rle, simple_rings
from service.pixels.encoders.polygons import Polygon, Ring
from service.pixels.matting import SUBJECT_LEVEL, Matte
from service.telemetry.stopwatch import Stopwatch

Written = Literal["polygon", "rle"]


class PromptedOptions(EffectOptions):
    """Options of `remove-background`, and what masks are written as."""

    written: Written = "polygon"

    @property
    def formats(self) -> tuple[Format, ...]:
        return ("json",)


class Prompted(Operation[PromptedOptions]):
    """One prediction."""

    def choose_model(self, catalogue: Catalogue, options: PromptedOptions) -> Model:
        return catalogue.model(options.model)

    def class_ids(self, classes: ClassTable, options: PromptedOptions) -> tuple[int, ...]:
        return classes.find(options.keep)

    def effort(self, options: PromptedOptions) -> Effort:
        return options.effort

    def finish(self, seen: Seen, options: PromptedOptions, accepted: Sequence[Format], watch: Stopwatch) -> Product:
        with watch.measure("matte"):
            soft = seen.matte(options.refine)
        with watch.measure("encode"):
            points = options.hints.points if options.hints else ()
            return Product(to_json(prediction(soft, points, options.written)), "json")


PROMPTED = Prompted(
    name="remove-background",
    summary="Find what a prompt means",
    description="Its mask, as polygons or run lengths.",
    options=PromptedOptions,
    formats=("json",),
    pictures=CORRECTION,
)


def prediction(soft: Matte, points: Sequence[Point], written: Written) -> Mapping[str, Any]:
    """Of a matte that the points have corrected. Raises TooManyVertices.

    Points mean one thing each: of the subject, only the regions that they lie in. Without any, all of it.
    """
    levels = np.asarray(soft)
    mask: Mask = levels >= SUBJECT_LEVEL
    meant = [point for point in points if point.keep]
    regions = [region for region in polygons.encode(mask) if not meant or any(_holds(region, each) for each in meant)]
    if meant:
        mask = filled((ring for region in regions for ring in (region["exterior"], *region["holes"])), mask.shape)
    confidence = round(float(levels[mask].mean()) / 255, 4) if mask.any() else 0.0
    if written == "rle":
        return {"masks": rle.encode(mask), "confidence": confidence, "format": written}
    rings = [ring for region in regions for ring in simple_rings.split(region)]
    return {"masks": rings, "confidence": confidence, "format": written}


def _holds(region: Polygon, point: Point) -> bool:
    """A ray to the left crosses an odd number of its upright edges."""
    crossed = 0
    for ring in (region["exterior"], *region["holes"]):
        x, y = np.array(ring).T
        is_upright = x == np.roll(x, -1)
        low, high = np.minimum(y, np.roll(y, -1)), np.maximum(y, np.roll(y, -1))
        crossed += int(np.count_nonzero(is_upright & (x <= point.x) & (low <= point.y) & (point.y < high)))
    return crossed % 2 == 1


def filled(rings: Iterable[Ring], shape: tuple[int, ...]) -> Mask:
    """(H, W): what lies inside of an odd number of rings along pixel edges."""
    height, width = shape
    crossed = np.zeros((height, width + 1), np.bool_)
    for ring in rings:
        for (x, y), (next_x, next_y) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if x == next_x:
                crossed[min(y, next_y) : max(y, next_y), x] ^= True
    inside: Mask = np.logical_xor.accumulate(crossed, axis=1)[:, :width]
    return inside
