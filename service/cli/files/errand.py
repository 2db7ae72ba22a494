"""What one command does to each of its photos."""

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.cli.files.destinations import Destination, OneFile
from service.configuration_errors import ConfigurationError
from service.errors import Failure
from service.operations.operation import Operation
from service.operations.options import Options, parse_options

OPTION = re.compile(r"`([a-z_]+)`|\b([a-z_]+)=true\b")


@dataclass(frozen=True)
class Errand:
    """An operation with everything that it needs but the photo."""

    operation: Operation[Any]
    options: Options
    given: Mapping[str, Any]
    """The options that were given, as the service takes them."""
    pictures: Mapping[str, bytes]
    """Further pictures, by the names that the operation has for them."""


def read_errand(chosen: argparse.Namespace, destination: Destination) -> Errand:
    """Raises ConfigurationError for all that can be known to be wrong before a photo is read."""
    operation = chosen.operation
    given = _given(chosen)
    if isinstance(destination, OneFile) and destination.format:
        given["format"] = _one_format(given.get("format"), destination)
    try:
        options = parse_options(operation.options, given)
        options.chosen_format()
        pictures = {name: path.read_bytes() for name, path in picture_files(chosen).items()}
        operation.check(options, pictures)
    except Failure as failure:
        raise ConfigurationError(as_flags(failure.detail)) from failure
    return Errand(operation, options, given, pictures)


def picture_files(chosen: argparse.Namespace) -> dict[str, Path]:
    """Further pictures that were given, by name. Raises ConfigurationError where one is missing."""
    names = [picture.name for picture in chosen.operation.pictures]
    paths = {name: Path(path) for name in names if (path := getattr(chosen, name)) is not None}
    if missing := [f"{path}: no such file" for path in paths.values() if not path.is_file()]:
        raise ConfigurationError("; ".join(missing))
    return paths


def as_flags(detail: str) -> str:
    """`light_wrap` or allow_empty=true, as the service says, is --light-wrap or --allow-empty here."""
    return OPTION.sub(lambda found: "--" + found[found.lastindex or 0].replace("_", "-"), detail)


def _given(chosen: argparse.Namespace) -> dict[str, Any]:
    named = {name: getattr(chosen, name) for name in chosen.operation.options.model_fields}
    return {name: value for name, value in named.items() if value is not None}


def _one_format(wanted: str | None, destination: OneFile) -> str:
    """The format that both --format and the suffix of --out ask for. Raises ConfigurationError where they differ."""
    by_name = str(destination.format)
    if wanted in (None, by_name) or (wanted, by_name) == ("jpg", "jpeg"):
        return by_name
    raise ConfigurationError(f"--format {wanted}, but --out {destination.path} is {by_name}: leave one of them out")
