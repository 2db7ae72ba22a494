"""Asks the networks about a photo: once, or as often as the caller's effort is worth. Knows no operation and no HTTP.

Three steps: a photo becomes what networks want to see (on a pixel thread), the queue brings what they say of it, and of
that comes the subject (on a pixel thread again).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.models.catalogue import Model
from service.models.ensemble import Ensemble, Subject, closest, fuse
from service.models.inputs import fit
from service.models.labels import Box, Prediction, Size
from service.models.second_look import (
    ALL_OF_THE_SAY,
    CLOSER_WEIGHT,
    averaged,
    closer,
    mirror,
    subject_crop,
    with_margin,
)
from service.models.store import ModelCard
from service.pixels.threads import pixel_work
from service.queue.ticket import Outcome

Crop = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels."""


@dataclass(frozen=True)
class View:
    """A picture as one network wants to see it, and the way back."""

    card: ModelCard
    pixels: NDArray[np.uint8]
    box: Box
    size: Size

    @classmethod
    def of(cls, picture: Image.Image, card: ModelCard) -> "View":
        pixels, box = fit(picture, card)
        return cls(card, pixels, box, Size(*picture.size))

    def prediction(self, outcome: Outcome) -> Prediction:
        return Prediction(self.card.output.head, outcome.scores, self.box, self.size, self.card.class_table)


Views = Mapping[str, View]
"""What the networks are asked at the same time: `drawn`, and `mirrored` and `named` where they are wanted."""


def drawing_card(model: Model) -> ModelCard:
    """Of two models that answer as one, the one that draws the outline."""
    return model.outline if isinstance(model, Ensemble) else model


@pixel_work
def views_of(picture: Image.Image, model: Model, *, twice: bool) -> Views:
    """Of an RGB picture; `twice`: its mirror image as well. Of two models, the one that draws looks twice."""
    card = drawing_card(model)
    views = {"drawn": View.of(picture, card)}
    if twice:
        views["mirrored"] = View.of(mirror(picture), card)
    if isinstance(model, Ensemble):
        views["named"] = View.of(picture, model.classes)
    return views


@dataclass(frozen=True)
class Look:
    """What came of some views."""

    drawn: Prediction
    named: Prediction | None
    """What the class model says, where two models answer as one."""

    @classmethod
    def of(cls, views: Views, outcomes: Mapping[str, Outcome]) -> "Look":
        said = {name: view.prediction(outcomes[name]) for name, view in views.items()}
        drawn = averaged(said["drawn"], said["mirrored"]) if "mirrored" in said else said["drawn"]
        return cls(drawn, said.get("named"))

    def subject(self, class_ids: Sequence[int]) -> Subject:
        """The part of it that is of `class_ids`."""
        if self.named is None:
            return Subject(self.drawn, tuple(class_ids))
        return fuse(self.drawn, self.named, tuple(class_ids))

    def crop(self, class_ids: Sequence[int], boxed: Crop | None = None) -> Crop | None:
        """Where a closer look is worthwhile, around what is `boxed` where something is; None where it is not."""
        if boxed is not None:
            return with_margin(boxed, self.drawn.size)
        subject = self.subject(class_ids)
        return subject_crop(subject.prediction, subject.class_ids)

    def closer_subject(self, part: "Look", crop: Crop, class_ids: Sequence[int], *, is_boxed: bool = False) -> Subject:
        """The subject, as a closer look at `crop` shows it, unless that found another one.

        Who draws a box around the subject has chosen it, so that the first look has no say inside of it.
        """
        weight = ALL_OF_THE_SAY if is_boxed else CLOSER_WEIGHT
        second = Look(closer(self.drawn, part.drawn, crop, weight), self.named)
        return closest(second.subject(class_ids), self.subject(class_ids))
