"""In what form each door refuses a request. Whoever adds a door adds its row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Form:
    """How a contract says that there is no result."""

    post: str
    """A path of it that takes a POST."""
    elsewhere: str
    """A path of the door where nothing is."""
    said: Callable[[Any], str]
    """The reason in the JSON of an answer. Raises where that has another form."""
    statuses: Mapping[int, int] = field(default_factory=dict)
    """Our status -> the contract's, where it has another one."""


def _rembg(answer: Any) -> str:
    assert set(answer) == {"detail"}
    return str(answer["detail"])


FORMS: dict[str, Form] = {
    "rembg": Form("/api/remove", "/api/nothing", _rembg),
}
