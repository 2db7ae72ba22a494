"""What may be chosen of a camera, for all effects together."""

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from service.cli.effect_fields import effect_fields

EFFECTS = ("blur-background", "replace-background", "color-pop")
"""Those that leave nothing transparent: no meeting would know what to show there."""

LEFT_OUT = ("model", "format", "quality", "compression", "effort", "allow_empty", "hints", "refine")
"""Options of effects that make no sense for a camera, and `model`, which has another default here."""


def camera_fields() -> Iterator[tuple[str, FieldInfo]]:
    """Each option of the effects once."""
    return effect_fields(EFFECTS, LEFT_OUT)
