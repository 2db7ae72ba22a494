"""The options of several effects as one command's flags."""

from collections.abc import Iterable, Iterator

from pydantic.fields import FieldInfo

from service.operations import LIVE_EFFECTS


def effect_fields(effects: Iterable[str], left_out: Iterable[str]) -> Iterator[tuple[str, FieldInfo]]:
    """Each option of the effects once."""
    seen = set(left_out)
    for effect in effects:
        for name, field in LIVE_EFFECTS[effect].options.model_fields.items():
            if name not in seen:
                seen.add(name)
                yield name, field
