"""Rows of bytes to samples, and samples to levels from 0 to 255. Knows nothing of files."""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.errors import UnsupportedImage
from service.pixels.decode.tiff.layout import Layout, SampleFormat

HORIZONTAL, FLOATING_POINT = 2, 3
"""Predictors: what is stored is the difference to the sample before, or that of the bytes of floats."""
NUMPY_KINDS = {
    SampleFormat.UNSIGNED: "u",
    SampleFormat.UNDEFINED: "u",
    SampleFormat.SIGNED: "i",
    SampleFormat.FLOAT: "f",
}
WHOLE_BYTES = (8, 16, 32, 64)
FLOAT_BITS = (16, 32, 64)
MAX_BITS = 32
"""Of samples that are not 8, 16, 32 or 64 bits wide."""

ODD_AT_ONCE = 1 << 18
"""Samples: their bits take 32 bytes each on their way."""

Samples = NDArray[Any]


class Span(NamedTuple):
    """The samples that are black and white."""

    black: float
    white: float


def check_samples(layout: Layout) -> None:
    """Raises UnsupportedImage, which says what they are."""
    if layout.samples < layout.colour_samples:
        raise UnsupportedImage(f"this is a TIFF with {layout.samples} of {layout.colour_samples} samples a pixel")
    if layout.sample_format not in NUMPY_KINDS or not layout.bits:
        raise UnsupportedImage("this is a TIFF whose samples are complex numbers or not all alike, which is not read")
    is_float = layout.sample_format == SampleFormat.FLOAT
    is_wide = layout.bits in WHOLE_BYTES
    if is_float and layout.bits not in FLOAT_BITS:
        raise UnsupportedImage(f"this is a TIFF of {layout.bits}-bit floating-point numbers, which is not read")
    if not is_wide and (layout.bits > MAX_BITS or layout.sample_format == SampleFormat.SIGNED or layout.predictor != 1):
        raise UnsupportedImage(f"this is a TIFF of {layout.bits}-bit samples in a form that is not read")


def unpacked(rows: NDArray[np.uint8], layout: Layout, order: Literal["<", ">"]) -> Samples:
    """(rows, width, samples together) of (rows, row_bytes), in the machine's own order of bytes."""
    count = layout.segment.width * layout.samples_together
    if layout.bits not in WHOLE_BYTES:
        samples: Samples = _of_odd_bits(rows, layout.bits, count, order)
    elif layout.predictor == FLOATING_POINT:
        samples = _of_predicted_floats(rows, layout)
    else:
        kind = "u" if layout.predictor == HORIZONTAL else NUMPY_KINDS[SampleFormat(layout.sample_format)]
        stored = np.dtype(f"{kind}{layout.bits // 8}").newbyteorder(order)
        samples = np.ascontiguousarray(rows).view(stored).astype(stored.newbyteorder("="), copy=False)
    samples = samples.reshape(len(rows), layout.segment.width, layout.samples_together)
    if layout.predictor == HORIZONTAL:
        samples = np.cumsum(samples, axis=1, dtype=samples.dtype)  # wraps, as it must
        samples = samples.view(f"{NUMPY_KINDS[SampleFormat(layout.sample_format)]}{layout.bits // 8}")
    return samples


def _of_odd_bits(rows: NDArray[np.uint8], bits: int, count: int, order: str) -> NDArray[np.uint32]:
    """(rows, count): of whole bytes, those are in the file's order; of others, bits are the high one first."""
    samples = np.empty((len(rows), count), np.uint32)
    step = max(1, ODD_AT_ONCE // count)
    for first in range(0, len(rows), step):
        stored = rows[first : first + step]
        if bits % 8 == 0:
            parts = stored[:, : count * bits // 8].reshape(len(stored), count, -1)
            padded = np.zeros((len(stored), count, 4), np.uint8)
            padded[..., 4 - bits // 8 :] = parts[..., ::-1] if order == "<" else parts
        else:
            wide = np.zeros((len(stored), count, 32), np.uint8)
            wide[..., 32 - bits :] = np.unpackbits(stored, axis=1, count=count * bits).reshape(len(stored), count, bits)
            padded = np.packbits(wide, axis=2)
        samples[first : first + step] = padded.view(">u4")[..., 0]
    return samples


def _of_predicted_floats(rows: NDArray[np.uint8], layout: Layout) -> Samples:
    """Source: Adobe Photoshop TIFF Technical Note 3: the bytes of a row, all the highest first, as differences."""
    size, together = layout.bits // 8, layout.samples_together
    count = layout.segment.width * together
    steps = rows.reshape(len(rows), -1, together)
    planes = np.cumsum(steps, axis=1, dtype=np.uint8).reshape(len(rows), size, count)
    return np.ascontiguousarray(planes.swapaxes(1, 2)).view(f">f{size}")[..., 0].astype(f"f{size}")


def levels(samples: Samples, span: Span) -> NDArray[np.uint8]:
    """0 to 255, `span` being black and white; what is beyond is clipped, and what is no number is black."""
    if samples.dtype == np.uint8 and span == (0.0, 255.0):
        return samples
    scale = 255.0 / (span.white - span.black) if span.white != span.black else 0.0
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:
        table = np.arange(np.iinfo(samples.dtype).max + 1, dtype=np.float64)
        return np.asarray(_rounded((table - span.black) * scale)[samples])
    is_small = samples.dtype.itemsize < 4 or samples.dtype == np.float32
    wide: NDArray[np.float64] = samples.astype(np.float32 if is_small else np.float64)
    wide -= span.black
    wide *= scale
    return _rounded(wide)


def _rounded(scaled: NDArray[Any]) -> NDArray[np.uint8]:
    numbers = np.nan_to_num(scaled, copy=False, posinf=255.0, neginf=0.0)
    return np.asarray(np.rint(np.clip(numbers, 0.0, 255.0)), np.uint8)
