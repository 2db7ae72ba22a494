"""What may be chosen of a film, for all effects together."""

from collections.abc import Iterator
from copy import copy

from pydantic.fields import FieldInfo

from service.cli.effect_fields import effect_fields
from service.operations import LIVE_EFFECTS
from service.video.choice import FILM_DEFAULTS, LEFT_OUT, FilmOptions


def option_names() -> list[str]:
    """Each once."""
    return [name for name, _ in film_fields()]


def film_fields() -> Iterator[tuple[str, FieldInfo]]:
    """Each option once, with its default for films."""
    yield from FilmOptions.model_fields.items()
    for name, field in effect_fields(LIVE_EFFECTS, (*FilmOptions.model_fields, *LEFT_OUT)):
        yield name, _with_default(field, name)


def _with_default(field: FieldInfo, name: str) -> FieldInfo:
    if name not in FILM_DEFAULTS:
        return field
    changed = copy(field)
    changed.default = FILM_DEFAULTS[name]
    return changed
