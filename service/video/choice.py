"""What somebody wants of a film: an effect of the table of operations, with its options, and how it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from service.errors import BadOption
from service.operations import LIVE_EFFECTS
from service.operations.effect import Effect
from service.operations.options import EffectOptions, parse_options
from service.video.formats import FORMATS, Content, Format, FormatName, Speed

EffectName = Literal["remove-background", "replace-background", "blur-background", "color-pop"]

LEFT_OUT = {
    "format": "a film has formats of its own",
    "quality": "a film has a quality of its own",
    "compression": "the films' `speed` stands for it",
    "effort": "each frame is looked at once: those around it say the rest",
    "allow_empty": "frames without a subject are empty",
    "crop": "every frame of a film has one size",
    "hints": "they are places in one photo",
    "margin": "every frame of a film has one size",
}
"""Options of effects that make no sense for films."""

FILM_DEFAULTS = {"refine": "off"}
"""Refining moves each frame's edge by itself, so that it trembles again."""
FASTEST_DEFAULTS = {**FILM_DEFAULTS, "decontaminate": "false"}
"""Taking the old background's colours out takes as long as selfie's network at 720p: 28 ms of a core a frame."""


class FilmOptions(BaseModel):
    """What may be chosen of every film, beside the options of the effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    effect: EffectName = Field("remove-background", description="What is done to each frame.")
    format: FormatName | None = Field(
        None,
        description="`webm`: VP9 with alpha, Opus. `mov`: ProRes 4444 with alpha, PCM. `mp4`: VP9, AAC. `zip`: a PNG a "
        "frame; `png`: the same as a folder, from the command line. `gif` and `webp`: short clips without sound. "
        "Default: `webm` for a cutout, else `mp4`.",
    )
    quality: int = Field(75, ge=1, le=100, description="Of the colours, 1 to 100; alpha is always exact.")
    speed: Speed = Field(
        "balanced",
        description="`fastest` takes the least time to write, and leaves the old background's colours in soft "
        "edges unless `decontaminate` is asked for; `smallest` makes the smallest file.",
    )
    smoothing: float = Field(
        1.0,
        ge=0,
        le=1,
        description="How much the frames around it count for each matte, where nothing moves. 0 takes every frame by "
        "itself, and its edge flickers.",
    )


@dataclass(frozen=True)
class FilmChoice:
    """All of it, checked."""

    film: FilmOptions
    effect: Effect[Any]
    options: EffectOptions
    format: Format
    content: Content
    has_background: bool

    @classmethod
    def of(cls, given: Mapping[str, Any], *, has_background: bool = False) -> Self:
        """Of options by their names, as text or JSON values. Raises BadOption or UnknownOption."""
        own = {name: value for name, value in given.items() if name in FilmOptions.model_fields}
        film = parse_film(own)
        effect = LIVE_EFFECTS[film.effect]
        rest = {name: value for name, value in given.items() if name not in own}
        if wrong := next((name for name in rest if name in LEFT_OUT), None):
            raise BadOption(f"{wrong}: {LEFT_OUT[wrong]}")
        fields = effect.options.model_fields
        wanted = FASTEST_DEFAULTS if film.speed == "fastest" else FILM_DEFAULTS
        defaults = {name: value for name, value in wanted.items() if name in fields}
        options: EffectOptions = parse_options(effect.options, {**defaults, **rest})
        effect.check(options, ["background"] if has_background else [])
        if has_background and all(picture.name != "background" for picture in effect.pictures):
            raise BadOption(f"{effect.name} has no use for a background")
        content = _content(effect, options)
        return cls(film, effect, options, _format(film.format, content), content, has_background)


def parse_film(given: Mapping[str, Any]) -> FilmOptions:
    """Raises BadOption."""
    return parse_options(FilmOptions, given)


def _content(effect: Effect[Any], options: EffectOptions) -> Content:
    """What the frames of the result are."""
    if effect.name == "remove-background":
        return "matte" if getattr(options, "output", None) == "matte" else "cutout"
    rgba = getattr(options, "rgba", None)
    is_clear = rgba is not None and getattr(options, "color", None) is not None and rgba[3] < 255
    return "cutout" if is_clear else "picture"


def _format(name: FormatName | None, content: Content) -> Format:
    """Raises BadOption where the format cannot hold it: what was cut out must not come back on black."""
    chosen = FORMATS[name or ("webm" if content == "cutout" else "mp4")]
    if content in chosen.holds:
        return chosen
    able = ", ".join(format_.name for format_ in FORMATS.values() if content in format_.holds)
    what = "transparency" if content == "cutout" else "mattes alone"
    advice = ", or put something behind the subject: effect=replace-background" if content == "cutout" else ""
    raise BadOption(f"format: {chosen.name} has no room for {what}; take {able}{advice}")
