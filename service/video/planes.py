"""From composed pictures to the planes that encoders take: colours by swscale, alpha by hand.

swscale shifts most levels of alpha by one on its way (127 of 256 in yuva420p), so it never sees any.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from numpy.typing import NDArray
from PIL import Image

from service.kernels.memory import image_bytes
from service.pixels.threads import pixel_work
from service.video.colours import from_eight_bits, plane_samples, reformatted

BLACK, NEUTRAL = 16, 128
"""Of luma and of chroma, in limited range."""

FILL_STEP_PX = 16
"""The subject's colours reach so far beyond its edge, and no further: half a block of the codec, and its neighbour."""

LITTLE = np.float32(1e-6)

PACKED = np.dtype("<u4")
"""Red in the lowest byte, alpha in the highest."""
ALPHA_BYTE_AT = 24

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class CutPlanes:
    """A subject that was cut out of the planes of a codec, without a way through RGB."""

    colours: VideoFrame
    """yuv420p, BT.709, limited range; nothing is in it of what was cut away."""
    alpha: Image.Image
    """Mode L."""


@pixel_work
def cut_out(frame: VideoFrame, alpha: Image.Image) -> CutPlanes:
    """Of an opaque frame in yuv420p, BT.709 and limited range. Colours go on a little beyond the subject's edge."""
    shown = image_bytes(alpha) > 0
    colours = VideoFrame(frame.width, frame.height, "yuv420p")
    _continue(frame, colours, 0, Shown(shown, FILL_STEP_PX), BLACK)
    halved = Shown(_any_of_four(shown), FILL_STEP_PX // 2)
    for chroma in (1, 2):
        _continue(frame, colours, chroma, halved, NEUTRAL)
    return CutPlanes(_told_as_ours(colours), alpha)


def _continue(frame: VideoFrame, colours: VideoFrame, number: int, shown: "Shown", empty: int) -> None:
    """Fills one plane of `colours`."""
    here = plane_samples(frame, number, np.uint8) * shown.pixels
    near = shown.spread(shown.means(np.asarray(Image.fromarray(here).reduce(shown.step_px), np.float32), empty))
    near &= shown.hidden
    near |= here
    plane_samples(colours, number, np.uint8)[:] = near


def _any_of_four(shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) to half of it, rounded up: whether one of the pixels is shown that share their chroma."""
    height, width = shown.shape
    if height % 2 or width % 2:
        shown = np.pad(shown, ((0, height % 2), (0, width % 2)))
    pairs = (shown[::2] | shown[1::2]).view(np.uint16)
    found: NDArray[np.bool_] = pairs > 0
    return found


def colour_frame(picture: Image.Image, format_: str) -> VideoFrame:
    """Of an RGB picture: BT.709, limited range. Chroma is the mean of the pixels that share it."""
    return _coded(image_bytes(picture.convert("RGBA")).view(PACKED)[..., 0], format_)


@pixel_work
def cutout_frame(picture: Image.Image, format_: str) -> VideoFrame:
    """The colours of an RGBA picture, going on a little beyond the subject's edge.

    What was cut away is black, and a codec that keeps a quarter of the colours would mix that into the edge. Nothing of
    the old background is in it.
    """
    packed = image_bytes(picture).view(PACKED)[..., 0]
    shown = Shown(packed >> ALPHA_BYTE_AT > 0, FILL_STEP_PX)
    means = shown.means(np.asarray(picture.convert("RGB").reduce(FILL_STEP_PX), np.float32), 0)
    red, green, blue = np.moveaxis(means.astype(np.uint32), -1, 0)
    return _coded(np.where(shown.pixels, packed, shown.spread(red | green << 8 | blue << 16)), format_)


def _coded(packed: NDArray[np.uint32], format_: str) -> VideoFrame:
    height, width = packed.shape
    frame = VideoFrame(width, height, "rgb0")
    plane_samples(frame, 0, np.uint32)[:] = packed
    return _told_as_ours(
        reformatted(
            frame,
            format=format_,
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA,
        )
    )


def _told_as_ours(frame: VideoFrame) -> VideoFrame:
    frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
    frame.color_primaries, frame.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return frame


def grey_frame(levels: Image.Image) -> VideoFrame:
    """yuv420p of a picture in mode L, whose levels are the luma as they are: full range, no colour."""
    frame = VideoFrame(*levels.size, "yuv420p")
    plane_samples(frame, 0, np.uint8)[:] = image_bytes(levels)
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
    return _told_as_ours(frame)


class Shown:
    """Which pixels are, and how a plane goes on beyond them, in squares: so a codec codes it for next to nothing."""

    def __init__(self, pixels: NDArray[np.bool_], step_px: int) -> None:
        self.pixels = pixels
        self.step_px = step_px
        levels = pixels.view(np.uint8) * np.uint8(255)
        self.hidden = ~levels
        """255 where nothing is shown."""
        self._weights = np.asarray(Image.fromarray(levels).reduce(step_px), np.float32) * np.float32(1 / 255)
        self._around = _with_neighbours(self._weights)

    def means(self, sums: NDArray[np.float32], empty: int) -> NDArray[np.uint8]:
        """(h, w) or (h, w, 3): of squares, the mean colour of what is shown there, or around where nothing is; `empty`
        where nothing is around either. `sums` are means with what is hidden counted as 0.
        """
        further = (..., *[np.newaxis] * (sums.ndim - 2))
        here, around = self._weights[further], self._around[further]
        near = _with_neighbours(sums) / np.maximum(around, LITTLE)
        means = np.where(here > 0, sums / np.maximum(here, LITTLE), near)
        return np.rint(np.where(around > 0, means, empty)).clip(0, 255).astype(np.uint8)

    def spread(self, squares: NDArray[Number]) -> NDArray[Number]:
        """(H, W): each number for all of its square."""
        height, width = self.pixels.shape
        return squares.repeat(self.step_px, axis=0).repeat(self.step_px, axis=1)[:height, :width]


def _with_neighbours(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, ...): each square and the eight around it, added up."""
    height, width = sums.shape[:2]
    padded = np.pad(sums, [(1, 1), (1, 1), *[(0, 0)] * (sums.ndim - 2)])
    return np.asarray(sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3)), np.float32)
