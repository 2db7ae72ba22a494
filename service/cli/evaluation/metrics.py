"""How right a matte, a mask or a label map is. Knows neither files nor models: arrays in, numbers out.

Arrays that are compared have one shape, any shape: whoever calls leaves out the pixels that do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.models.decisions import Plane
from service.models.labels import LabelMap, Mask

Curve = NDArray[np.float64]
"""(255,): one number a threshold; entry k - 1 takes as foreground what is at least k / 255."""

LEVELS = 256  # a matte leaves the service as 8 bits, so 1 to 255 are all the thresholds there are
BETA_SQUARED = 0.3  # precision counts more than recall: Achanta et al. 2009, "Frequency-tuned salient region detection"


@dataclass(frozen=True)
class Overlap:
    """Pixels that two masks share, and pixels that at least one of them has."""

    intersection: int
    union: int

    @property
    def iou(self) -> float:
        """1 where both masks are empty: nothing was there, and nothing was found."""
        return self.intersection / self.union if self.union else 1.0

    def __add__(self, other: "Overlap") -> "Overlap":
        return Overlap(self.intersection + other.intersection, self.union + other.union)


@dataclass(frozen=True)
class SubjectScore:
    """One picture against its binary truth."""

    absolute_error: float
    overlap: Overlap
    precision: Curve
    recall: Curve


@dataclass(frozen=True)
class SubjectSummary:
    """A set of pictures against their binary truth."""

    mean_absolute_error: float
    max_f_beta: float
    mean_iou: float
    """Of the pictures: a small subject counts as much as a large one."""
    dataset_iou: float
    """Of all pixels: the sum of intersections over the sum of unions."""
    below_half: float
    """The share of pictures with an IoU under 0.5: where a person would say that it failed."""


def overlap(found: Mask, truth: Mask) -> Overlap:
    return Overlap(int(np.count_nonzero(found & truth)), int(np.count_nonzero(found | truth)))


def mean_absolute_error(matte: Plane, truth: Mask) -> float:
    """In [0, 1], over all pixels of one picture."""
    return float(np.abs(matte - truth).mean(dtype=np.float64))


def precision_and_recall(matte: Plane, truth: Mask) -> tuple[Curve, Curve]:
    """Of one picture at every threshold; 0 where nothing was found, or where there is nothing to be found.

    Source: the evaluation code of the U2-Net and BASNet papers, which divides by the count plus a tiny number.
    """
    levels = np.rint(matte * (LEVELS - 1)).astype(np.uint8)
    hits = _at_least(levels[truth])
    found = _at_least(levels)
    return hits / np.maximum(found, 1), hits / np.maximum(np.count_nonzero(truth), 1)


def _at_least(levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(255,): how many of `levels` are at least 1, 2, ..., 255."""
    counts = np.bincount(levels.ravel(), minlength=LEVELS)
    from_the_top = np.cumsum(counts[::-1])[::-1]
    return from_the_top[1:].astype(np.int64)


def f_beta(precision: Curve, recall: Curve) -> Curve:
    """(1 + b) P R / (b P + R) with b = `BETA_SQUARED`; 0 where both are 0."""
    denominator = BETA_SQUARED * precision + recall
    return np.where(denominator > 0, (1 + BETA_SQUARED) * precision * recall / np.maximum(denominator, 1e-12), 0.0)


def max_f_beta(scores: Sequence[SubjectScore]) -> float:
    """As the saliency field does it: precision and recall are averaged over the pictures first, then F, then its peak.

    Averaging each picture's F instead gives other, usually lower numbers; the papers' figures are of this kind.
    """
    precision = np.mean([score.precision for score in scores], axis=0)
    recall = np.mean([score.recall for score in scores], axis=0)
    return float(f_beta(precision, recall).max())


def score_subject(matte: Plane, found: Mask, truth: Mask) -> SubjectScore:
    return SubjectScore(mean_absolute_error(matte, truth), overlap(found, truth), *precision_and_recall(matte, truth))


def summarise(scores: Sequence[SubjectScore]) -> SubjectSummary:
    ious = [score.overlap.iou for score in scores]
    return SubjectSummary(
        mean_absolute_error=float(np.mean([score.absolute_error for score in scores])),
        max_f_beta=max_f_beta(scores),
        mean_iou=float(np.mean(ious)),
        dataset_iou=total([score.overlap for score in scores]).iou,
        below_half=float(np.mean([iou < 0.5 for iou in ious])),
    )


def total(overlaps: Sequence[Overlap]) -> Overlap:
    return sum(overlaps, Overlap(0, 0))


def class_overlaps(found: LabelMap, truth: LabelMap, class_ids: Sequence[int]) -> list[Overlap]:
    """One for each class, in the order of `class_ids`."""
    return [overlap(found == class_id, truth == class_id) for class_id in class_ids]


def mean_iou(overlaps: Sequence[Overlap]) -> float:
    """Over the classes that are in the truth or were found; 1 where there are none."""
    seen = [entry.iou for entry in overlaps if entry.union]
    return float(np.mean(seen)) if seen else 1.0
