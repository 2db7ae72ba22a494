"""How much right a hand makes of a matte: simulated clicks and strokes, each at the largest error that is left.

    .venv/bin/python -m benchmarks.quality.correction FOLDER --model u2net

Each click or stroke is one request: the matte of the one before goes along, and no network looks again.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.quality.arguments import add_set_arguments
from benchmarks.quality.hand import HANDS, Gesture, Hand
from benchmarks.quality.labelled import find_pairs, read_truth, subject_of
from benchmarks.quality.network import Network
from service.cli.console import work_progress
from service.cli.evaluation.metrics import overlap
from service.cli.evaluation.pairs import Pair
from service.models.labels import Mask
from service.pixels.correction import Correction, correct
from service.pixels.matting import SUBJECT_LEVEL, Matte

GESTURES = 5
SHOWN = (0, 1, 3, 5)

GOOD_IOU = 0.97
"""What three strokes are to reach."""


def painted_only(soft: Matte, rgb: Image.Image, correction: Correction) -> Matte:
    """For comparison: nothing grows."""
    result = soft.copy()
    for layer, level in ((correction.keep, 255), (correction.remove, 0)):
        for each in layer:
            result.paste(level, (0, 0), each)
    return result


WAYS = {"grown": correct, "painted only": painted_only}


@dataclass
class Series:
    """One hand with one way, over a set."""

    hand: Hand
    way: str
    ious: list[list[float]] = field(default_factory=list)
    """Of each picture, after 0, 1, 2, ... gestures."""
    spent_ms: list[float] = field(default_factory=list)
    """CPU time of each correction, in this thread."""

    def add(self, soft: Matte, rgb: Image.Image, truth: Mask) -> None:
        ious: list[float] = []
        for _ in range(GESTURES + 1):
            found = np.asarray(soft) >= SUBJECT_LEVEL
            ious.append(overlap(found, truth).iou)
            if (gesture := self.hand(found, truth)) is not None:
                soft = self._corrected(soft, rgb, gesture)
        self.ious.append(ious)

    def _corrected(self, soft: Matte, rgb: Image.Image, gesture: Gesture) -> Matte:
        layers = (gesture.drawn(rgb.size),)
        correction = Correction(keep=layers) if gesture.keep else Correction(remove=layers)
        began_s = time.thread_time()
        corrected = WAYS[self.way](soft, rgb, correction)
        self.spent_ms.append((time.thread_time() - began_s) * 1000)
        return corrected

    @property
    def means(self) -> list[float]:
        return [float(mean) for mean in np.mean(self.ious, axis=0)]

    @property
    def good_share(self) -> float:
        """Of the pictures, after three gestures."""
        return float(np.mean([ious[3] >= GOOD_IOU for ious in self.ious]))

    @property
    def harmed(self) -> int:
        """Pictures that three gestures left worse than they were."""
        return sum(ious[3] < ious[0] for ious in self.ious)


def measure(pairs: Sequence[Pair], network: Network, foreground: tuple[int, ...] | None) -> dict[str, Series]:
    series = {f"{hand}, {way}": Series(HANDS[hand], way) for hand in HANDS for way in WAYS}
    with work_progress() as progress:
        for pair in progress.track(pairs, description="pictures"):
            seen = network.see(pair.picture)
            truth = subject_of(read_truth(pair.mask, seen.photo.size).ids, foreground)
            soft = seen.matte("auto")
            for each in series.values():
                each.add(soft, seen.photo.rgb, truth)
    return series


def show(dataset: str, series: dict[str, Series]) -> None:
    table = Table(title=f"{dataset}: mean IoU after so many gestures")
    for column in ("gesture, way", *map(str, SHOWN), f"{GOOD_IOU:.2f} after 3", "worse after 3", "ms"):
        table.add_column(column)
    for name, each in series.items():
        means = [f"{each.means[count]:.3f}" for count in SHOWN]
        spent = f"{np.median(each.spent_ms):.0f}" if each.spent_ms else "-"
        table.add_row(name, *means, f"{each.good_share:.0%}", str(each.harmed), spent)
    Console().print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__)
    add_set_arguments(parser)
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the network's answers in DIR and reuse them")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2, and one line that says why, where a folder, file or model is not as it should be."""
    chosen = _parser().parse_args(arguments)
    with ending_in_one_line("correction"):
        network = Network(chosen.model, chosen.cache)
        pairs = find_pairs(chosen.folder, chosen.limit)
        series = measure(pairs, network, chosen.foreground)
    show(f"{chosen.folder.resolve().name}, {network.card.label}, {len(pairs)} pictures", series)
    if chosen.json:
        figures = {name: {"iou": each.ious, "mean": each.means} for name, each in series.items()}
        chosen.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
