"""Which films are meant, and where the result of each goes."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.cli.files.destinations import short_names
from service.cli.files.disk import read_named_picture
from service.cli.files.errand import as_flags
from service.cli.video.fields import option_names
from service.configuration_errors import ConfigurationError
from service.errors import Failure
from service.video.choice import FilmChoice
from service.video.files import FilmFiles
from service.video.formats import FORMATS

FILM_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".flv"),
    *(".3gp", ".3g2", ".ogv", ".mxf", ".dv", ".gif"),
)
"""What is taken for a film in a folder; a file that is named may be called as it likes."""


@dataclass(frozen=True)
class Plan:
    """All of one command."""

    choice: FilmChoice
    films: Sequence[FilmFiles]
    is_resumed: bool


def make_plan(chosen: argparse.Namespace) -> Plan:
    """Raises ConfigurationError for all that can be known to be wrong before a film is opened."""
    sources = _films(chosen.films)
    given = {name: value for name in option_names() if (value := getattr(chosen, name)) is not None}
    out = None if chosen.out is None else Path(chosen.out)
    is_file = out is not None and _is_file(chosen.out, out, sources)
    if out is not None and is_file:
        given["format"] = _one_format(given.get("format"), out)
    background, matte = read_named_picture(chosen.background), read_named_picture(chosen.matte)
    try:
        choice = FilmChoice.of(given, has_background=background is not None)
    except Failure as failure:
        raise ConfigurationError(as_flags(failure.detail)) from failure
    targets = [out] if out is not None and is_file else _targets(sources, out, choice)
    _check_nothing_is_overwritten(sources, targets)
    if choice.format.is_folder and not chosen.resume:
        _check_no_folder_is_there(targets)
    pairs = zip(sources, targets, strict=True)
    return Plan(choice, [FilmFiles(*pair, background, matte) for pair in pairs], chosen.resume)


def _films(named: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, named):
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.suffix.lower() in FILM_SUFFIXES and each.is_file())
            found += [each for each in inside if not each.name.startswith(".")]
        elif path.is_file():
            found.append(path)
        else:
            raise ConfigurationError(f"{path}: no such file")
    if not found:
        raise ConfigurationError(f"no films in {', '.join(named)}")
    return found


def _is_file(given: str, out: Path, sources: Sequence[Path]) -> bool:
    """Whether --out names the result itself. Raises ConfigurationError where there are several."""
    if given.endswith(("/", os.sep)) or out.is_dir():
        return False
    if len(sources) == 1 and out.suffix:
        return True
    if out.suffix.lower().removeprefix(".") in FORMATS:
        raise ConfigurationError(f"--out {out}: several films need a folder, whose name ends in /")
    return False


def _one_format(wanted: Any, out: Path) -> str:
    """Raises ConfigurationError for a suffix of something else."""
    by_name = out.suffix.lower().removeprefix(".")
    if by_name not in FORMATS or FORMATS[by_name].is_folder:
        known = ", ".join(format_.suffix for format_ in FORMATS.values() if not format_.is_folder)
        raise ConfigurationError(f"--out {out}: films end in {known}; the name of a folder ends in /")
    if wanted not in (None, by_name):
        raise ConfigurationError(f"--format {wanted}, but --out {out} is {by_name}: leave one of them out")
    return by_name


def _targets(sources: Sequence[Path], out: Path | None, choice: FilmChoice) -> list[Path]:
    suffix = choice.format.suffix
    if out is None:
        names = short_names(sources)
        return [name.with_name(f"{name.name}-{choice.film.effect}{suffix}") for name in names]
    names = short_names([Path(source.name) for source in sources])
    if len(set(names)) < len(names):
        raise ConfigurationError("two films have the same name: give each a folder of its own")
    return [out / name.with_name(name.name + suffix) for name in names]


def _check_nothing_is_overwritten(sources: Sequence[Path], targets: Sequence[Path]) -> None:
    for source in sources:
        for target in targets:
            if target.exists() and target.samefile(source):
                raise ConfigurationError(f"{source} would be overwritten by {target}: choose another --out")


def _check_no_folder_is_there(targets: Sequence[Path]) -> None:
    """A folder of pictures is not written over: what else lies there is not known."""
    for target in targets:
        if target.exists():
            raise ConfigurationError(f"{target} is there already: remove it, or choose another --out")
