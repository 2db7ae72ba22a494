"""Compares ways from a network's answer to a matte, at full size, on any folder of pictures and masks."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.harness.command import argument_parser, ending_in_one_line, names
from benchmarks.quality.arguments import add_classes_argument, add_set_arguments
from benchmarks.quality.comparison import Comparison, Score
from benchmarks.quality.edges import TrueEdge
from benchmarks.quality.labelled import counted_of, find_pairs, only_named, read_truth, subject_of
from benchmarks.quality.network import Network, Spent
from benchmarks.quality.ways import BASELINE, TOGETHER, WAYS, Shot
from benchmarks.quality.worst import WorstFirst, with_frame, worst_region
from service.cli.console import work_progress
from service.cli.evaluation.contact_sheet import Row
from service.cli.evaluation.metrics import score_subject
from service.cli.evaluation.pairs import Pair
from service.cli.numbers import count
from service.configuration_errors import ConfigurationError
from service.errors import Failure
from service.models.decisions import Plane
from service.models.labels import LabelMap, Mask
from service.pixels.matting import SUBJECT_LEVEL, Matte

SHEET_ROWS = 12

ALL_WAYS = WAYS | TOGETHER

EPILOG = """\
FOLDER has images/ and masks/ with the same names, whatever their endings: images/cat.jpg goes with masks/cat.png.
A mask has one number a pixel (grey or palette). Where it is not its picture's size, it is resized, by nearest pixel.

BF1 and BF2 say where the edge is: boundary F of the 0.5 contour at a tolerance of 1 and 2 pixels, mean over pictures.
MAE and the error at the edge also fall when a matte only gets more contrast and no edge moves: never read them alone.
Pictures whose truth has no edge count in MAE, IoU and F-beta only.

examples:
  people, the table and the twelve pictures with the lowest BF1:
    python -m benchmarks.quality.mattes PEOPLE --model u2net --sheet worst.png
  as if the photos had 16 times the pixels: the network's answer is reduced to 80 x 80 first
    python -m benchmarks.quality.mattes PEOPLE --model u2net --reduce 80
  again and again, with the network's answers kept in a folder:
    python -m benchmarks.quality.mattes PEOPLE --model u2net --cache answers --ways bilinear,rembg
  the classes of one model with the outline of another, which is model=best:
    python -m benchmarks.quality.mattes PEOPLE --model deeplab-voc --classes person --outline u2net
"""


@dataclass(frozen=True)
class Drawn:
    """What a picture's mask says of its subject."""

    subject: Mask
    counted: Mask
    edge: TrueEdge | None

    @classmethod
    def of(cls, ids: LabelMap, foreground: tuple[int, ...] | None, ignore: int | None) -> "Drawn":
        subject, counted = subject_of(ids, foreground), counted_of(ids, ignore)
        return cls(subject, counted, TrueEdge.of(subject, counted))

    def score(self, soft: Plane, own_ms: float, infer_ms: float) -> Score:
        found = soft >= SUBJECT_LEVEL / 255
        subject = score_subject(soft[self.counted], found[self.counted], self.subject[self.counted])
        return Score(subject, self.edge.score(soft, found) if self.edge else None, own_ms, infer_ms)


