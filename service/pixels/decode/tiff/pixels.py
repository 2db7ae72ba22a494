"""The pixels of a TIFF page: bands of samples, made levels, made a picture."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.pixels.decode.raster import NARROW_WHITES, Profile, Raster, raster, white_of_integers
from service.pixels.decode.tiff.directories import Directory, Tag
from service.pixels.decode.tiff.layout import Layout, Photometric, SampleFormat
from service.pixels.decode.tiff.samples import Samples, Span, levels, unpacked
from service.pixels.decode.tiff.segments import Bytes, Grid, bands

MODES = {
    Photometric.MIN_IS_WHITE: "L",
    Photometric.MIN_IS_BLACK: "L",
    Photometric.RGB: "RGB",
    Photometric.PALETTE: "RGB",
    Photometric.CMYK: "CMYK",
    Photometric.LAB: "LAB",
    Photometric.ICC_LAB: "LAB",
}
SIGN_BIT = 0x80
SAMPLES_AT_ONCE = 1 << 20
"""Of any width: as floats, 8 MB."""


def load_pixels(page: Directory, layout: Layout, grid: Grid) -> Raster:
    """Raises TruncatedImage or UndecodableImage where strips are missing or damaged."""
    mode = MODES[Photometric(layout.photometric)]
    colours = Image.new(mode, layout.size, None)  # every row will be painted
    alpha = None if layout.alpha is None else Image.new("L", layout.size, None)
    span = _span(page, layout, grid)
    for top, samples in _bands_of_samples(page, layout, grid):
        stored = np.ascontiguousarray(_colours(samples, layout, span, page))
        colours.paste(Image.frombytes(mode, (layout.size.width, len(samples)), stored.data), (0, top))
        if alpha:
            alpha.paste(Image.fromarray(levels(samples[..., layout.alpha], span)), (0, top))
    if alpha and layout.is_premultiplied:
        colours = Image.merge("RGBa", (*colours.convert("RGB").split(), alpha)).convert("RGBA").convert("RGB")
    loaded = raster(colours, profile_of(page), page.value(Tag.ORIENTATION, 1), alpha)
    return replace(loaded, is_signed=span.black < 0)


def profile_of(page: Directory) -> tuple[Profile, ...]:
    content = page.content(Tag.PROFILE)
    return () if content is None else (content.tobytes(),)


def _bands_of_samples(page: Directory, layout: Layout, grid: Grid) -> Iterator[tuple[int, Samples]]:
    """From which row on, and (rows, width, samples): not too many at a time, however large strips are."""
    step = max(1, SAMPLES_AT_ONCE // (layout.size.width * layout.samples_together * grid.planes))
    for band in bands(page, layout, grid):
        planes = [_rows(plane, layout, page.shape.order) for plane in band.planes]
        for first in range(0, min(len(planes[0]), layout.size.height - band.top), step):
            parts = [plane[first : min(first + step, layout.size.height - band.top)] for plane in planes]
            yield band.top + first, parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


def _rows(plane: Bytes, layout: Layout, order: Literal["<", ">"]) -> Samples:
    """(rows, width, samples together), of strips or of one row of tiles."""
    samples = unpacked(plane, layout, order)
    if layout.is_tiled:
        tiles = samples.reshape(-1, layout.segment.height, *samples.shape[1:])
        samples = tiles.swapaxes(0, 1).reshape(layout.segment.height, -1, samples.shape[2])
    return samples[:, : layout.size.width]


def _colours(samples: Samples, layout: Layout, span: Span, page: Directory) -> NDArray[np.uint8]:
    """As Pillow wants the bytes of its mode."""
    photometric, stored = Photometric(layout.photometric), samples[..., : layout.colour_samples]
    if photometric == Photometric.PALETTE:
        palette = _palette(page, layout.bits)
        return palette[np.minimum(stored[..., 0], len(palette) - 1)]
    if photometric in (Photometric.LAB, Photometric.ICC_LAB):
        lab = (stored >> (layout.bits - 8)).astype(np.uint8)
        if photometric == Photometric.ICC_LAB:  # whose a and b are not signed
            lab[..., 1:] ^= SIGN_BIT
        return lab
    shown = levels(stored, span)
    return 255 - shown if photometric == Photometric.MIN_IS_WHITE else shown


def _palette(page: Directory, bits: int) -> NDArray[np.uint8]:
    """(colours, 3). Old writers stored 8 of the 16 bits, as libtiff knows. Raises ValueError where it is missing."""
    stored = page.content(Tag.PALETTE)
    if stored is None or len(stored) < 3 << bits:
        raise ValueError("a TIFF whose palette is missing")
    wide = stored[: 3 << bits].reshape(3, -1).T
    return (wide if wide.max() < 256 else wide // 257).astype(np.uint8)


def _span(page: Directory, layout: Layout, grid: Grid) -> Span:
    """The samples that are black and white: what the file says, or else the whole range of integers (but see
    `white_of_integers`), and of floats and signed integers what their values tell. Source of the first two: TIFF 6.0,
    SampleFormat.
    """
    least, most = page.content(Tag.SAMPLE_MIN), page.content(Tag.SAMPLE_MAX)
    if least is not None and most is not None and len(least) and len(most) and least[0] < most[0]:
        return Span(float(least[0]), float(most[0]))
    if layout.sample_format == SampleFormat.FLOAT:
        return Span(0.0, _white_of_floats(_Values.of(page, layout, grid)))
    is_signed = layout.sample_format == SampleFormat.SIGNED
    white = (1 << layout.bits - is_signed) - 1
    if is_signed and _Values.of(page, layout, grid).least < 0:
        return Span(-white - 1.0, float(white))
    if layout.bits >= 16:
        white = white_of_integers(_most(page, layout, grid), white)
    return Span(0.0, float(white))


def _most(page: Directory, layout: Layout, grid: Grid) -> int:
    """The largest of all samples, or one that is too large for a narrower type, which mostly is in the first band."""
    enough = NARROW_WHITES[layout.bits > 16]
    most = 0
    for _, samples in _bands_of_samples(page, layout, grid):
        most = max(most, int(samples.max()))
        if most > enough:
            break
    return most


class _Values(NamedTuple):
    """Of all colours of a page."""

    least: float
    most: float
    mean: float

    @classmethod
    def of(cls, page: Directory, layout: Layout, grid: Grid) -> "_Values":
        least, most, total, count = np.inf, -np.inf, 0.0, 0
        for _, samples in _bands_of_samples(page, layout, grid):
            finite = samples[..., : layout.colour_samples]
            finite = finite[np.isfinite(finite)]
            if finite.size:
                least, most = min(least, float(finite.min())), max(most, float(finite.max()))
                total, count = total + float(finite.sum(dtype=np.float64)), count + finite.size
        return cls(least, most, total / max(count, 1))


def _white_of_floats(values: _Values) -> float:
    """1.0 by convention, with highlights above it. No picture is brighter than white on average: such numbers count in
    8 or 16 bits, or in a unit of their own."""
    if values.mean <= 1.0:
        return 1.0
    return next((white for white in (255.0, 65535.0) if white / 4 < values.most <= white), values.most)
