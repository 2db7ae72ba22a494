"""What the service is asked about each picture, and how its answer compares with the mask. Knows no files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Protocol

import numpy as np
from PIL import Image

from service.cli.evaluation.boundary import boundary_f
from service.cli.evaluation.metrics import (
    Overlap,
    SubjectScore,
    class_overlaps,
    mean_iou,
    score_subject,
    summarise,
    total,
)
from service.configuration_errors import ConfigurationError
from service.models.decisions import Plane
from service.models.labels import LabelMap, Mask, Size
from service.operations.operation import Operation
from service.operations.remove_background import REMOVE_BACKGROUND
from service.operations.segment import SEGMENT
from service.pixels.matting import SUBJECT_LEVEL

REST = "everything else"

TOLERANCES_PX = (1, 2)
"""Of boundary F. The usual tolerance of the field, 0.8% of the diagonal, is 8 pixels of a photo of 550 x 825, which no
one who publishes a cutout would accept."""

MOST_NUMBERS = 8
"""That an error names."""

WHITE_LEVEL = 128
"""Of a mask that is drawn in grey: from here on a pixel is the subject."""


@dataclass(frozen=True)
class Figure:
    """One number of a whole set, and how to read it."""

    metric: str
    value: float
    meaning: str
    higher_is_better: bool = True


@dataclass(frozen=True)
class Scored:
    """One picture."""

    figures: Mapping[str, float]
    iou: float
    """What pictures are ranked by: of the subject, or the mean of the classes that are drawn or found."""
    boundaries: Mapping[str, float] = field(default_factory=dict)
    """Boundary F of whatever has an edge in the mask."""
    subject: SubjectScore | None = None
    overlaps: Sequence[Overlap] = ()


class Measure(Protocol):
    """One way to read masks and to score answers."""

    @property
    def operation(self) -> Operation[Any]:
        """What the service is asked for."""

    @property
    def given(self) -> Mapping[str, Any]:
        """The options of it, but for the model."""

    def score(self, answer: bytes, ids: LabelMap) -> Scored:
        """Raises ConfigurationError for numbers in the mask that mean nothing."""

    def figures(self, scores: Sequence[Scored]) -> list[Figure]: ...

    def masks(self, answer: bytes, ids: LabelMap) -> tuple[LabelMap, LabelMap, Mask]:
        """What was found, what is drawn (as numbers from 0), and which pixels count: for pictures of both."""


def counted_of(ids: LabelMap, void: int | None) -> Mask:
    """The pixels that are looked at."""
    return np.ones(ids.shape, np.bool_) if void is None else np.asarray(ids != void)


def subject_of(ids: LabelMap, foreground: Sequence[int] | None, counted: Mask) -> Mask:
    """Where the mask has one of the `foreground` numbers.

    None: where it is at least half as bright as white, or, if nothing in it is, any number but 0.
    """
    if foreground is not None:
        return np.asarray(np.isin(ids, foreground))
    is_drawn_in_white = bool((ids[counted] >= WHITE_LEVEL).any())
    return np.asarray(ids >= WHITE_LEVEL if is_drawn_in_white else ids > 0)


@dataclass(frozen=True)
class SubjectMeasure:
    """Some of the model's classes together, against a mask that says yes or no."""

    names: tuple[str, ...] = ()
    """What is kept; empty: the model's foreground."""
    foreground: tuple[int, ...] | None = None
    void: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    operation = REMOVE_BACKGROUND

    @property
    def given(self) -> Mapping[str, Any]:
        keep = {"keep": ",".join(self.names)} if self.names else {}
        return {"output": "matte", "format": "png", "allow_empty": True, **keep, **self.options}

    def score(self, answer: bytes, ids: LabelMap) -> Scored:
        soft, subject, counted = _matte(answer), *self._drawn(ids)
        found = soft >= SUBJECT_LEVEL / 255
        score = score_subject(soft[counted], found[counted], subject[counted])
        edges = {f"{t} px": boundary_f(found, subject, counted, t) for t in TOLERANCES_PX}
        boundaries = {name: value for name, value in edges.items() if value is not None}
        figures = {"IoU": score.overlap.iou, "MAE": score.absolute_error}
        figures |= {f"boundary F, {name}": value for name, value in boundaries.items()}
        return Scored(figures, score.overlap.iou, boundaries, subject=score)

    def figures(self, scores: Sequence[Scored]) -> list[Figure]:
        of_set = summarise([score.subject for score in scores if score.subject])
        edges = [Figure(f"boundary F, {t} px", *_mean_boundary(scores, f"{t} px")) for t in TOLERANCES_PX]
        return [
            Figure("mean IoU", of_set.mean_iou, "of the mask at 0.5, mean over pictures"),
            Figure("dataset IoU", of_set.dataset_iou, "all intersections over all unions"),
            Figure("MAE", of_set.mean_absolute_error, "of the soft matte, mean over pictures", higher_is_better=False),
            Figure("max F-beta", of_set.max_f_beta, "beta² 0.3; precision and recall are averaged first"),
            *edges,
            Figure("IoU under 0.5", of_set.below_half, "share of pictures that failed", higher_is_better=False),
        ]

    def masks(self, answer: bytes, ids: LabelMap) -> tuple[LabelMap, LabelMap, Mask]:
        subject, counted = self._drawn(ids)
        found = _matte(answer) >= SUBJECT_LEVEL / 255
        return found.astype(np.uint8), subject.astype(np.uint8), counted

    def _drawn(self, ids: LabelMap) -> tuple[Mask, Mask]:
        counted = counted_of(ids, self.void)
        return subject_of(ids, self.foreground, counted), counted


