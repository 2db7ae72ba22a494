"""From composed pictures to the planes that encoders take: colours by swscale, alpha by hand.

swscale shifts most levels of alpha by one on its way (127 of 256 in yuva420p), so it never sees any.
"""

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from numpy.typing import NDArray
from PIL import Image

from service.video.colours import from_eight_bits, plane_samples

NEUTRAL = 128
"""Of chroma: no colour."""

FILL_STEP_PX = 16
"""The subject's colours reach so far beyond its edge, and no further: half a block of the codec, and its neighbour."""


def colour_frame(picture: Image.Image, format_: str) -> VideoFrame:
    """Of an RGB picture: BT.709, limited range. Chroma is the mean of the pixels that share it."""
    frame = VideoFrame.from_ndarray(np.asarray(picture), "rgb24").reformat(
        format=format_,
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.AREA,
    )
    frame.color_primaries, frame.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return frame


def grey_frame(levels: Image.Image, format_: str = "yuv420p") -> VideoFrame:
    """Of a picture in mode L, whose levels are the luma as they are: full range, no colour."""
    frame = VideoFrame(*levels.size, format_)
    plane_samples(frame, 0, np.uint8)[:] = np.asarray(levels)
    for chroma in (1, 2):
        plane_samples(frame, chroma, np.uint8)[:] = NEUTRAL
    frame.color_range, frame.colorspace = ColorRange.JPEG, Colorspace.ITU709
    return frame


def frame_with_alpha(picture: Image.Image) -> VideoFrame:
    """Of an RGBA picture: 4:4:4 in 10 bits with alpha."""
    colours = colour_frame(picture.convert("RGB"), "yuv444p10le")
    frame = VideoFrame(colours.width, colours.height, "yuva444p10le")
    for number in range(3):
        plane_samples(frame, number, np.uint16)[:] = plane_samples(colours, number, np.uint16)
    plane_samples(frame, 3, np.uint16)[:] = from_eight_bits(np.asarray(picture.getchannel("A")), 10)
    frame.color_range, frame.colorspace = colours.color_range, colours.colorspace
    frame.color_primaries, frame.color_trc = colours.color_primaries, colours.color_trc
    return frame


def without_dark_edge(picture: Image.Image) -> Image.Image:
    """RGB of an RGBA picture, the subject's colours going on a little beyond its edge.

    What was cut away is black, and a codec that keeps a quarter of the colours would mix that into the edge. Nothing of
    the old background is in it.
    """
    rgb, alpha = picture.convert("RGB"), picture.getchannel("A")
    left, top, right, bottom = alpha.getbbox() or (0, 0, 0, 0)
    if not right:
        return rgb
    area = (
        max(0, left - FILL_STEP_PX),
        max(0, top - FILL_STEP_PX),
        min(picture.width, right + FILL_STEP_PX),
        min(picture.height, bottom + FILL_STEP_PX),
    )
    rgb.paste(_filled(rgb.crop(area), alpha.crop(area).point([0] + [255] * 255)), area)
    return rgb


def _filled(rgb: Image.Image, known: Image.Image) -> Image.Image:
    """Where `known`, mode L, is 0: the mean colour of the known pixels around, square by square, without steps."""
    share = np.asarray(known.reduce(FILL_STEP_PX), np.float32) / 255
    sums = np.dstack([np.asarray(rgb.reduce(FILL_STEP_PX), np.float32), share])
    around = _with_neighbours(sums)
    means = np.where(share[..., np.newaxis] > 0, _mean(sums), _mean(around))
    small = Image.fromarray(np.rint(means).clip(0, 255).astype(np.uint8))
    box = (0, 0, rgb.width / FILL_STEP_PX, rgb.height / FILL_STEP_PX)
    filled = small.resize(rgb.size, Image.Resampling.BILINEAR, box=box)
    filled.paste(rgb, (0, 0), known)
    return filled


def _with_neighbours(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 4): each square and the eight around it, added up."""
    height, width, _ = sums.shape
    padded = np.pad(sums, ((1, 1), (1, 1), (0, 0)))
    return np.asarray(sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3)), np.float32)


def _mean(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 3): colours of (h, w, 4) sums of them and of their weights; black where nothing is known."""
    weights = sums[..., 3:]
    return np.where(weights > 0, sums[..., :3] / np.maximum(weights, np.float32(1e-6)), np.float32(0))
