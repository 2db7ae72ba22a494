"""What every command that measures pictures against masks is told, and how it is read."""

import argparse
from pathlib import Path

from benchmarks.harness.command import names
from service.cli.numbers import count


def add_set_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, the model, and how the masks are to be read."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="has images/ and masks/")
    parser.add_argument(
        "--model", required=True, metavar="NAME", help="a model that was pulled: silhouette models list"
    )
    parser.add_argument(
        "--foreground",
        type=foreground,
        default="nonzero",
        metavar="nonzero|ID,...",
        help="numbers in the masks that are the subject; default: nonzero",
    )
    parser.add_argument("--ignore", type=id_, metavar="ID", help="number of pixels in the masks that are not looked at")
    parser.add_argument("--limit", type=count, metavar="N", help="only N pictures, spread evenly over the folder")
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="write every figure, and those of each picture, to OUT"
    )


def add_classes_argument(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--classes", type=names, metavar="NAME,...", help="what counts as found; default: the model's foreground"
    )


def foreground(text: str) -> tuple[int, ...] | None:
    """None: all but 0."""
    return None if text == "nonzero" else tuple(id_(number) for number in text.split(","))


def id_(text: str) -> int:
    if not text.strip().isdecimal() or int(text) > 255:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 255")
    return int(text)
