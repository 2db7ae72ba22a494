"""What callers may correct, the same for every operation: pictures beside the photo, and hints.

`keep_mask` and `remove_mask` are painted. `matte` is what an earlier request answered: no network looks again then.
"""

import math
from collections.abc import Container, Iterator, Mapping

from PIL import Image, ImageChops

from service.errors import BadOption
from service.models.labels import Size
from service.operations.hints import Hints
from service.operations.operation import Picture
from service.operations.options import Effort, Options
from service.pixels.correction import Area, Correction, Layer, Line, drawn
from service.pixels.decode import Grey

KEEP, REMOVE, MATTE = "keep_mask", "remove_mask", "matte"

MASK_HELP = "White where painted; of the upright photo's size, or of any other with its aspect."

CORRECTION: tuple[Picture, ...] = (
    Picture(KEEP, f"What is the subject. {MASK_HELP}", is_grey=True),
    Picture(REMOVE, f"What is not the subject, also where it is kept. {MASK_HELP}", is_grey=True),
    Picture(MATTE, "What an earlier request answered to `output=matte`; no network looks then.", is_grey=True),
)

PAINTED_LEVEL = 128
"""Of 255, in a mask: from here on a pixel is painted."""

CLICK_SHARE = 0.003
"""Of the photo's diagonal: the radius of a point. So much is surely on the same side as the pixel that was meant."""


CLICK_GROWTH_SHARE = 0.01
"""As wide a brush it grows like."""


def correction_of(given: Mapping[str, Grey], hints: Hints | None, photo: Size) -> Correction:
    """Of a photo of that upright size. Raises BadOption for pictures of another aspect and hints that lie outside."""
    for name, grey in given.items():
        _check_aspect(name, grey.size, photo)
    earlier = given[MATTE].alpha or given[MATTE].light if MATTE in given else None
    hints = hints or Hints()
    hints.check_within(photo)
    least_radius_px = CLICK_GROWTH_SHARE * _diagonal(photo) if hints.points else 0.0
    return Correction(
        earlier,
        tuple(_layers(given.get(KEEP), list(_lines(hints, photo, keep=True)), photo)),
        tuple(_layers(given.get(REMOVE), list(_lines(hints, photo, keep=False)), photo)),
        tuple(_area(box) for box in hints.boxes),
        least_radius_px,
    )


def effort_for(options: Options, given: Container[str], effort: Effort) -> Effort:
    """How often the networks look: not again where an earlier matte stands for them, but into a box, closely."""
    if MATTE in given:
        return "fast"
    has_boxes = options.hints is not None and bool(options.hints.boxes)
    return "balanced" if has_boxes and effort == "fast" else effort


def _area(box: tuple[float, float, float, float]) -> Area:
    """Every pixel that is touched."""
    left, top, right, bottom = box
    return math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)


def _diagonal(photo: Size) -> float:
    return math.hypot(photo.width, photo.height)


def _check_aspect(name: str, size: Size, photo: Size) -> None:
    """Sides are whole numbers, so the shorter may be off by one."""
    wide = abs(size.width - size.height * photo.width / photo.height)
    high = abs(size.height - size.width * photo.height / photo.width)
    if min(wide, high) > 1:
        there, here = (f"{each.width} x {each.height}" for each in (size, photo))
        raise BadOption(f"{name}: it has {there} pixels, and the upright photo {here}: the aspect has to be the same")


def _layers(mask: Grey | None, lines: list[Line], photo: Size) -> Iterator[Layer]:
    if mask is not None:
        light = mask.light if mask.alpha is None else ImageChops.multiply(mask.light, mask.alpha)
        layer: Image.Image = light.point([255 * (level >= PAINTED_LEVEL) for level in range(256)])
        yield layer
    if lines:
        yield from drawn(lines, photo)


def _lines(hints: Hints, photo: Size, *, keep: bool) -> Iterator[Line]:
    radius_px = max(1.0, CLICK_SHARE * _diagonal(photo))
    yield from (Line([(point.x, point.y)], radius_px) for point in hints.points if point.keep == keep)
    yield from (Line(stroke.points, stroke.radius) for stroke in hints.strokes if stroke.keep == keep)
