"""The pictures that a person should look at, small: picture, mask, answers, and where they differ."""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from service.cli.evaluation.contact_sheet import CELL, Row, below
from service.models.labels import LabelMap, Mask

SIDE_PX = 360
MISSED, INVENTED, CONFUSED = (235, 60, 50), (45, 110, 240), (240, 160, 20)
"""Drawn and not found; found and not drawn; both, but of other classes."""
FADED = 0.35
"""Of the photo, under the colours of what differs."""

CLASS_COLOURS = (
    (0, 0, 0), (255, 255, 255), (230, 75, 60), (60, 140, 230), (70, 180, 90), (240, 180, 40), (150, 90, 200),
    (60, 190, 190), (235, 120, 180), (150, 110, 70), (170, 200, 60),
)  # fmt: skip
"""Of the numbers in masks; repeated from the second on where there are more."""


@dataclass(frozen=True)
class Shown:
    """One picture with all that is to be seen of it."""

    name: str
    caption: str
    tiles: Mapping[str, Image.Image]


@dataclass
class Gallery:
    """Keeps the pictures with the lowest ranks."""

    title: str
    count: int
    below: float = math.inf
    """Only ranks under this are taken."""
    _kept: list[tuple[float, str, Shown]] = field(default_factory=list)

    def wants(self, rank: float) -> bool:
        if rank >= self.below:
            return False
        return len(self._kept) < self.count or any(rank < -negative for negative, *_ in self._kept[:1])

    def add(self, rank: float, shown: Shown) -> None:
        heapq.heappush(self._kept, (-rank, shown.name, shown))
        if len(self._kept) > self.count:
            heapq.heappop(self._kept)

    def shown(self) -> Sequence[Shown]:
        """The lowest first."""
        return [shown for *_, shown in sorted(self._kept, key=lambda kept: -kept[0])]

    def sheet(self) -> Image.Image:
        """All of them on one picture, a row each."""
        return below([Row(f"{each.name}   {each.caption}", each.tiles).draw() for each in self.shown()])


def tile(picture: Image.Image) -> Image.Image:
    """At most `SIDE_PX` on its longer side, and no smaller than a cell of the sheet needs."""
    small = picture.convert("RGB")
    small.thumbnail((max(SIDE_PX, CELL.width), max(SIDE_PX, CELL.height)), Image.Resampling.BOX)
    return small


def painted(numbers: LabelMap) -> Image.Image:
    """Each number in a colour of its own; one class alone is white on black."""
    colours = np.array(CLASS_COLOURS, np.uint8)
    others = len(CLASS_COLOURS) - 1
    table = np.array([colours[0 if number == 0 else 1 + (number - 1) % others] for number in range(256)], np.uint8)
    return Image.fromarray(table[numbers])


def differences(photo: Image.Image, found: LabelMap, drawn: LabelMap, counted: Mask) -> Image.Image:
    """On the faded photo, what is wrong; what does not count stays faded."""
    canvas = np.asarray(Image.blend(Image.new("RGB", photo.size, (255, 255, 255)), photo.convert("RGB"), FADED)).copy()
    wrong = (found != drawn) & counted
    canvas[wrong & (found == 0)] = MISSED
    canvas[wrong & (drawn == 0)] = INVENTED
    canvas[wrong & (found != 0) & (drawn != 0)] = CONFUSED
    return Image.fromarray(canvas)
