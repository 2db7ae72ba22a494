"""Writes a card as TOML, which Python reads and does not write."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from service.models.store.card import ModelCard

Table = Mapping[str, Any]


def as_toml(card: ModelCard) -> str:
    """What `read_card` reads back as the same card; what is as it is by itself is left out."""
    written = card.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    return "\n".join(_table("", written)) + "\n"


def _table(path: str, table: Table) -> Iterator[str]:
    for key, entry in table.items():
        if not isinstance(entry, Mapping) and not _is_array_of_tables(path, key):
            yield f"{key} = {_value(entry)}"
    for key, entry in table.items():
        inner = f"{path}.{key}" if path else key
        if isinstance(entry, Mapping):
            yield from ("", f"[{inner}]", *_table(inner, entry))
        elif _is_array_of_tables(path, key):
            for part in entry:
                yield from ("", f"[[{inner}]]", *_table(inner, part))


def _is_array_of_tables(path: str, key: str) -> bool:
    return (path, key) in {("download", "sources"), ("", "accuracy")}


def _value(entry: Any) -> str:
    if isinstance(entry, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in entry.items()) + " }"
    if isinstance(entry, list) and entry and isinstance(entry[0], Mapping):
        return "[\n" + "".join(f"    {_value(part)},\n" for part in entry) + "]"
    if isinstance(entry, list):
        return "[" + ", ".join(map(_value, entry)) + "]"
    # A JSON string, number, true or false is a TOML one, once what lies beyond 16 bits is not written in two halves.
    return json.dumps(entry, ensure_ascii=False)
