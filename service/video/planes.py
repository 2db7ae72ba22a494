"""From composed pictures to the planes that encoders take: colours by swscale, alpha by hand.

swscale shifts most levels of alpha by one on its way (127 of 256 in yuva420p), so it never sees any.
"""

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
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
    box = alpha.getbbox()
    if box is None:
        return rgb
    width, height = picture.size
    small = picture.convert("RGBa").reduce(FILL_STEP_PX)
    weights = np.asarray(small.getchannel("a") if "a" in small.getbands() else small.getchannel(3), np.float32)
    colours = np.asarray(small, np.float32)[..., :3] * (255 / np.maximum(weights, 1))[..., np.newaxis]
    known = np.dstack([np.where((weights > 0)[..., np.newaxis], colours, 0), np.where(weights > 0, 255, 0)])
    grown = Image.fromarray(np.rint(known).clip(0, 255).astype(np.uint8), "RGBA")
    wide = grown.resize(
        (-(-width // FILL_STEP_PX) * FILL_STEP_PX, -(-height // FILL_STEP_PX) * FILL_STEP_PX), Image.Resampling.BILINEAR
    )
    rgb.paste(wide.convert("RGB").crop((0, 0, width, height)), (0, 0), alpha.point([255] + [0] * 255))
    return rgb
