"""`silhouette models quantize`: finds a model's 8-bit ranges on real pictures, and says how far from fp32 that is."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from service.cli.console import say, work_progress
from service.cli.files.scan import check_some_were_found, find_photos
from service.cli.models.example import cpu, read_photo
from service.cli.numbers import count
from service.configuration_errors import CannotQuantize, ConfigurationError
from service.models.engines.compiled import is_installed
from service.models.store import Checkpoint, ModelStore
from service.models.store.card import ONNX
from service.models.store.int8_ranges import Int8Ranges, Span, write_ranges
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from service.cli.console import Commands
    from service.models.segmenters.base import Pixels

DEFAULT_PICTURES = 40
CHECKED_SHARE = 5
"""One of so many pictures is not measured, and tells how well the ranges do on pictures that they never saw."""

DESCRIPTION = """\
Measure what the tensors of a model are to hold in 8 bits, on real pictures, and keep it in the model's folder as
int8.json. From then on SILHOUETTE_PRECISION=int8 takes it. Use pictures like those that it will work on, of many kinds;
30 to 100 are enough. One of five is left out, and shows how far int8 is from fp32."""


EXAMPLES = """\
examples:
  silhouette models quantize isnet --images photos/
  silhouette models quantize isnet --images shoes/ bags/ --limit 100 --provenance "our shop, spring 2026"
"""


def add_actions(actions: "Commands") -> None:
    parser = actions.add_parser(
        "quantize", help="calibrate a model for int8 on your pictures", description=DESCRIPTION, epilog=EXAMPLES
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--images", nargs="+", required=True, metavar="DIR", help="pictures, or folders of pictures")
    parser.add_argument(
        "--limit",
        type=count,
        default=DEFAULT_PICTURES,
        metavar="N",
        help="take N, spread evenly. Default: %(default)s.",
    )
    parser.add_argument(
        "--provenance", metavar="TEXT", help="where the pictures are from, for int8.json. Default: the folders' names."
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    settings = read_settings()
    store = ModelStore(settings.model_store)
    card = store.card(chosen.name)
    _check_can_be_calibrated()
    exact = Checkpoint(card.model_copy(update={"precision": "fp32"}), store.verify(card))
    photos = _spread(_photos_in(chosen.images), max(chosen.limit, 2))
    checked = photos[::CHECKED_SHARE]
    measured = [photo for photo in photos if photo not in checked]
    if not measured:
        raise ConfigurationError("at least two pictures are needed: one to measure, one to check")
    provenance = chosen.provenance or ", ".join(Path(folder).resolve().name for folder in chosen.images)
    ranges = _measure(exact, measured, provenance, settings)
    write_ranges(store.int8_ranges_file(card), ranges)
    say(f"{store.int8_ranges_file(card)}: ranges of {len(ranges.spans)} convolutions, from {len(measured)} pictures")
    _compare(exact, ranges, checked, settings)
    return 0


def _check_can_be_calibrated() -> None:
    if not is_installed():
        raise ConfigurationError("int8 needs OpenVINO, which cannot be imported: there are no wheels for this machine")


def _photos_in(named: Sequence[str]) -> list[Path]:
    """Every picture. Raises ConfigurationError where one is not to be had: the ranges would be of others than told."""
    finds = find_photos(named)
    check_some_were_found(finds)
    if finds.unreadable:
        raise ConfigurationError("; ".join(f"{path}: {reason}" for path, reason in finds.unreadable))
    return [photo.path for photo in finds.photos if photo.path]


def _spread(photos: Sequence[Path], most: int) -> list[Path]:
    """So many of them, evenly over all folders."""
    return [photos[index * len(photos) // most] for index in range(most)] if len(photos) > most else list(photos)


def _measure(exact: Checkpoint, photos: Sequence[Path], provenance: str, settings: Settings) -> Int8Ranges:
    pictures = _read(photos, exact, settings)
    try:
        spans = _spans_of_graph(exact, pictures) if exact.card.family == ONNX else _spans(exact, pictures, settings)
    except CannotQuantize as error:
        raise ConfigurationError(f"{exact.card.name} stays in {exact.card.precision}: {error}") from error
    return Int8Ranges(
        weights_sha256=exact.card.converted.sha256,
        made=date.today(),
        pictures=len(photos),
        provenance=provenance,
        spans=spans,
    )


def _spans(exact: Checkpoint, pictures: "Iterator[Pixels]", settings: Settings) -> Mapping[str, Span]:
    """Of a network that is written here."""
    from service.models.engines.eight_bits import calibrate
    from service.models.segmenters import SEGMENTERS

    device = replace(cpu(settings), is_compiled_for=False)
    network = SEGMENTERS[exact.card.family].load(exact, device)
    return calibrate(network.graph(), network.exact_layers, (pixels[np.newaxis] for pixels in pictures))


def _spans_of_graph(exact: Checkpoint, pictures: "Iterator[Pixels]") -> Mapping[str, Span]:
    from service.models.segmenters.onnx import measure_spans

    return measure_spans(exact, pictures)


def _compare(exact: Checkpoint, ranges: Int8Ranges, photos: Sequence[Path], settings: Settings) -> None:
    from service.models.segmenters import FAMILIES
    from service.models.segmenters.disagreement import disagreement

    card = exact.card.model_copy(update={"precision": "int8"})
    quantized = replace(exact, card=card, int8_ranges=ranges)
    pictures = _read(photos, exact, settings)
    family, device = FAMILIES[card.family], cpu(settings)
    share = disagreement(family.load(exact, device), family.load(quantized, device), pictures)
    say(f"on {len(photos)} other pictures, {share:.2%} of the pixels get another class than in fp32")


def _read(photos: Sequence[Path], checkpoint: Checkpoint, settings: Settings) -> "Iterator[Pixels]":
    """Each as the network wants to see it. Raises ConfigurationError for one that cannot be read."""
    from service.models.inputs import fit

    with work_progress() as progress:
        for photo in progress.track(photos, description=checkpoint.card.name):
            pixels, _ = fit(read_photo(photo, settings.max_pixels), checkpoint.card)
            yield pixels
