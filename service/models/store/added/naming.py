"""Names and colours for what a network tells apart."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.configuration_errors import BadLabels
from service.models.labels import VOID, Head
from service.models.store.card import CardClass, ClassSpec, Values

BACKGROUND_NAMES = frozenset({"background", "_background_", "unlabeled", "unlabelled", "void", "none", "nothing"})
"""What lists of classes call whatever is none of them. A network whose first class is another one has no such class."""

BACKGROUND_NAME, ONLY_CLASS = "background", "object"


@dataclass(frozen=True)
class Naming:
    """The classes of a network, and how they follow from its channels."""

    classes: ClassSpec
    head: Head
    has_background: bool


def name_classes(
    channels: int, values: Values, names: Sequence[str] | None, foreground: Sequence[str] | None
) -> Naming:
    """For an answer of so many channels; `names` as the owner lists them, with the background or without.

    One channel is one class against the rest. Of a map of labels the names say how many there are. Raises BadLabels
    where they do not fit.
    """
    told = _plain(names or ())
    if channels == 1 and values != "labels":
        return _one_class(told)
    if not told:
        raise BadLabels(f"it tells {channels} classes apart: name them with --classes a,b,c or --labels FILE")
    count = len(told) if values == "labels" else channels
    if len(told) == count - 1 and told[0] != BACKGROUND_NAME:
        told = [BACKGROUND_NAME, *told]
    if len(told) != count:
        raise BadLabels(f"{len(told)} names for {channels} classes")
    has_background = told[0] == BACKGROUND_NAME
    table = _table(told if has_background else [BACKGROUND_NAME, *told])
    return Naming(_spec(table, foreground), "softmax", has_background)


def _one_class(told: Sequence[str]) -> Naming:
    named = [name for name in told if name != BACKGROUND_NAME] or [ONLY_CLASS]
    if len(named) > 1:
        raise BadLabels(f"it tells one class from the rest, and {len(named)} names are given: {', '.join(named)}")
    return Naming(_spec(_table([BACKGROUND_NAME, *named]), None), "sigmoid", True)


def _spec(table: tuple[CardClass, ...], foreground: Sequence[str] | None) -> ClassSpec:
    chosen = tuple(plain_name(name) for name in foreground or ()) or tuple(entry.name for entry in table[1:])
    known = {entry.name for entry in table}
    if unknown := [name for name in chosen if name not in known]:
        raise BadLabels(
            f"no class is called {', '.join(unknown)}; there are {', '.join(entry.name for entry in table)}"
        )
    return ClassSpec(foreground=chosen, table=table)


def _table(names: Sequence[str]) -> tuple[CardClass, ...]:
    if len(names) > VOID:
        raise BadLabels(f"{len(names)} classes: a label map holds {VOID}, the background among them")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadLabels(f"two classes have the same name: {', '.join(twice)}")
    return tuple(CardClass(id=number, name=name, color=voc_color(number)) for number, name in enumerate(names))


def _plain(names: Sequence[str]) -> list[str]:
    """As cards spell them; the first is the background where it is called like one."""
    first = [BACKGROUND_NAME] if names and names[0].strip().lower() in BACKGROUND_NAMES else []
    return first + [plain_name(name) for name in names[len(first) :]]


def plain_name(name: str) -> str:
    """In lower case letters, digits, spaces, - and _. Raises BadLabels where nothing is left."""
    plain = " ".join(re.sub(r"[^a-z0-9 _-]+", " ", name.lower()).split()).lstrip("_- ")
    if not plain:
        raise BadLabels(f"{name!r} is no name of a class")
    return plain


def voc_color(class_id: int) -> tuple[int, int, int]:
    """The bits of the id, dealt out to red, green and blue from the top, as the Pascal VOC devkit colours classes."""
    red, green, blue = (
        sum((class_id >> (3 * place + channel) & 1) << (7 - place) for place in range(8)) for channel in range(3)
    )
    return red, green, blue


def read_names(path: Path) -> list[str]:
    """One a line, or of JSON a list or what Hugging Face calls `id2label`. Raises BadLabels."""
    try:
        text = path.read_text(encoding="utf-8")
        return _names_in_json(json.loads(text)) if text.lstrip()[:1] in ("[", "{") else _lines(text)
    except OSError as error:
        raise BadLabels(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise BadLabels(f"{path}: {error}") from error


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _names_in_json(told: Any) -> list[str]:
    names = told.get("id2label", told) if isinstance(told, dict) else told
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names, key=int)]
    return [str(name) for name in names]
