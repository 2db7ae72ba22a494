"""All that a command means, decided before any photo is read."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.cli.files.destinations import (
    RESULT_FORMATS,
    SUFFIXES,
    Beside,
    Destination,
    Folder,
    Item,
    StandardOutput,
    check_nothing_is_overwritten,
    choose_destination,
    earlier_results,
)
from service.cli.files.errand import Errand, picture_files, read_errand
from service.cli.files.scan import STANDARD, Finds, check_some_were_found, find_photos
from service.configuration_errors import ConfigurationError


@dataclass(frozen=True)
class Plan:
    """What is done to which photos."""

    errand: Errand
    items: Sequence[Item]
    destination: Destination
    finds: Finds
    """What was found beside the photos of the items."""


def make_plan(chosen: argparse.Namespace) -> Plan:
    """Raises ConfigurationError for all that can be known to be wrong."""
    destination = choose_destination(chosen.out, chosen.photos, chosen.operation.name)
    errand = read_errand(chosen, destination)
    _check_result_is_no_photo(chosen.photos, chosen.out)
    _check_json(chosen.json, destination)
    _check_terminal(destination, errand)
    finds = find_photos(chosen.photos, chosen.recursive, destination.path if isinstance(destination, Folder) else None)
    if isinstance(destination, Beside):
        _leave_out_earlier_results(finds)
    check_some_were_found(finds)
    items = destination.items(finds.photos, SUFFIXES[errand.options.chosen_format()])
    check_nothing_is_overwritten(items, picture_files(chosen).values())
    return Plan(errand, items, destination, finds)


def _leave_out_earlier_results(finds: Finds) -> None:
    results = earlier_results(finds.photos)
    finds.photos = [photo for photo in finds.photos if photo.path not in results]
    finds.left_out += [(path, "result of an earlier run") for path in sorted(results)]


def _check_result_is_no_photo(named: Sequence[str], out: str | None) -> None:
    """`photo.jpg cut.png`, as other programs want it, means a result that is not there yet."""
    last = Path(named[-1])
    if out is None and len(named) == 2 and last.suffix.lower() in RESULT_FORMATS and not os.path.lexists(last):
        raise ConfigurationError(f"{last}: no such file; if it is to be the result, say --out {last}")


def _check_json(file: str | None, destination: Destination) -> None:
    """Before hours of work, not after them."""
    if file == STANDARD and isinstance(destination, StandardOutput):
        raise ConfigurationError("--json -: standard output has the result already")
    if file and not Path(file).absolute().parent.is_dir():
        raise ConfigurationError(f"--json {file}: there is no such folder")


def _check_terminal(destination: Destination, errand: Errand) -> None:
    format_ = errand.options.chosen_format()
    if isinstance(destination, StandardOutput) and sys.stdout.isatty() and format_ != "json":
        suffix = SUFFIXES[format_]
        raise ConfigurationError(f"a terminal shows no pictures: add > result{suffix} or --out result{suffix}")
