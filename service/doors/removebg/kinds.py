"""Types of foreground, as far as the loaded models know them by name.

A model that finds any subject knows none: then the type is `other`, and a wish for one goes unheard.
"""

from collections.abc import Iterator, Mapping

from service.models.catalogue import Catalogue, Model
from service.models.labels import ClassTable, Prediction

OTHER = "other"

CLASSES: Mapping[str, tuple[str, ...]] = {
    "person": ("person",),
    "animal": ("bird", "cat", "cow", "dog", "horse", "sheep"),
    "car": ("car",),
    "transportation": ("aeroplane", "bicycle", "boat", "bus", "motorbike", "train"),
    "product": ("bottle", "chair", "diningtable", "pottedplant", "sofa", "tvmonitor"),
}
"""The names of Pascal VOC that are each type."""

SOUGHT = ("person", "animal", "car", "transportation")
"""Types that a caller can ask for: the classes are all that there is of each. Products are more than furniture."""

FINER = ("transportation",)
"""Types that `type_level=1` calls `other`."""


def model_for(wanted: str, catalogue: Catalogue) -> Model:
    """The first one loaded that knows the type by name: the default, or two that answer together, or any other.

    The default model where none does.
    """
    default, *others = catalogue.models
    rest = sorted(others, key=lambda model: model.name != "best")
    return next((model for model in (default, *rest) if names_in(wanted, model.class_table)), default)


def names_in(wanted: str, classes: ClassTable) -> tuple[str, ...]:
    """The classes of a type that can be asked for; none where the model has no such class."""
    known = {entry.name for entry in classes}
    return tuple(name for name in CLASSES[wanted] if name in known) if wanted in SOUGHT else ()


def knows_any(classes: ClassTable) -> bool:
    """Whether a model tells types apart at all."""
    return any(_kinds(classes))


def kind_seen(prediction: Prediction) -> str:
    """The type of the class that the model sees most of; `other` where it knows no types."""
    kinds = dict(_kinds(prediction.classes))
    if not kinds:
        return OTHER
    if prediction.head == "sigmoid":
        return next(iter(kinds.values()))
    labels = prediction.scores.argmax(axis=0)
    area = {class_id: int((labels == class_id).sum()) for class_id in prediction.classes.foreground}
    return kinds.get(max(area, key=lambda class_id: area[class_id]), OTHER)


def _kinds(classes: ClassTable) -> Iterator[tuple[int, str]]:
    for entry in classes:
        for kind, names in CLASSES.items():
            if entry.name in names:
                yield entry.id, kind


def told(kind: str, level: str) -> str | None:
    """What `X-Type` says at a `type_level`; None where it is not to be said."""
    if level == "none":
        return None
    return OTHER if level == "1" and kind in FINER else kind
