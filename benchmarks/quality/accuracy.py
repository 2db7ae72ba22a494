"""Scores a model on any folder of pictures and masks, through the service's own decoding, resizing and decisions."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from benchmarks.quality.arguments import add_classes_argument, add_set_arguments, id_
from benchmarks.quality.labelled import Pair, counted_of, find_pairs, read_truth, subject_of
from benchmarks.quality.metrics import Overlap, SubjectScore, class_overlaps, mean_iou, score_subject, summarise, total
from benchmarks.quality.network import Network
from service.cli.console import say, work_progress
from service.errors import ConfigurationError, Failure
from service.models.decisions import label_map, mask_of
from service.models.labels import LabelMap
from service.models.store import ModelCard
from service.operations.deciding import void_where_transparent
from service.operations.operation import Seen
from service.operations.options import parse_options
from service.operations.segment import SegmentOptions
from service.pixels.matting import matte

THRESHOLD = parse_options(SegmentOptions, {}).threshold
REST = "everything else"

EPILOG = """\
FOLDER has images/ and masks/ with the same names, whatever their endings: images/cat.jpg goes with masks/cat.png.
A mask has one number a pixel (grey or palette). Where it is not its picture's size, it is resized, by nearest pixel.

examples:
  salient objects, drawn in any number but 0:
    python -m benchmarks.quality.accuracy ECSSD --model u2net
  people, drawn as 255:
    python -m benchmarks.quality.accuracy PEOPLE --model deeplab-voc --classes person --foreground 255
  several classes, where the masks say 1 for cats, 2 for dogs and 255 for "do not look":
    python -m benchmarks.quality.accuracy PETS --model deeplab-voc --map 1=cat,2=dog --ignore 255
  the same in eight bits, or in float32, whatever the model's card prefers:
    SILHOUETTE_PRECISION=fp32 python -m benchmarks.quality.accuracy ECSSD --model u2net
  a quick look at 20 pictures, every figure of each one in a file:
    python -m benchmarks.quality.accuracy ECSSD --model u2net --limit 20 --json scores.json

With --map, what is none of the named classes is one class more, "everything else", in the masks and in the answers:
a sofa that is found and not drawn is no mistake. Name the background as well (0=background,...) to make it one.
"""


@dataclass(frozen=True)
class Row:
    """One figure, and how to read it."""

    metric: str
    value: float
    meaning: str


class Measure(Protocol):
    """Collects pictures and turns them into figures."""

    def add(self, seen: Seen, truth: LabelMap) -> dict[str, float]:
        """The picture's own figures."""

    def rows(self) -> list[Row]:
        """The figures of all pictures."""


@dataclass
class SubjectMeasure:
    """Some of the model's classes together, against a mask that says yes or no."""

    class_ids: tuple[int, ...]
    foreground: tuple[int, ...] | None
    """The ids in the mask that mean yes; None: all but 0."""
    ignore: int | None
    scores: list[SubjectScore] = field(default_factory=list)

    def add(self, seen: Seen, truth: LabelMap) -> dict[str, float]:
        counted, subject = counted_of(truth, self.ignore), subject_of(truth, self.foreground)
        soft = np.asarray(matte(seen.prediction, self.class_ids, seen.photo, "off"), np.float32) / np.float32(255)
        found = mask_of(_label_map(seen), self.class_ids)
        score = score_subject(soft[counted], found[counted], subject[counted])
        self.scores.append(score)
        return {"MAE": score.absolute_error, "IoU": score.overlap.iou}

    def rows(self) -> list[Row]:
        summary = summarise(self.scores)
        return [
            Row("MAE", summary.mean_absolute_error, "soft matte to truth, mean over pictures; 0 is best"),
            Row("max F-beta", summary.max_f_beta, "beta² 0.3; precision and recall averaged over pictures before F"),
            Row("mean IoU", summary.mean_iou, f"mask at {THRESHOLD} of each picture, mean over pictures"),
            Row("dataset IoU", summary.dataset_iou, "all intersections over all unions"),
            Row("IoU under 0.5", summary.below_half, "share of pictures that failed; 0 is best"),
        ]


