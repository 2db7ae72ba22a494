"""The pictures with the lowest scores, and where in them it is worst."""

import heapq
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from service.cli.evaluation.contact_sheet import Row, below
from service.models.decisions import Plane

Region = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels."""

CLOSER_SHARE, CLOSER_PX = 1 / 6, 48
"""The side of the region that is shown closer, of the picture's longer side, and at least."""
RED = (230, 30, 30)


@dataclass
class WorstFirst:
    """Keeps the rows with the lowest scores."""

    count: int
    _kept: list[tuple[float, str, Image.Image]] = field(default_factory=list)

    def wants(self, score: float) -> bool:
        return len(self._kept) < self.count or any(score < -negative for negative, *_ in self._kept[:1])

    def add(self, score: float, row: Row) -> None:
        heapq.heappush(self._kept, (-score, row.caption, row.draw()))
        if len(self._kept) > self.count:
            heapq.heappop(self._kept)

    def write(self, path: Path) -> None:
        below([drawn for *_, drawn in sorted(self._kept, reverse=True)]).save(path)


def with_frame(picture: Image.Image, region: Region) -> Image.Image:
    framed = picture.convert("RGB")
    ImageDraw.Draw(framed).rectangle(region, outline=RED, width=max(2, max(picture.size) // 150))
    return framed


def worst_region(errors: Plane) -> Region:
    """Where a window of `errors`, (H, W) and none below 0, has the largest sum."""
    height, width = errors.shape
    side = min(height, width, max(CLOSER_PX, round(max(height, width) * CLOSER_SHARE)))
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = errors.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    windows = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = (int(index) for index in np.unravel_index(windows.argmax(), windows.shape))
    return left, top, left + side, top + side
