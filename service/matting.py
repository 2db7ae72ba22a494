"""Prediction to Matte: how much of each pixel belongs to the subject."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.decisions import class_probabilities, upsample
from service.labels import Prediction

Matte = NDArray[np.float32]
"""(H, W) soft alpha in [0, 1]."""

SUBJECT_PROBABILITY = 0.5
"""A subject is where at least one sample is more likely foreground than not."""

VISIBLE_ALPHA = 1 / 16
"""What is fainter does not count for the subject's box: networks leave a haze of a few percent."""


def matte(prediction: Prediction, class_ids: Sequence[int], alpha: Image.Image | None) -> Matte:
    """The probability of `class_ids` at the image's size, multiplied with the image's own alpha."""
    probabilities, box = class_probabilities(prediction)
    soft: Matte = upsample(probabilities[list(class_ids)].sum(axis=0), box, prediction.size).clip(0, 1)
    if alpha is not None:
        soft *= np.asarray(alpha, np.float32) / 255
    return soft


def has_subject(matte: Matte) -> bool:
    return bool(matte.max() >= SUBJECT_PROBABILITY)


def subject_box(matte: Matte) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of the visible subject in pixels; None where nothing is visible."""
    return to_8_bit(matte).point(lambda level: 255 * (level >= 255 * VISIBLE_ALPHA)).getbbox()


def to_8_bit(matte: Matte) -> Image.Image:
    """Mode L."""
    return Image.fromarray(np.rint(matte * 255).astype(np.uint8))
