"""What callers may correct, the same for every operation: pictures beside the photo, and hints.

`keep_mask` and `remove_mask` are painted. `matte` is what an earlier request answered: no network looks again then.
"""

import math
from collections.abc import Container, Iterator, Mapping
from typing import cast

from PIL import ImageChops

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

ONE = 1
"""The lightest level of a mask of noughts and ones, whose ones are painted."""

DIM_LEVEL = 64
"""A mask of which no pixel is as light as this paints nothing, and not because somebody painted faintly."""

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
    kept, removed = (_painted(name, given[name]) if name in given else None for name in (KEEP, REMOVE))
    least_radius_px = CLICK_GROWTH_SHARE * _diagonal(photo) if hints.points else 0.0
    return Correction(
        earlier,
        tuple(_layers(kept, list(_lines(hints, photo, keep=True)), photo)),
        tuple(_layers(removed, list(_lines(hints, photo, keep=False)), photo)),
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


def _painted(name: str, mask: Grey) -> Layer:
    """Raises BadOption for a mask that is dark all over, and not black: it is no mask, or of another unit."""
    light = mask.light if mask.alpha is None else ImageChops.multiply(mask.light, mask.alpha)
    _, lightest = cast("tuple[int, int]", light.getextrema())
    if ONE < lightest < DIM_LEVEL:
        told = f"{name}: its lightest pixel has {lightest} of 255, and painted is what has at least {PAINTED_LEVEL}"
        raise BadOption(f"{told}: a label map or a picture is no mask")
    least = ONE if lightest == ONE else PAINTED_LEVEL
    return light.point([255 * (level >= least) for level in range(256)])


def _layers(mask: Layer | None, lines: list[Line], photo: Size) -> Iterator[Layer]:
    if mask is not None:
        yield mask
    if lines:
        yield from drawn(lines, photo)


def _lines(hints: Hints, photo: Size, *, keep: bool) -> Iterator[Line]:
    radius_px = max(1.0, CLICK_SHARE * _diagonal(photo))
    yield from (Line([(point.x, point.y)], radius_px) for point in hints.points if point.keep == keep)
    yield from (Line(stroke.points, stroke.radius) for stroke in hints.strokes if stroke.keep == keep)
