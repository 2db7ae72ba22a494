"""What a person says of a matte: here is subject, here is none, and this is the matte I mean. Knows no network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from service.models.labels import Mask, Size

Layer = Image.Image
"""Mode L: 255 where painted, else 0. It shows the whole photo, at any size."""

Area = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels of the upright photo; right and bottom are exclusive."""


@dataclass(frozen=True)
class Correction:
    """All that a request says of its photo's matte."""

    earlier: Image.Image | None = None
    """Mode L, showing the whole photo: the matte that is corrected, in the place of what networks say."""
    keep: Sequence[Layer] = ()
    remove: Sequence[Layer] = ()
    """Wins over `keep`."""
    boxes: Sequence[Area] = ()
    """Where there are some, the subject is inside of them."""

    least_radius_px: float = 0.0
    """Strokes grow as those of a brush that is no finer: a click means more than the pixels that it paints."""

    @property
    def is_empty(self) -> bool:
        return self.earlier is None and not (self.keep or self.remove or self.boxes)

    @property
    def boxed_area(self) -> Area | None:
        """What holds all boxes; None where there is none."""
        return _around_all(self.boxes)

    def painted_area(self, size: Size) -> Area | None:
        """What of a photo of that size is painted on; None where nothing is."""
        areas = [area for layer in (*self.keep, *self.remove) if (area := _area_in(layer, size)) is not None]
        return _around_all(areas)

    def painted(self, area: Area, photo: Size, size: Size) -> tuple[Mask, Mask]:
        """(H, W) each: what of `area` of the photo is kept and what is removed, sampled at `size`."""
        keep, remove = (_union(layers, area, photo, size) for layers in (self.keep, self.remove))
        return keep & ~remove, remove


NO_CORRECTION = Correction()


def _around_all(areas: Sequence[Area]) -> Area | None:
    if not areas:
        return None
    lefts, tops, rights, bottoms = zip(*areas, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _area_in(layer: Layer, size: Size) -> Area | None:
    """Of the photo, what is painted in the layer, rounded outwards."""
    box = layer.getbbox()
    if box is None:
        return None
    across, down = size.width / layer.width, size.height / layer.height
    left, top, right, bottom = box
    return (
        math.floor(left * across),
        math.floor(top * down),
        min(size.width, math.ceil(right * across)),
        min(size.height, math.ceil(bottom * down)),
    )


def _union(layers: Sequence[Layer], area: Area, photo: Size, size: Size) -> Mask:
    """Where any of the layers is painted; each pixel takes the one of the layer that its middle is in."""
    union = np.zeros((size.height, size.width), np.bool_)
    for layer in layers:
        across, down = layer.width / photo.width, layer.height / photo.height
        left, top, right, bottom = area
        box = (left * across, top * down, right * across, bottom * down)
        union |= np.asarray(layer.resize(size, Image.Resampling.NEAREST, box=box)) > 0
    return union
