"""What each operation can be told, by the names of the service, whose `/docs` says what each option does."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Literal, TypedDict

Picture = str | os.PathLike[str] | bytes | BinaryIO
"""A path, its bytes, or a file opened for reading bytes."""

Fit = Literal["cover", "contain", "stretch", "tile"]
PictureFormat = Literal["png", "webp", "jpeg"]

Hints = str | Mapping[str, Any]
"""Points, boxes and strokes in pixels of the upright photo: as JSON, or what it stands for."""


class Options(TypedDict, total=False):
    """Of every operation."""

    model: str
    quality: int
    compression: Literal["fast", "small"]
    refine: Literal["auto", "off", "on"]
    allow_empty: bool
    hints: Hints
    keep_mask: Picture
    remove_mask: Picture
    matte: Picture


class SegmentOptions(Options, total=False):
    format: Literal["png", "webp", "jpeg", "json", "npz", "zip"]
    output: Literal["labels", "mask", "masks", "overlay", "confidence", "summary"]
    classes: Sequence[str]
    encoding: Literal["png", "rle", "polygons", "simple-polygons", "cvat", "label-studio"]
    opacity: float
    threshold: float


class EffectOptions(Options, total=False):
    """Of everything that separates a subject from its background."""

    format: PictureFormat
    effort: Literal["fast", "balanced", "best"]
    keep: Sequence[str]
    shift_edge: float
    feather: float


class RemoveBackgroundOptions(EffectOptions, total=False):
    decontaminate: bool
    output: Literal["cutout", "matte"]
    crop: bool
    margin: str


class ReplaceBackgroundOptions(EffectOptions, total=False):
    decontaminate: bool
    background: Picture
    color: str
    fit: Fit
    light_wrap: float


class BlurBackgroundOptions(EffectOptions, total=False):
    strength: float


class ColorPopOptions(EffectOptions, total=False):
    saturation: float


class ProductShotOptions(EffectOptions, total=False):
    decontaminate: bool
    preset: Literal[
        "marketplace-white", "marketplace-shadow", "passport-35x45", "passport-2x2", "social-4x5", "story-9x16"
    ]
    size: str
    aspect: str
    padding: str
    position: str
    scale: float
    upscale: bool
    background: Picture
    color: str
    fit: Fit
    shadow: Literal["none", "drop", "contact"]
    shadow_opacity: float


class VideoOptions(TypedDict, total=False):
    """Of films, beside the options of their effect: `color`, `strength`, `keep`, `model` and the others."""

    effect: Literal["remove-background", "replace-background", "blur-background", "color-pop"]
    format: Literal["webm", "mov", "mp4", "zip", "gif", "webp"]
    quality: int
    speed: Literal["fastest", "balanced", "smallest"]
    smoothing: float


Operation = Literal[
    "segment", "remove-background", "replace-background", "blur-background", "color-pop", "product-shot"
]

PICTURES = ("background", "keep_mask", "remove_mask", "matte")
"""Options that are pictures."""
