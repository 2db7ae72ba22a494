"""Says what differs between two answers to one question, in lines that a person can read."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from scripts.recorder.answers import Answer
from scripts.recorder.questions import Reading

LONGEST_VALUE = 60
"""Characters of a value in a line."""

ABSENT = "(not there)"


def differences(before: Answer, after: Answer, reading: Reading) -> Iterator[str]:
    """One line for each thing that differs, as `header x-model: u2net@1 -> u2net@2`. None where the two agree."""
    if before.status != after.status:
        yield f"status: {before.status} -> {after.status}"
    for name in {**before.headers, **after.headers}:
        old, new = before.headers.get(name, ABSENT), after.headers.get(name, ABSENT)
        if old != new:
            yield f"header {name}: {old} -> {new}"
    if reading != "nothing":
        yield from _differing_parts(before.parts, after.parts, reading)


def _differing_parts(before: Mapping[str, bytes], after: Mapping[str, bytes], reading: Reading) -> Iterator[str]:
    for name in {**before, **after}:
        if name not in after or name not in before:
            yield f"{name}: {'is gone' if name in before else 'is new'}"
        elif before[name] != after[name]:
            yield from (f"{name}{told}" for told in _differing_contents(before[name], after[name], reading))


def _differing_contents(before: bytes, after: bytes, reading: Reading) -> Iterator[str]:
    """Of two that are not the same bytes."""
    if (old := _as_json(before)) is not None and (new := _as_json(after)) is not None:
        yield from _differing_json(old, new, reading)
    elif (old_picture := _as_picture(before)) and (new_picture := _as_picture(after)):
        yield f": {_differing_pictures(old_picture, new_picture)}{_lengths(before, after)}"
    elif zipfile.is_zipfile(io.BytesIO(before)) and zipfile.is_zipfile(io.BytesIO(after)):
        yield from _differing_archives(before, after, reading)
    elif (old_text := _as_text(before)) is not None and (new_text := _as_text(after)) is not None:
        yield from _differing_lines(old_text, new_text, reading)
    else:
        yield f": {_differing_levels(np.frombuffer(before, np.uint8), np.frombuffer(after, np.uint8))}"


def _lengths(before: bytes, after: bytes) -> str:
    return f", {len(before)} -> {len(after)} bytes"


def _as_json(content: bytes) -> Any:
    """None for what is none: no answer is the JSON null."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def _as_picture(content: bytes) -> Image.Image | None:
    try:
        picture = Image.open(io.BytesIO(content))
        picture.load()
    except (UnidentifiedImageError, OSError):
        return None
    return picture


def _as_text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _differing_pictures(before: Image.Image, after: Image.Image) -> str:
    if (before.format, before.mode, before.size) != (after.format, after.mode, after.size):
        old, new = (f"{picture.format} {picture.mode} {picture.size}" for picture in (before, after))
        return f"{old} -> {new}"
    return _differing_levels(np.asarray(before), np.asarray(after))


def _differing_levels(before: np.ndarray[Any, Any], after: np.ndarray[Any, Any]) -> str:
    """How far apart two arrays of 8-bit levels are."""
    if before.shape != after.shape:
        return f"shape {before.shape} -> {after.shape}"
    apart = np.abs(before.astype(int) - after.astype(int))
    return (
        f"levels differ by at most {apart.max()}, {apart.mean():.4f} on average" if apart.any() else "the same levels"
    )


def _differing_archives(before: bytes, after: bytes, reading: Reading) -> Iterator[str]:
    old, new = (_members(content) for content in (before, after))
    if old == new:
        yield f": the same members{_lengths(before, after)}"
    yield from (f"/{told}" for told in _differing_parts(old, new, reading))


def _members(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def _differing_lines(before: str, after: str, reading: Reading) -> Iterator[str]:
    if reading == "structure":
        still_there = set(after.splitlines())
        yield from (f": line is gone: {_short(line)}" for line in before.splitlines() if line not in still_there)
        return
    pairs = zip([*before.splitlines(), ABSENT], [*after.splitlines(), ABSENT], strict=False)
    old, new = next(((old, new) for old, new in pairs if old != new), ("(line ends)", "(other line ends)"))
    yield f": {_short(old)} -> {_short(new)}"


def _differing_json(before: Any, after: Any, reading: Reading) -> Iterator[str]:
    told = list(_differing_values(before, after, "", reading))
    if reading == "structure":
        yield from told
    else:
        yield told[0] if told else ": the same values, written otherwise"


def _differing_values(before: Any, after: Any, path: str, reading: Reading) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _differing_fields(before, after, path, reading)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _differing_lists(before, after, path, reading)
    elif before != after:
        yield f"{path}: {_short(before)} -> {_short(after)}"


def _differing_fields(
    before: Mapping[str, Any], after: Mapping[str, Any], path: str, reading: Reading
) -> Iterator[str]:
    for name in before if reading == "structure" else {**before, **after}:
        yield from _differing_values(before.get(name, ABSENT), after.get(name, ABSENT), f"{path}.{name}", reading)


def _differing_lists(before: list[Any], after: list[Any], path: str, reading: Reading) -> Iterator[str]:
    """In `structure` a list may grow: entries with a name are found by it, plain values have to be there still."""
    if reading == "structure" and all(isinstance(entry, dict) and "name" in entry for entry in before + after):
        old, new = ({entry["name"]: entry for entry in entries} for entries in (before, after))
        yield from _differing_fields(old, new, path, reading)
    elif reading == "structure" and not any(isinstance(entry, dict | list) for entry in before + after):
        yield from (f"{path}: {_short(entry)} is gone" for entry in before if entry not in after)
    elif len(before) != len(after):
        yield f"{path}: {len(before)} entries -> {len(after)}"
    else:
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differing_values(old, new, f"{path}[{index}]", reading)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
