"""One task's prediction: every label of the project that the model sees, as brush strokes or polygons."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic_core import to_json

from service.doors.label_studio.config import Control, Kind
from service.errors import BadOption
from service.models.catalogue import Catalogue, Model, default_for_segment
from service.models.labels import ClassTable, Mask
from service.models.store import ModelCard
from service.operations.operation import Operation, Product, Seen
from service.operations.options import Format
from service.operations.segment import Segmentation, SegmentOptions, segmentation_of
from service.pixels.encoders import label_studio, simple_rings
from service.pixels.encoders.polygons import MAX_VERTICES
from service.telemetry.stopwatch import Stopwatch

ID_BYTES = 5
"""Of a region: Label Studio's own have ten characters. Two predictions of one task may end up in one annotation."""


class AnnotateOptions(SegmentOptions):
    """Options of `segment`, and the project's labels."""

    controls: tuple[Control, ...] = ()


class Annotate(Operation[AnnotateOptions]):
    """Regions of the project's labels."""

    def choose_model(self, catalogue: Catalogue, options: AnnotateOptions) -> Model:
        """The first that knows a label by its name, those of many classes first; or else the default one."""
        return model_for(options.controls, catalogue.cards)

    def class_ids(self, classes: ClassTable, options: AnnotateOptions) -> tuple[int, ...]:
        wanted = (ids for control in options.controls for ids in control.classes_of(classes).values())
        found = tuple(dict.fromkeys(class_id for ids in wanted for class_id in ids))
        if not found:
            labels = ", ".join(label.name for control in options.controls for label in control.labels)
            known = ", ".join(entry.name for entry in classes)
            raise BadOption(f'no label of {labels} is a class; give them predicted_values="..." out of {known}')
        return found

    def finish(self, seen: Seen, options: AnnotateOptions, accepted: Sequence[Format], watch: Stopwatch) -> Product:
        with watch.measure("matte"):
            segmentation = segmentation_of(seen, options, accepted)
        with watch.measure("encode"):
            return Product(to_json(prediction(segmentation, options.controls, seen.model.label)), "json")


ANNOTATE = Annotate(
    name="segment",
    summary="Annotate a picture",
    description="Regions of a project's labels.",
    options=AnnotateOptions,
    formats=("json",),
)


def model_for(controls: Sequence[Control], cards: Sequence[ModelCard]) -> ModelCard:
    """The model that a project's labels are best looked for with.

    Where none knows any by its name: the default one for a lone label, which is its subject; for several, none of which
    can be had, the one whose classes are the most to choose from.
    """
    preferred = [default_for_segment(cards), *cards]
    has_several = bool(controls) and all(len(control.labels) > 1 for control in controls)
    otherwise = preferred[0] if has_several else cards[0]
    return next((card for card in preferred if _knows_a_name(card, controls)), otherwise)


def _knows_a_name(card: ModelCard, controls: Sequence[Control]) -> bool:
    return any(control.known_to(card.class_table) for control in controls)


def prediction(segmentation: Segmentation, controls: Sequence[Control], model: str) -> Mapping[str, Any]:
    """As Label Studio stores it. Raises TooManyVertices."""
    regions = list(_regions(segmentation, controls))
    scores = [region["score"] for region in regions]
    score = round(sum(scores) / len(scores), 4) if scores else 0.0
    return {"result": regions, "score": score, "model_version": model}


def _regions(segmentation: Segmentation, controls: Sequence[Control]) -> Iterator[Mapping[str, Any]]:
    budget = MAX_VERTICES
    for control in controls:
        for label, class_ids in control.classes_of(segmentation.prediction.classes).items():
            mask = segmentation.mask(*class_ids)
            if not mask.any():
                continue
            values = WRITERS[control.kind](mask, budget)
            budget -= sum(len(value["points"]) for value in values if "points" in value)
            said = _said(segmentation, control) | {"score": segmentation.score(mask)}
            for value in values:
                yield said | {"id": secrets.token_hex(ID_BYTES), "value": {**value, control.kind: [label]}}


def _said(segmentation: Segmentation, control: Control) -> dict[str, Any]:
    """Of every region of a control."""
    height, width = segmentation.labels.shape
    return {
        "from_name": control.name,
        "to_name": control.to_name,
        "type": control.kind,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
    }


Values = list[dict[str, Any]]


def _stroke(mask: Mask, max_points: int) -> Values:
    """One for all of it."""
    return [{"format": "rle", "rle": label_studio.encode(mask)}]


def _outlines(mask: Mask, max_points: int) -> Values:
    """One for every piece, in percent of the picture's sides."""
    percent = 100 / np.array(mask.shape[::-1])
    rings = (ring for pieces in simple_rings.encode(mask, max_points) for ring in pieces)
    return [{"points": (np.array(ring) * percent).tolist(), "closed": True} for ring in rings]


WRITERS: Mapping[Kind, Callable[[Mask, int], Values]] = {"brushlabels": _stroke, "polygonlabels": _outlines}
