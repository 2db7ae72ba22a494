"""What mattes and masks lose where a network's scores cross to the service in 16 or 8 bits instead of 32."""

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.quality.arguments import foreground
from benchmarks.quality.labelled import find_pairs, read_truth, subject_of
from benchmarks.quality.network import Network
from service.cli.console import work_progress
from service.cli.evaluation.metrics import SubjectScore, score_subject, summarise
from service.cli.numbers import count
from service.configuration_errors import ConfigurationError
from service.errors import Failure
from service.models.labels import Mask, Scores
from service.operations.operation import Seen
from service.pixels.matting import SUBJECT_LEVEL

EPILOG = """\
FOLDER has images/ and masks/ with the same names. Only for models whose head is a sigmoid: others' scores have no range
that eight bits could share out.

"differ" is the share of a matte's pixels that are not the same as with 32 bits, "levels" by how many of 255 at most,
and "over 1" the share that is off by more than one level. MAE and IoU are against the masks.

examples:
  python -m benchmarks.quality.scores PICTURES --model u2net --limit 50
  as if the photos had 16 times the pixels: the network's answer is reduced to 80 x 80 first
    python -m benchmarks.quality.scores PICTURES --model u2net --limit 50 --reduce 80
"""

LEVELS = 255


def in_half(scores: Scores) -> Scores:
    return scores.astype(np.float16).astype(np.float32)


def in_bytes(scores: Scores) -> Scores:
    """Of probabilities: 0 to 255 for 0 to 1."""
    return np.rint(scores * LEVELS).astype(np.uint8).astype(np.float32) / np.float32(LEVELS)


EXACT = "32 bits"

CROSSINGS: Mapping[str, Callable[[Scores], Scores]] = {
    EXACT: lambda scores: scores,
    "16 bits": in_half,
    "8 bits": in_bytes,
}
"""What arrives, by how it crossed."""


@dataclass
class Found:
    """Of one crossing, over all pictures."""

    subjects: list[SubjectScore] = field(default_factory=list)
    pixels: int = 0
    differ: int = 0
    over_one: int = 0
    most_levels: int = 0

    def add(self, matte: NDArray[np.uint8], exact: NDArray[np.uint8], subject: Mask) -> None:
        """(H, W) each."""
        off = np.abs(matte.astype(np.int16) - exact)
        self.pixels += off.size
        self.differ += int(np.count_nonzero(off))
        self.over_one += int(np.count_nonzero(off > 1))
        self.most_levels = max(self.most_levels, int(off.max()))
        soft = matte.astype(np.float32) / np.float32(LEVELS)
        self.subjects.append(score_subject(soft.ravel(), (matte >= SUBJECT_LEVEL).ravel(), subject.ravel()))

    def row(self) -> list[str]:
        summary = summarise(self.subjects)
        differ, over_one = 100 * self.differ / self.pixels, 100 * self.over_one / self.pixels
        quality = f"{summary.mean_absolute_error:.5f}", f"{summary.mean_iou:.5f}"
        return [f"{differ:.3f}%", f"{over_one:.4f}%", str(self.most_levels), *quality]


def compare(seen: Seen, subject: Mask, found: Mapping[str, Found]) -> None:
    """One picture, with refined edges."""
    mattes = {name: matte_of(seen, crossing) for name, crossing in CROSSINGS.items()}
    for name, matte in mattes.items():
        found[name].add(matte, mattes[EXACT], subject)


def matte_of(seen: Seen, crossing: Callable[[Scores], Scores]) -> NDArray[np.uint8]:
    """(H, W), as a cutout with default options has it."""
    crossed = dataclasses.replace(seen.prediction, scores=crossing(seen.prediction.scores))
    return np.asarray(dataclasses.replace(seen, prediction=crossed).matte("on"))


def run(chosen: argparse.Namespace) -> dict[str, Found]:
    """Raises ConfigurationError for a model without a sigmoid, and for a folder without pairs."""
    network, found = Network(chosen.model, side_px=chosen.reduce), {name: Found() for name in CROSSINGS}
    if network.card.output.head != "sigmoid":
        raise ConfigurationError(f"{chosen.model} has no sigmoid")
    pairs = find_pairs(chosen.folder, chosen.limit)
    with work_progress() as progress:
        for pair in progress.track(pairs):
            seen = network.see(pair.picture)
            compare(seen, subject_of(read_truth(pair.mask, seen.photo.size).ids, chosen.foreground), found)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2, and one line that says why, where nothing can be compared."""
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="has images/ and masks/")
    parser.add_argument("--model", required=True, metavar="NAME", help="a model that was pulled, with a sigmoid")
    parser.add_argument(
        "--foreground", type=foreground, default="nonzero", metavar="nonzero|ID,...", help="in the masks"
    )
    parser.add_argument("--limit", type=count, metavar="N", help="only N pictures, spread evenly over the folder")
    parser.add_argument("--reduce", type=count, metavar="SIDE", help="reduce the network's answer to SIDE x SIDE first")
    with ending_in_one_line("scores", Failure):
        found = run(parser.parse_args(arguments))
    table = Table("scores in", "differ", "over 1", "levels", "MAE", "IoU", box=None)
    for name, each in found.items():
        table.add_row(name, *each.row())
    Console().print(table)


if __name__ == "__main__":
    main()
