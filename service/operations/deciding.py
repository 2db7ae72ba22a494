"""A class for every pixel of a photo, with the caller's hand in it."""

import numpy as np

from service.errors import BadOption
from service.models.labels import BACKGROUND, VOID, LabelMap
from service.operations.operation import Seen
from service.pixels.class_map import Decision, Levels
from service.pixels.decode import Photo
from service.pixels.matting import SUBJECT_LEVEL, Refine, decide


def decided(seen: Seen, threshold: float, refine: Refine) -> Decision:
    """A class for every pixel, as the model says and the caller corrects it.

    Raises BadOption for a correction of several classes: nobody says which of them is meant.
    """
    if seen.correction.is_empty:
        return decide(seen.prediction, threshold, seen.photo, refine)
    if len(seen.class_ids) != 1:
        raise BadOption(f"a correction is of one class: name it in `classes`, and no other, for {seen.model.name}")
    (class_id,) = seen.class_ids
    soft = np.asarray(seen.matte(refine))
    if seen.prediction.head == "softmax":
        return _with_class(decide(seen.prediction, threshold, seen.photo, refine), class_id, soft)
    is_subject = soft >= threshold * 255
    labels = np.where(is_subject, np.uint8(class_id), np.uint8(BACKGROUND))
    return Decision(labels, np.where(is_subject, soft, 255 - soft))


def _with_class(decision: Decision, class_id: int, soft: Levels) -> Decision:
    """The decision, where one class is as a corrected matte has it; what it lost is background."""
    is_subject, was_subject = soft >= SUBJECT_LEVEL, decision.labels == class_id
    labels = np.where(is_subject, np.uint8(class_id), np.where(was_subject, np.uint8(BACKGROUND), decision.labels))
    moved = np.where(is_subject, soft, 255 - soft)
    return Decision(labels, np.where(is_subject == was_subject, decision.confidence, moved))


def void_where_transparent(labels: LabelMap, photo: Photo) -> LabelMap:
    """Nothing is to be seen where the input is fully transparent, so no class is claimed there."""
    if photo.alpha is None:
        return labels
    return np.where(np.asarray(photo.alpha) == 0, np.uint8(VOID), labels)
