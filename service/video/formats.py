"""What films come out as, as far as it can be known before one is written. `writers/` has who writes them."""

from dataclasses import dataclass
from typing import Literal

FormatName = Literal["webm", "mov", "mp4", "zip", "png", "gif", "webp"]
Speed = Literal["fastest", "balanced", "smallest"]
Content = Literal["cutout", "picture", "matte"]
"""Of each frame: RGBA with straight alpha, opaque RGB, or the matte alone, grey."""


@dataclass(frozen=True)
class Format:
    """One row of the table."""

    name: FormatName
    media_type: str
    holds: tuple[Content, ...]
    has_sound: bool
    most_frames: int | None = None
    """None: any number."""
    most_side: int | None = None
    """Pixels of a frame's width and of its height; None: as many as a film may have."""
    is_folder: bool = False

    @property
    def suffix(self) -> str:
        """Of the file; a folder has none."""
        return "" if self.is_folder else f".{self.name}"


SHORT_CLIP_FRAMES = 900
"""Half a minute at 30 frames a second: GIF and WebP are for clips in a chat. Their encoders keep all of one."""

FORMATS: dict[str, Format] = {
    "webm": Format("webm", "video/webm", ("cutout", "picture", "matte"), has_sound=True),
    "mov": Format("mov", "video/quicktime", ("cutout", "picture"), has_sound=True),
    "mp4": Format("mp4", "video/mp4", ("picture", "matte"), has_sound=True),
    "zip": Format("zip", "application/zip", ("cutout", "picture", "matte"), has_sound=False),
    "png": Format("png", "image/png", ("cutout", "picture", "matte"), has_sound=False, is_folder=True),
    "gif": Format(
        "gif", "image/gif", ("cutout", "picture"), has_sound=False, most_frames=SHORT_CLIP_FRAMES, most_side=65_535
    ),
    "webp": Format(
        "webp", "image/webp", ("cutout", "picture"), has_sound=False, most_frames=SHORT_CLIP_FRAMES, most_side=16_383
    ),
}
"""HEVC with alpha, Apple's own, is not among them: no free encoder writes it. MOV is what Apple's programs take."""
