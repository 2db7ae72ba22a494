"""Prediction to Matte: how much of each pixel belongs to the subject."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from PIL import Image, ImageChops

from service.decisions import class_probabilities
from service.labels import Prediction

Matte = Image.Image
"""Mode L: soft alpha from 0 to 255, as large as the photo. Eight bits, because that is what a result holds, and because
at 12 megapixels each pass over float32 takes 20 ms and 48 MB."""

SUBJECT_LEVEL = 128
"""A subject is where at least one pixel is more likely foreground than not."""

VISIBLE_LEVEL = 16
"""What is fainter does not count for the subject's box: networks leave a haze of a few percent."""


def matte(prediction: Prediction, class_ids: Sequence[int], alpha: Image.Image | None) -> Matte:
    """The probability of `class_ids` at the image's size, multiplied with the image's own alpha."""
    probabilities, box = class_probabilities(prediction)
    kept = probabilities[list(class_ids)].sum(axis=0).clip(0, 1)
    # Rounded before it is enlarged: within 1.5 levels of the exact value, as each axis rounds once more.
    small = Image.fromarray(np.rint(kept * 255).astype(np.uint8))
    soft = small.resize(prediction.size, Image.Resampling.BILINEAR, box=box)
    return soft if alpha is None else ImageChops.multiply(soft, alpha)


def has_subject(matte: Matte) -> bool:
    # Stops as soon as it has met 0 and 255; a histogram reads everything.
    _, highest = cast("tuple[int, int]", matte.getextrema())
    return highest >= SUBJECT_LEVEL


def subject_box(matte: Matte) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of the visible subject in pixels; None where nothing is visible."""
    return matte.point(lambda level: 255 * (level >= VISIBLE_LEVEL)).getbbox()
