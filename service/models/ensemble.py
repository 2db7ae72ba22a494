"""`model=best`: the class from the model that knows many, the outline from the one that draws well.

Predictions in, one prediction out; knows no network, no queue and no HTTP. Figures: docs/quality.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple, Self

import numpy as np
from PIL import Image

from service.models.decisions import Plane, class_probabilities, upsample
from service.models.labels import BACKGROUND, Box, ClassTable, Mask, Prediction, Size
from service.models.store import ModelCard

BEST = "best"
"""What a request calls the two together."""

NEARBY_SIDE = 33
"""Samples: so coarse is the view in which a pixel's class is asked for. The outline is finer than the classes are, so
what is just outside of the class model's own mask must be able to belong to it."""

LEAST_SHARE = 0.5
"""Of all the classes' probability nearby: from here on a pixel of the outline belongs to the kept ones."""

FAINTEST = 0.02
"""Probability of the kept classes nearby; below, there is nothing that they could be the larger part of. With .01 the
results are the same, and worse with each of .05, .1 and .2 on people, as limbs go."""

LEAST_COVERED = 0.6
"""Of the class model's own mask: an outline with less of it inside is of another subject, or of a part. How much of the
outline lies outside says nothing, as the class model leaves out what is thin. Unrefined, the mean IoU on ccp_dev and
human_seg is .947 and .922; with .5 it is .953 and .911, and with the IoU of both masks instead .944 and .918."""


@dataclass(frozen=True)
class Ensemble:
    """Two loaded models that answer as one. It is asked for by name, and has classes, like any model."""

    outline: ModelCard
    """Finds the outline of whatever stands out in a picture."""
    classes: ModelCard
    """Knows many classes by name."""

    @classmethod
    def of(cls, cards: Sequence[ModelCard]) -> Self | None:
        """The first of each kind among `cards`; None where one is missing, or where a model is called `best` itself.

        A model whose only class is one that the other knows, such as `person`, is blind to the rest: it cannot draw it.
        """
        classes = next((card for card in cards if card.output.head == "softmax"), None)
        if classes is None or BEST in {card.name for card in cards}:
            return None
        known = {entry.name for entry in classes.class_table}
        general = (
            card for card in cards if card.output.head == "sigmoid" and known.isdisjoint(card.classes.foreground)
        )
        outline = next(general, None)
        return cls(outline, classes) if outline else None

    @property
    def name(self) -> str:
        return BEST

    @property
    def label(self) -> str:
        """name@version of both, as in `X-Model`."""
        return f"{self.outline.label},{self.classes.label}"

    @property
    def key(self) -> str:
        """Of both cards."""
        return f"{self.outline.key},{self.classes.key}"

    @property
    def class_table(self) -> ClassTable:
        return self.classes.class_table


class Subject(NamedTuple):
    """A prediction, and the ids in it that are the subject."""

    prediction: Prediction
    class_ids: tuple[int, ...]
    covered: float = 1.0
    """How much of what was meant is within, 0 to 1, where two models answered; 0 where one of them answers alone."""


def fuse(outline: Prediction, classes: Prediction, class_ids: tuple[int, ...]) -> Subject:
    """The outline where it belongs to `class_ids` of the class model, at the outline's resolution.

    Where that covers too little of what the class model means, as the outline model saw another subject or missed one,
    the class model's answer alone. Who wants the background, which stands out nowhere, gets that answer, too.
    """
    probabilities, _ = class_probabilities(classes)
    own = probabilities[list(class_ids)].sum(axis=0)
    size = outline.grid
    drawn = upsample(outline.scores[0], outline.box, size)
    fused = np.where(_belongs(own, 1 - probabilities[BACKGROUND], size), drawn, np.float32(0))
    covered = _covered(own, upsample(fused, _whole(size), _size_of(own)))
    if BACKGROUND in class_ids or covered <= LEAST_COVERED:
        return Subject(classes, class_ids, covered=0.0)
    prediction = replace(outline, scores=fused[np.newaxis], box=_whole(size))
    return Subject(prediction, outline.classes.foreground, covered)


def closest(closer: Subject, first: Subject) -> Subject:
    """The closer look, unless less of what the class model means is within it: then it found another subject."""
    return max(closer, first, key=attrgetter("covered"))


def _belongs(own: Plane, any_class: Plane, size: Size) -> Mask:
    """Where, nearby, at least half of what is no background is of the kept classes; at `size`."""
    kept, seen = (_nearby(plane, size) for plane in (own, any_class))
    belongs: Mask = (kept >= LEAST_SHARE * seen) & (kept > FAINTEST)
    return belongs


def _nearby(plane: Plane, size: Size) -> Plane:
    """Means over large parts, enlarged smoothly to `size`."""
    coarse = Image.fromarray(plane).resize((NEARBY_SIDE, NEARBY_SIDE), Image.Resampling.BOX)
    return np.asarray(coarse.resize(size, Image.Resampling.BICUBIC))


def _covered(one: Plane, other: Plane) -> float:
    """How much of `one` is in `other`, 0 to 1, both being where they are more likely than not; 0 of nothing."""
    inside = ((one > 0.5) & (other > 0.5)).sum()
    return float(inside / max(1, (one > 0.5).sum()))


def _size_of(plane: Plane) -> Size:
    height, width = plane.shape
    return Size(width, height)


def _whole(size: Size) -> Box:
    return Box(0, 0, *size)
