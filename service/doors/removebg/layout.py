"""Where things are: the photo at the result's resolution, the part of it that is looked at, and the subject's place.

Boxes are (left, top, right, bottom), in pixels of what is said.
"""

import math
from dataclasses import dataclass
from typing import Self

from service.doors.removebg.failures import RoiExceedsBounds, RoiRegionEmpty
from service.doors.removebg.lengths import Length
from service.doors.removebg.parameters import MAX_MARGIN_PERCENT, MAX_MARGIN_PX, Parameters, Position
from service.models.labels import Size

Box = tuple[int, int, int, int]
NOWHERE: Box = (0, 0, 0, 0)


def size_within(size: Size, max_pixels: int) -> Size:
    """The largest of the same shape with no more pixels; never larger than `size`."""
    factor = min(1.0, math.sqrt(max_pixels / (size.width * size.height)))
    width = min(max_pixels, max(1, math.floor(size.width * factor)))
    return Size(width, min(max_pixels // width, max(1, math.floor(size.height * factor))))


@dataclass(frozen=True)
class Frame:
    """What is cut out of a photo, and how large."""

    sent: Size
    """Of the photo."""
    canvas: Size
    """Of the whole photo at the result's resolution."""
    region: Box
    """Of the photo that is looked at; nothing outside it is foreground. In the photo's pixels."""

    @classmethod
    def of(cls, sent: Size, parameters: Parameters) -> Self:
        """Raises RoiExceedsBounds or RoiRegionEmpty."""
        return cls(sent, size_within(sent, parameters.pixels), _region(parameters.roi, sent))

    @property
    def part(self) -> Box:
        """The region on the canvas."""
        across, down = self.canvas.width / self.sent.width, self.canvas.height / self.sent.height
        left, top, right, bottom = self.region
        x, y = min(round(left * across), self.canvas.width - 1), min(round(top * down), self.canvas.height - 1)
        return x, y, max(x + 1, round(right * across)), max(y + 1, round(bottom * down))

    def on_canvas(self, box: Box) -> Box:
        """A box in the part."""
        x, y, _, _ = self.part
        return box[0] + x, box[1] + y, box[2] + x, box[3] + y

    def in_photo(self, box: Box) -> Box:
        """A box in the part, in the photo's own pixels: all of what it touches."""
        across, down = self.sent.width / self.canvas.width, self.sent.height / self.canvas.height
        left, top, right, bottom = self.on_canvas(box)
        right_px, bottom_px = math.ceil(right * across - 1e-6), math.ceil(bottom * down - 1e-6)
        return (
            math.floor(left * across + 1e-6),
            math.floor(top * down + 1e-6),
            min(self.sent.width, right_px),
            min(self.sent.height, bottom_px),
        )


def _region(roi: tuple[Length, Length, Length, Length], sent: Size) -> Box:
    left, top, right, bottom = (round(length.of(sent[index % 2])) for index, length in enumerate(roi))
    if right <= left or bottom <= top:
        raise RoiRegionEmpty(f"from ({left}, {top}) to ({right}, {bottom}) there is no pixel")
    if left < 0 or top < 0 or right > sent.width or bottom > sent.height:
        raise RoiExceedsBounds(
            f"the image has {sent.width} x {sent.height} pixels, and roi is from ({left}, {top}) to ({right}, {bottom})"
        )
    return left, top, right, bottom


@dataclass(frozen=True)
class Layout:
    """The canvas of a result, and where on it the subject's box lies, which may reach over its edges."""

    canvas: Size
    subject: Box

    @classmethod
    def of(cls, canvas: Size, subject: Box, parameters: Parameters, reach: Box = NOWHERE) -> "Layout":
        """`subject` is its box on `canvas`; `reach` is how far its shadow goes beyond that, on each side."""
        if parameters.crop:
            canvas, subject = _cropped(subject, parameters, reach)
        width, height = _scaled(canvas, subject, parameters.scale)
        left, top = _corner(canvas, (width, height), parameters.place) or subject[:2]
        return _within(cls(canvas, (left, top, left + width, top + height)), parameters.pixels)


def _cropped(subject: Box, parameters: Parameters, reach: Box) -> tuple[Size, Box]:
    """The subject with its margins, and its shadow; nothing else."""
    width, height = subject[2] - subject[0], subject[3] - subject[1]
    top, right, bottom, left = parameters.crop_margin
    x, y = reach[0] + _margin_px(left, width), reach[1] + _margin_px(top, height)
    across, down = reach[2] + _margin_px(right, width), reach[3] + _margin_px(bottom, height)
    return Size(x + width + across, y + height + down), (x, y, x + width, y + height)


def _margin_px(margin: Length, subject_px: int) -> int:
    most = MAX_MARGIN_PERCENT if margin.unit == "%" else MAX_MARGIN_PX
    return round(Length(min(margin.number, most), margin.unit).of(subject_px))


def _scaled(canvas: Size, subject: Box, scale: float | None) -> tuple[int, int]:
    """(width, height) of the subject: `scale` of the canvas along the side that is filled first."""
    width, height = subject[2] - subject[0], subject[3] - subject[1]
    factor = 1.0 if scale is None else scale * min(canvas.width / width, canvas.height / height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def _corner(canvas: Size, subject: tuple[int, int], place: Position | None) -> tuple[int, int] | None:
    """(left, top); None is where it was."""
    if place is None:
        return None
    return round(place.across * (canvas.width - subject[0])), round(place.down * (canvas.height - subject[1]))


def _within(layout: Layout, max_pixels: int) -> Layout:
    """Margins and shadows may have made it larger than the result may be."""
    size = size_within(layout.canvas, max_pixels)
    if size == layout.canvas:
        return layout
    across, down = size.width / layout.canvas.width, size.height / layout.canvas.height
    left, top, right, bottom = layout.subject
    x, y = round(left * across), round(top * down)
    return Layout(size, (x, y, max(x + 1, round(right * across)), max(y + 1, round(bottom * down))))