@dataclass
class ClassMeasure:
    """Several classes, each against its own id in the mask."""

    names: tuple[str, ...]
    class_ids: tuple[int, ...]
    truth_ids: tuple[int, ...]
    ignore: int | None
    pictures: list[list[Overlap]] = field(default_factory=list)

    def add(self, seen: Seen, truth: LabelMap) -> dict[str, float]:
        counted = counted_of(truth, self.ignore)
        found, drawn = _numbered(_label_map(seen), self.class_ids), _numbered(truth, self.truth_ids)
        overlaps = class_overlaps(found[counted], drawn[counted], range(len(self.names) + 1))
        self.pictures.append(overlaps)
        return {name: entry.iou for name, entry in zip((REST, *self.names), overlaps, strict=True) if entry.union}

    def rows(self) -> list[Row]:
        rest, *classes = [total(overlaps) for overlaps in zip(*self.pictures, strict=True)]
        each = [Row(f"IoU {name}", entry.iou, "") for name, entry in zip(self.names, classes, strict=True)]
        return [
            Row("mIoU", mean_iou(classes), f"of {', '.join(self.names)}: all intersections over all unions"),
            *each,
            Row(f"IoU {REST}", rest.iou, "none of the named classes"),
            Row(f"mIoU with {REST}", mean_iou([rest, *classes]), ""),
        ]


def _numbered(labels: LabelMap, ids: Sequence[int]) -> LabelMap:
    """1, 2, ... for the first, second, ... of `ids`; 0 for every other."""
    numbers = np.zeros(256, np.uint8)
    numbers[list(ids)] = range(1, len(ids) + 1)
    return numbers[labels]


def _label_map(seen: Seen) -> LabelMap:
    return void_where_transparent(label_map(seen.prediction, THRESHOLD), seen.photo)


@dataclass
class Report:
    """All figures of one run."""

    dataset: str
    model: str
    pictures: dict[str, dict[str, float]] = field(default_factory=dict)
    resized_masks: int = 0
    rows: list[Row] = field(default_factory=list)

    def print(self) -> None:
        from rich.console import Console
        from rich.table import Table

        table = Table("metric", "value", "of", title=f"{self.model} on {self.dataset}", box=None, title_justify="left")
        for row in self.rows:
            table.add_row(row.metric, f"{row.value:.4f}", row.meaning)
        Console().print(table)
        say(f"{len(self.pictures)} pictures; {self.resized_masks} masks were resized to their pictures")

    def write(self, path: Path) -> None:
        figures = {row.metric: row.value for row in self.rows}
        path.write_text(json.dumps({**asdict(self), "rows": figures}, indent=1) + "\n", encoding="utf-8")


def run(network: Network, measure: Measure, pairs: Sequence[Pair], dataset: str) -> Report:
    report = Report(dataset, network.card.label)
    with work_progress() as progress:
        for pair in progress.track(pairs, description=dataset):
            seen = network.see(pair.picture)
            truth = read_truth(pair.mask, seen.photo.size)
            report.resized_masks += truth.resized
            report.pictures[pair.picture.stem] = measure.add(seen, truth.ids)
    report.rows = measure.rows()
    return report


def choose_measure(chosen: argparse.Namespace, card: ModelCard) -> Measure:
    """Raises BadOption for a class that the model does not know."""
    if chosen.map is None:
        return SubjectMeasure(card.class_table.find(chosen.classes or ()), chosen.foreground, chosen.ignore)
    truth_ids, names = zip(*chosen.map, strict=True)
    return ClassMeasure(names, card.class_table.find(names), truth_ids, chosen.ignore)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_set_arguments(parser)
    what = parser.add_mutually_exclusive_group()
    add_classes_argument(what)
    what.add_argument(
        "--map", type=_mapping, metavar="ID=NAME,...", help="masks with several classes: the class of each number"
    )
    return parser


def _mapping(text: str) -> list[tuple[int, str]]:
    pairs = [entry.partition("=") for entry in text.split(",")]
    return [(id_(number), name.strip()) for number, _, name in pairs]


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2, and one line that says why, where a folder, file, class or model is not as it should be."""
    chosen = _parser().parse_args(arguments)
    try:
        network = Network(chosen.model)
        wanted = choose_measure(chosen, network.card)
        report = run(network, wanted, find_pairs(chosen.folder, chosen.limit), chosen.folder.resolve().name)
    except (ConfigurationError, Failure) as error:
        say(f"accuracy: {error}")
        sys.exit(2)
    report.print()
    if chosen.json:
        report.write(chosen.json)


if __name__ == "__main__":
    main()