@dataclass
class Run:
    """One run over a set."""

    network: Network
    outline: Network | None
    class_ids: tuple[int, ...]
    comparison: Comparison
    worst: WorstFirst

    @property
    def networks(self) -> list[Network]:
        return [self.network, *([self.outline] if self.outline else [])]

    def add(self, pair: Pair, foreground: tuple[int, ...] | None, ignore: int | None) -> None:
        before_ms = self.network.spent_ms.infer
        seen = self.network.see(pair.picture)
        first_ms = self.network.spent_ms.infer - before_ms
        drawn = Drawn.of(read_truth(pair.mask, seen.photo.size).ids, foreground, ignore)
        outline = self.outline.look if self.outline else None
        shot = Shot(seen.photo, seen.prediction, self.class_ids, self.network.look, outline)
        mattes, scores = {}, {}
        for way in self.comparison.ways:
            mattes[way], own_ms, infer_ms = self._make(way, shot)
            scores[way] = drawn.score(as_plane(mattes[way]), own_ms, first_ms + infer_ms)
        self.comparison.scores[pair.picture.stem] = scores
        self._show(pair.picture.stem, seen.photo.rgb, drawn, mattes)

    def _make(self, way: str, shot: Shot) -> tuple[Matte, float, float]:
        """The matte, the milliseconds outside the network, and those of further passes of the network."""
        before, started = self._spent(), time.perf_counter()
        made = ALL_WAYS[way](shot)
        wall_ms, after = (time.perf_counter() - started) * 1000, self._spent()
        return made, wall_ms - (after.away - before.away), after.infer - before.infer

    def _spent(self) -> Spent:
        """Of all networks together, until now."""
        spent = [network.spent_ms for network in self.networks]
        return Spent(sum(each.infer for each in spent), sum(each.away for each in spent))

    def _show(self, name: str, photo: Image.Image, drawn: Drawn, mattes: dict[str, Matte]) -> None:
        """The picture and, closer, the place where the last way is most wrong near the edge."""
        best = self.comparison.ways[-1]
        score = self.comparison.scores[name][best]
        rank = score.subject.overlap.iou if score.bf1 is None else score.bf1
        if not self.worst.wants(rank):
            return
        looked_at = drawn.edge.band if drawn.edge else drawn.counted
        region = worst_region(np.abs(as_plane(mattes[best]) - drawn.subject) * looked_at)
        truth = Image.fromarray(drawn.subject.astype(np.uint8) * 255)
        whole = {"picture": with_frame(photo, region), "truth": truth, best: with_frame(mattes[best], region)}
        closer = {f"{way}, closer": matte for way, matte in {"picture": photo, "truth": truth, **mattes}.items()}
        caption = f"{name}   {best}: {score.caption()}"
        self.worst.add(rank, Row(caption, {**whole, **{title: part.crop(region) for title, part in closer.items()}}))


def as_plane(matte: Matte) -> Plane:
    """(H, W) in [0, 1]."""
    return np.asarray(matte, np.float32) / np.float32(255)


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    add_set_arguments(parser)
    add_classes_argument(parser)
    known, more = ", ".join(WAYS), ", ".join(TOGETHER)
    parser.add_argument(
        "--ways",
        type=_ways,
        metavar="WAY,...",
        help=f"of {known}, and with --outline {more}; default: all",
    )
    parser.add_argument("--outline", metavar="NAME", help="a second model, that draws what --model names")
    parser.add_argument(
        "--only", type=names, metavar="NAME,...", help="the pictures with these names, endings left out"
    )
    parser.add_argument("--reduce", type=count, metavar="SIDE", help="reduce the network's answer to SIDE x SIDE first")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the network's answers in DIR and reuse them")
    parser.add_argument(
        "--sheet",
        type=Path,
        metavar="OUT.png",
        help=f"draw the {SHEET_ROWS} pictures with the lowest BF1 of the last way",
    )
    return parser


def _ways(text: str) -> list[str]:
    """The baseline first, because the others are compared with it."""
    wanted = names(text)
    if unknown := [way for way in wanted if way not in ALL_WAYS]:
        raise argparse.ArgumentTypeError(f"no way is called {unknown[0]!r}; there are {', '.join(ALL_WAYS)}")
    return list(dict.fromkeys((BASELINE, *wanted)))


def run(chosen: argparse.Namespace) -> Run:
    network = Network(chosen.model, chosen.cache, chosen.reduce)
    outline = Network(chosen.outline, chosen.cache, chosen.reduce) if chosen.outline else None
    ways = chosen.ways or list(ALL_WAYS if outline else WAYS)
    if outline is None and (together := [way for way in ways if way in TOGETHER]):
        raise ConfigurationError(f"{together[0]} needs a second model: --outline NAME")
    pairs = find_pairs(chosen.folder, chosen.limit)
    pairs = only_named(pairs, chosen.only) if chosen.only else pairs
    dataset = chosen.folder.resolve().name
    label = ",".join(each.card.label for each in (network, outline) if each)
    comparison = Comparison(dataset, label, network.threads, chosen.reduce, BASELINE, ways)
    class_ids = network.card.class_table.find(chosen.classes or ())
    started = Run(network, outline, class_ids, comparison, WorstFirst(SHEET_ROWS if chosen.sheet else 0))
    with work_progress() as progress:
        for pair in progress.track(pairs, description=dataset):
            started.add(pair, chosen.foreground, chosen.ignore)
    return started


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2, and one line that says why, where a folder, file, class or model is not as it should be."""
    chosen = _parser().parse_args(arguments)
    with ending_in_one_line("mattes", Failure):
        done = run(chosen)
    done.comparison.print()
    if chosen.json:
        done.comparison.write(chosen.json)
    if chosen.sheet:
        done.worst.write(chosen.sheet)


if __name__ == "__main__":
    main()
