"""A photo resized to what a network wants to see, and the way back from its scores to the photo."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.kernels.resizing import resized
from service.models.labels import Box, Size
from service.models.store.card import Filter, InputSpec, ModelCard, OutputSpec

# Reading at most twice the wanted size before the exact filter: 10 ms instead of 19 at 1080p.
REDUCING_GAP = 2.0

FILTERS: Mapping[Filter, tuple[Image.Resampling, float | None]] = {
    "lanczos": (Image.Resampling.LANCZOS, REDUCING_GAP),
    "hamming": (Image.Resampling.HAMMING, REDUCING_GAP),
    # To the bit what Pillow gives, as the networks that want these were trained and are judged with it.
    "bicubic": (Image.Resampling.BICUBIC, None),
    "bilinear": (Image.Resampling.BILINEAR, None),
    "box": (Image.Resampling.BOX, None),
}


def fit(picture: Image.Image, card: ModelCard) -> tuple[NDArray[np.uint8], Box]:
    """(h, w, 3) uint8 RGB at the card's input size, and the part of the scores that shows `picture`."""
    pixels, used = seen(picture, card.input)
    return pixels, _shown_in(used, card)


def _shown_in(used: Size, card: ModelCard) -> Box:
    """The part of the scores that shows the picture."""
    if card.input.resize == "shorter":
        _, height, width = card.scores_of(used.height, used.width)
        return Box(0, 0, width, height)
    return _scores_box(used, card.input, card.output)


def seen(picture: Image.Image, spec: InputSpec) -> tuple[NDArray[np.uint8], Size]:
    """(h, w, 3) uint8 RGB as a network sees it, and how much of that, from the top left, is the picture."""
    used = used_size(Size(*picture.size), spec)
    resampling, reducing_gap = FILTERS[spec.filter]
    resized_pixels = resized(picture, used, resampling, reducing_gap)
    return _pad(resized_pixels, spec), used


def used_size(picture: Size, spec: InputSpec) -> Size:
    """The part of the network's input that the picture fills."""
    if spec.resize == "stretch":
        return Size(spec.width, spec.height)
    if spec.longest is not None:
        return _open_size(picture, spec, spec.longest)
    scale = min(spec.width / picture.width, spec.height / picture.height)
    return Size(max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))


def _open_size(picture: Size, spec: InputSpec, longest: int) -> Size:
    """As MODNet's own demo chooses it, which keeps a picture between, and torchvision's transforms, which do not."""
    shorter, longer = sorted(picture)
    side = shorter if spec.keeps_between and shorter <= spec.shorter_side <= longer else spec.shorter_side
    # In whole numbers, so that 640 does not become 639.99, and a multiple of 32 less.
    into, of = (side, shorter) if longer * side <= longest * shorter else (longest, longer)
    steps = (length * into // of // spec.multiple for length in picture)
    width, height = (max(1, step) * spec.multiple for step in steps)
    return Size(width, height)


def input_box(box: Box, card: ModelCard) -> Box:
    """The part of the network's input that shows the picture, to about a pixel, from that of its scores."""
    across, down = card.input.width / card.output.width, card.input.height / card.output.height
    return Box(box.left * across, box.top * down, box.right * across, box.bottom * down)


def _pad(pixels: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.uint8]:
    """Filled right and below with the mean colour, which is zero to the network."""
    height, width, _ = pixels.shape
    if spec.resize != "pad" or (width, height) == (spec.width, spec.height):
        return pixels
    padded = np.empty((spec.height, spec.width, 3), np.uint8)
    padded[:] = spec.zero
    padded[:height, :width] = pixels
    return padded


def _scores_box(used: Size, spec: InputSpec, output: OutputSpec) -> Box:
    left, right = _scores_span(used.width, spec.width, output.width, output.align_corners)
    top, bottom = _scores_span(used.height, spec.height, output.height, output.align_corners)
    return Box(left, top, right, bottom)


def _scores_span(used: int, inputs: int, outputs: int, align_corners: bool) -> tuple[float, float]:
    """Where the input's edges 0 and `used` lie among the scores, in pixels whose centres are at 0.5, 1.5, ...

    With aligned corners, the centre of input pixel i is at (i * (outputs - 1) / (inputs - 1)) + 0.5.
    """
    if not align_corners:
        return 0.0, used * outputs / inputs
    step = (outputs - 1) / (inputs - 1)
    return 0.5 - 0.5 * step, 0.5 + (used - 0.5) * step
