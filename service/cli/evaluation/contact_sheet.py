"""Rows of small pictures with a caption, for a person to look at. Knows no scores."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from service.models.decisions import Plane
from service.models.labels import Size

Region = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels."""

CELL = Size(220, 280)
GAP_PX = 6
LINE_PX = 18
CLOSER_SHARE, CLOSER_PX = 1 / 6, 48
"""The side of the region that is shown closer, of the picture's longer side, and at least."""
RED, GREY, WHITE, BLACK = (230, 30, 30), (128, 128, 128), (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True)
class Row:
    """Pictures side by side, each under its name, and a caption above them."""

    caption: str
    pictures: Mapping[str, Image.Image]

    def draw(self) -> Image.Image:
        cells = [in_cell(picture) for picture in self.pictures.values()]
        height = max(cell.height for cell in cells) + 2 * LINE_PX + GAP_PX
        drawn = Image.new("RGB", (len(cells) * (CELL.width + GAP_PX) - GAP_PX, height), WHITE)
        pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(13)
        pen.text((0, 0), self.caption, BLACK, font)
        for column, (name, cell) in enumerate(zip(self.pictures, cells, strict=True)):
            left = column * (CELL.width + GAP_PX)
            pen.text((left, LINE_PX), name, GREY, font)
            drawn.paste(cell, (left, 2 * LINE_PX))
        return drawn


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


def below(rows: Sequence[Image.Image]) -> Image.Image:
    """One under the other."""
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), WHITE)
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def in_cell(picture: Image.Image) -> Image.Image:
    """As large as the cell allows; pixels are shown as squares where they are enlarged."""
    scale = min(CELL.width / picture.width, CELL.height / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX
    return picture.convert("RGB").resize(size, how)


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
