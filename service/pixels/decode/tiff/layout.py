"""How the pixels of a TIFF page lie in the file."""

from dataclasses import dataclass
from enum import IntEnum

from service.errors import UndecodableImage
from service.models.labels import Size
from service.pixels.decode.tiff.directories import Directory, Tag


class Photometric(IntEnum):
    """What the samples of a pixel are."""

    MIN_IS_WHITE = 0
    MIN_IS_BLACK = 1
    RGB = 2
    PALETTE = 3
    CMYK = 5
    YCBCR = 6
    LAB = 8
    ICC_LAB = 9


class SampleFormat(IntEnum):
    """Values of the tag SampleFormat (339)."""

    UNSIGNED = 1
    SIGNED = 2
    FLOAT = 3
    UNDEFINED = 4


COLOUR_SAMPLES = {
    Photometric.MIN_IS_WHITE: 1,
    Photometric.MIN_IS_BLACK: 1,
    Photometric.RGB: 3,
    Photometric.PALETTE: 1,
    Photometric.CMYK: 4,
    Photometric.LAB: 3,
    Photometric.ICC_LAB: 3,
}
"""Of a pixel, without what is extra."""

ASSOCIATED, UNASSOCIATED = 1, 2
"""ExtraSamples: alpha that colours are multiplied by, and alpha that they are not."""
CHUNKY, PLANES = 1, 2


@dataclass(frozen=True)
class Layout:
    """Of one page."""

    size: Size
    photometric: int
    compression: int
    bits: int
    """Of each sample; 0 where they differ."""
    samples: int
    sample_format: int
    """0 where they differ."""
    planar: int
    predictor: int
    fill_order: int
    extra: tuple[int, ...]
    segment: Size
    """Of a strip or a tile, in pixels."""
    is_tiled: bool

    @property
    def colour_samples(self) -> int:
        return COLOUR_SAMPLES.get(Photometric(self.photometric), 0) if self.photometric in COLOUR_SAMPLES else 0

    @property
    def alpha(self) -> int | None:
        """Which sample it is."""
        for index, kind in enumerate(self.extra):
            if kind in (ASSOCIATED, UNASSOCIATED):
                return self.colour_samples + index
        return None

    @property
    def is_premultiplied(self) -> bool:
        return ASSOCIATED in self.extra and self.extra.index(ASSOCIATED) + self.colour_samples == self.alpha

    @property
    def samples_together(self) -> int:
        """How many samples of a pixel lie side by side."""
        return self.samples if self.planar == CHUNKY else 1

    @property
    def row_bytes(self) -> int:
        """Of a strip or a tile, of one plane."""
        return (self.segment.width * self.samples_together * self.bits + 7) // 8


def layout_of(page: Directory) -> Layout:
    """Raises UndecodableImage where there is no size."""
    size = Size(page.value(Tag.WIDTH), page.value(Tag.HEIGHT))
    if size.width <= 0 or size.height <= 0:
        raise UndecodableImage("a TIFF whose page has no size")
    samples = max(1, page.value(Tag.SAMPLES, 1))
    photometric = page.value(Tag.PHOTOMETRIC, Photometric.RGB if samples > 2 else Photometric.MIN_IS_BLACK)
    extra = page.values(Tag.EXTRA_SAMPLES)
    if photometric == Photometric.MIN_IS_BLACK and samples in (3, 4) and not extra:
        photometric = Photometric.RGB  # what writers of arrays call grey
    if photometric == Photometric.RGB and samples == 4 and not extra:
        extra = (UNASSOCIATED,)  # left out by some writers
    return Layout(
        size=size,
        photometric=photometric,
        compression=page.value(Tag.COMPRESSION, 1),
        bits=_common(page.values(Tag.BITS, (1,))[:samples]),
        samples=samples,
        sample_format=_common(page.values(Tag.SAMPLE_FORMAT, (SampleFormat.UNSIGNED,))[:samples]),
        planar=PLANES if page.value(Tag.PLANAR, CHUNKY) == PLANES and samples > 1 else CHUNKY,
        predictor=page.value(Tag.PREDICTOR, 1),
        fill_order=page.value(Tag.FILL_ORDER, 1),
        extra=extra,
        segment=_segment(page, size),
        is_tiled=Tag.TILE_OFFSETS in page.entries,
    )


def _segment(page: Directory, size: Size) -> Size:
    if Tag.TILE_OFFSETS in page.entries:
        return Size(page.value(Tag.TILE_WIDTH), page.value(Tag.TILE_HEIGHT))
    return Size(size.width, min(size.height, page.value(Tag.ROWS_PER_STRIP, size.height)) or size.height)


def _common(values: tuple[int, ...]) -> int:
    return values[0] if values and len(set(values)) == 1 else 0
