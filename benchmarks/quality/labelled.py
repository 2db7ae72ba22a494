"""Folders of pictures and their truth: images/ and masks/ with the same names. Knows no model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from service.cli.console import say
from service.cli.evaluation.pairs import Pair, read_ids
from service.configuration_errors import ConfigurationError
from service.models.labels import LabelMap, Mask, Size

IMAGES, MASKS = "images", "masks"


@dataclass(frozen=True)
class Truth:
    """What a mask says, at its picture's size."""

    ids: LabelMap
    resized: bool


def find_pairs(folder: Path, limit: int | None) -> list[Pair]:
    """In order of their names; with `limit`, that many, spread evenly.

    Raises ConfigurationError where there is none.
    """
    pictures, masks = _by_stem(folder / IMAGES), _by_stem(folder / MASKS)
    stems = sorted(pictures.keys() & masks.keys())
    if not stems:
        raise ConfigurationError(f"{folder}: no file in {IMAGES}/ has the name of one in {MASKS}/")
    if alone := len(pictures.keys() ^ masks.keys()):
        say(f"{alone} files have no partner and are left out")
    count = min(limit or len(stems), len(stems))
    chosen = [stems[index * len(stems) // count] for index in range(count)]
    return [Pair(pictures[stem], masks[stem]) for stem in chosen]


def only_named(pairs: list[Pair], wanted: Sequence[str]) -> list[Pair]:
    """Raises ConfigurationError for a name that none of `pairs` has."""
    by_name = {pair.picture.stem: pair for pair in pairs}
    if unknown := [name for name in wanted if name not in by_name]:
        raise ConfigurationError(f"there is no picture {', '.join(unknown)} among them")
    return [by_name[name] for name in wanted]


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise ConfigurationError(f"no such folder: {folder}")
    return {path.stem: path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")}


def read_truth(mask: Path, size: Size) -> Truth:
    ids = read_ids(mask)
    resized = Image.fromarray(ids).resize(size, Image.Resampling.NEAREST)
    return Truth(np.asarray(resized), resized=ids.shape[::-1] != size)


def subject_of(ids: LabelMap, foreground: tuple[int, ...] | None) -> Mask:
    """Where the truth has one of the `foreground` numbers; None: any but 0."""
    subject: Mask = ids != 0 if foreground is None else np.isin(ids, foreground)
    return subject


def counted_of(ids: LabelMap, ignore: int | None) -> Mask:
    """The pixels that are looked at."""
    counted: Mask = np.ones(ids.shape, np.bool_) if ignore is None else ids != ignore
    return counted