@dataclass(frozen=True)
class ClassMeasure:
    """Several classes, each against its own number in the mask."""

    names: tuple[str, ...]
    class_ids: Mapping[str, int]
    """Of each name, the model's id. Models that are compared have the same."""
    mask_ids: tuple[int, ...]
    void: int | None
    is_whole_table: bool
    """The masks have the model's own numbers, and no others."""
    options: Mapping[str, Any] = field(default_factory=dict)

    operation = SEGMENT

    @property
    def given(self) -> Mapping[str, Any]:
        return {"output": "labels", "format": "png", "allow_empty": True, **self.options}

    def score(self, answer: bytes, ids: LabelMap) -> Scored:
        found, drawn, counted = self.masks(answer, ids)
        numbers = range(len(self.names) + 1)
        overlaps = class_overlaps(found[counted], drawn[counted], numbers)
        there = {name: each for name, each in zip((REST, *self.names), overlaps, strict=True) if each.union}
        boundaries: dict[str, float] = {}
        for number, name in enumerate(self.names, start=1):
            if name in there:
                value = boundary_f(found == number, drawn == number, counted, TOLERANCES_PX[-1])
                boundaries |= {} if value is None else {name: value}
        figures = {f"IoU {name}": each.iou for name, each in there.items() if name != REST}
        return Scored(figures, mean_iou(overlaps[1:]), boundaries, overlaps=overlaps)

    def figures(self, scores: Sequence[Scored]) -> list[Figure]:
        rest, *classes = [total(overlaps) for overlaps in zip(*(score.overlaps for score in scores), strict=True)]
        px = TOLERANCES_PX[-1]
        each = [
            Figure(f"IoU {name}", entry.iou, "all intersections over all unions")
            for name, entry in zip(self.names, classes, strict=True)
            if entry.union
        ]
        edges = [
            Figure(f"boundary F {name}, {px} px", *_mean_boundary(scores, name))
            for name in self.names
            if any(name in score.boundaries for score in scores)
        ]
        others = [] if self.is_whole_table else [Figure(f"IoU {REST}", rest.iou, "none of the named classes")]
        agreed = Figure("pixels agreed", _agreed([rest, *classes]), "share of all pixels that count")
        return [Figure("mIoU", mean_iou(classes), "mean of the classes' IoU"), *each, *others, agreed, *edges]

    def masks(self, answer: bytes, ids: LabelMap) -> tuple[LabelMap, LabelMap, Mask]:
        labels = np.asarray(Image.open(BytesIO(answer)))
        found = _numbered(labels, [self.class_ids[name] for name in self.names])
        if self.is_whole_table:
            self._refuse_strangers(ids)
        return found, _numbered(ids, self.mask_ids), counted_of(ids, self.void)

    def _refuse_strangers(self, ids: LabelMap) -> None:
        strange = sorted(set(np.unique(ids).tolist()) - {*self.mask_ids, self.void})
        if strange:
            numbers = ", ".join(map(str, strange[:MOST_NUMBERS]))
            known = f"the model's classes are 0 to {len(self.mask_ids) - 1} and void is {self.void}"
            raise ConfigurationError(f"the mask has {numbers}, but {known}; see --classes and --void")


def _numbered(labels: LabelMap, ids: Sequence[int]) -> LabelMap:
    """1, 2, ... for the first, second, ... of `ids`; 0 for every other."""
    numbers = np.zeros(256, np.uint8)
    numbers[list(ids)] = range(1, len(ids) + 1)
    return numbers[labels]


def _agreed(overlaps: Sequence[Overlap]) -> float:
    """The share of pixels with the right class: a wrong one is in the unions of two classes, a right one in one."""
    right, unions = sum(each.intersection for each in overlaps), sum(each.union for each in overlaps)
    return 2 * right / (right + unions) if unions else 1.0


def size_of(answer: bytes) -> Size:
    """Of the upright photo that it is the answer to."""
    with Image.open(BytesIO(answer)) as image:
        return Size(*image.size)


def _matte(answer: bytes) -> Plane:
    return np.asarray(Image.open(BytesIO(answer)), np.float32) / np.float32(255)


def _mean_boundary(scores: Sequence[Scored], name: str) -> tuple[float, str]:
    """And of how many pictures."""
    found = [score.boundaries[name] for score in scores if name in score.boundaries]
    return float(np.mean(found)) if found else 1.0, f"mean over the {len(found)} pictures with an edge"
