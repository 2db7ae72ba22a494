"""Rows of small pictures with a caption, for a person to look at. Knows no scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from service.models.labels import Size

CELL = Size(220, 280)
GAP_PX = 6
LINE_PX = 18
GREY, WHITE, BLACK = (128, 128, 128), (255, 255, 255), (0, 0, 0)


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
