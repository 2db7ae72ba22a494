"""From a frame as a codec stores it to an upright sRGB photo: by the same formulas as pictures."""

import threading
from typing import Any, TypeVar

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from service.models.labels import Size
from service.pixels.decode import Photo
from service.pixels.decode.colours.spaces import from_codes
from service.pixels.decode.colours.told import from_told
from service.pixels.decode.orientation import upright

Sample = TypeVar("Sample", np.uint8, np.uint16, np.uint32)

BT709, BT601, BT2020 = 1, 5, 9
MATRICES = {1: BT709, 5: BT601, 6: BT601, 7: 7, 9: BT2020, 10: BT2020}
"""What swscale calls the matrix coefficients of ITU-T H.273, table 4."""

HD_HEIGHT_PX = 720
"""Films that do not say how they are coded are BT.601 below, and BT.709 from there on: what players take them for."""

CHROMA = Interpolation.BICUBIC

MOST_KEPT = 8
"""Tables a thread; a film needs two or three."""

_OF_THREAD = threading.local()


def reformatted(frame: VideoFrame, **wanted: Any) -> VideoFrame:
    """`frame.reformat(**wanted)`, with tables that are made once a thread and not once a frame."""
    kept: dict[Any, VideoReformatter] = _OF_THREAD.__dict__.setdefault("reformatters", {})
    key = (frame.format.name, frame.width, frame.height, *wanted.items())
    if key not in kept:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        kept[key] = VideoReformatter()
    return kept[key].reformat(frame, **wanted)


def photo_of(frame: VideoFrame, turned: int) -> Photo:
    """Upright, 8 bits a channel; with alpha where the frame has some that is not opaque."""
    space = from_codes(frame.color_primaries, frame.color_trc)
    rgb = _rgb8(frame) if space is None or space.is_srgb else from_told(_rgb16(frame), space)
    alpha = _alpha(frame)
    return Photo(upright(rgb, turned), None if alpha is None else upright(alpha, turned))


def small_rgb(frame: VideoFrame, size: Size) -> Image.Image:
    """Of an sRGB frame, as it lies, made smaller before it is RGB. `AREA` would be 2 levels too dark at small steps."""
    return _as_image(_converted(frame, "rgb0", width=size.width, height=size.height))


def is_srgb(frame: VideoFrame) -> bool:
    """Or says nothing else of what its colours stand for."""
    space = from_codes(frame.color_primaries, frame.color_trc)
    return space is None or space.is_srgb


def is_bt709(frame: VideoFrame) -> bool:
    """In limited range, and sRGB."""
    return is_srgb(frame) and _matrix(frame) == BT709 and not _is_full_range(frame)


def has_alpha(frame: VideoFrame) -> bool:
    return any(each.is_alpha for each in frame.format.components)


def _rgb8(frame: VideoFrame) -> Image.Image:
    return _as_image(_converted(frame, "rgb0"))


def _as_image(frame: VideoFrame) -> Image.Image:
    """RGB of a frame in rgb0, which is how Pillow has it in memory: four bytes a pixel."""
    (plane,) = frame.planes
    size = (frame.width, frame.height)
    return Image.frombytes("RGB", size, memoryview(plane), "raw", "RGBX", plane.line_size, 1)


def _rgb16(frame: VideoFrame) -> NDArray[np.uint16]:
    """(H, W, 3), 0 to 65535, still of the film's own colours."""
    levels = np.asarray(_converted(frame, "rgb48le").to_ndarray())
    if frame.format.is_rgb:
        return levels.astype(np.uint16)
    # From YUV, swscale makes 65283 of white: 255 / 256 of what it is. See findings/swscale_rgb48_white_is_short.sh.
    return np.minimum(levels.astype(np.uint32) * 256 // 255, 65535).astype(np.uint16)


def _converted(frame: VideoFrame, format_: str, **wanted: Any) -> VideoFrame:
    return reformatted(
        frame,
        format=format_,
        src_colorspace=_matrix(frame),
        src_color_range=ColorRange.JPEG if _is_full_range(frame) else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        **{"interpolation": CHROMA, **wanted},
    )


def _matrix(frame: VideoFrame) -> int:
    return MATRICES.get(frame.colorspace) or (BT709 if frame.height >= HD_HEIGHT_PX else BT601)


def _is_full_range(frame: VideoFrame) -> bool:
    return frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj") or frame.format.is_rgb


def _alpha(frame: VideoFrame) -> Image.Image | None:
    """Mode L, read from the plane itself: swscale changes most levels by one. None where every pixel is opaque."""
    levels = _alpha_levels(frame)
    if levels is None or int(levels.min()) == 255:
        return None
    return Image.fromarray(levels)


def _alpha_levels(frame: VideoFrame) -> NDArray[np.uint8] | None:
    alpha = next((each for each in frame.format.components if each.is_alpha), None)
    if alpha is None:
        return None
    if not frame.format.is_planar:
        packed = np.asarray(frame.reformat(format="rgba").to_ndarray())
        return np.ascontiguousarray(packed[..., 3])
    if alpha.bits == 8:
        return plane_samples(frame, alpha.plane, np.uint8).copy()
    return to_eight_bits(plane_samples(frame, alpha.plane, np.uint16), alpha.bits)


def plane_samples(frame: VideoFrame, number: int, kind: type[Sample]) -> NDArray[Sample]:
    """(H, W) of one plane, in place; its lines may be longer than the picture is wide."""
    plane = frame.planes[number]
    samples = np.frombuffer(memoryview(plane), kind)
    return samples.reshape(-1, plane.line_size // samples.itemsize)[: plane.height, : plane.width]


def to_eight_bits(levels: NDArray[np.uint16], bits: int) -> NDArray[np.uint8]:
    """Rounded: the way back of `from_eight_bits`, exact for all 256 levels."""
    most = (1 << bits) - 1
    return ((levels.astype(np.uint32) * 255 + most // 2) // most).astype(np.uint8)


def from_eight_bits(levels: NDArray[np.uint8], bits: int) -> NDArray[np.uint16]:
    """0 to 2 ** bits - 1, rounded."""
    most = (1 << bits) - 1
    return ((levels.astype(np.uint32) * most + 127) // 255).astype(np.uint16)
