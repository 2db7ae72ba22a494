"""Where a product shot has its subject: lengths in pixels and percent become a box on a page."""

from dataclasses import dataclass
from typing import NamedTuple, Self

from service.models.labels import Size
from service.operations.product_shot.options import MAX_PAGE_PIXELS, MAX_SIDE_PX, POSITIONS, ProductShotOptions


class Padding(NamedTuple):
    """Pixels and, apart from them, shares of the page's shorter side: (top, right, bottom, left)."""

    pixels: tuple[float, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        lengths = text.split()
        four = {1: lengths * 4, 2: lengths * 2, 4: lengths}[len(lengths)]
        numbers = [(float(length.rstrip("px%")), length.endswith("%")) for length in four]
        return cls(
            tuple(0.0 if is_share else number for number, is_share in numbers),
            tuple(number / 100 if is_share else 0.0 for number, is_share in numbers),
        )

    def on(self, page: Size) -> tuple[float, ...]:
        """Of a page of that size, in pixels."""
        return tuple(pixels + share * min(page) for pixels, share in zip(self.pixels, self.shares, strict=True))


@dataclass(frozen=True)
class Layout:
    """A page, and where on it the subject is; (left, top, right, bottom) in pixels."""

    page: Size
    box: tuple[int, int, int, int]

    @classmethod
    def of(cls, subject: Size, options: ProductShotOptions) -> Self:
        padding = Padding.of(options.padding)
        page = options.page_size if options.size else _page_around(subject, padding, options)
        top, right, bottom, left = padding.on(page)
        room = max(1.0, page.width - left - right), max(1.0, page.height - top - bottom)
        factor = options.scale * min(room[0] / subject.width, room[1] / subject.height)
        factor = factor if options.upscale else min(1.0, factor)
        width, height = (max(1, round(side * factor)) for side in subject)
        across, down = _free_space(options.position)
        x, y = round(left + across * (room[0] - width)), round(top + down * (room[1] - height))
        return cls(page, (x, y, x + width, y + height))


def _page_around(subject: Size, padding: Padding, options: ProductShotOptions) -> Size:
    """The smallest page of the wanted aspect that holds the subject with its padding, within the limits of a page."""
    aspect = options.width_by_height
    shorter = min(aspect, 1.0)  # of the page's sides, where its height is 1
    top, right, bottom, left = padding.pixels
    wide = (subject.width / options.scale + left + right) / (aspect - shorter * sum(padding.shares[1::2]))
    high = (subject.height / options.scale + top + bottom) / (1 - shorter * sum(padding.shares[::2]))
    most = min(MAX_SIDE_PX, MAX_SIDE_PX / aspect, (MAX_PAGE_PIXELS / aspect) ** 0.5)
    height = min(max(wide, high), most)
    return Size(max(1, round(height * aspect)), max(1, round(height)))


def _free_space(position: str) -> tuple[float, float]:
    """How much of it is left of the subject, and above it: 0 to 1."""
    if position in POSITIONS:
        return POSITIONS[position]
    across, down = (float(share.rstrip("%")) / 100 for share in position.split())
    return across, down
