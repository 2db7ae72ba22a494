"""Prediction to Matte: how much of each pixel belongs to the subject; and to a LabelMap with edges like the photo's."""

from collections.abc import Sequence
from typing import Literal, cast

import numpy as np
from PIL import Image, ImageChops

from service.kernels import compiled_kernels
from service.kernels.memory import image_bytes
from service.models.decisions import class_probabilities, confidence, enlarge, kept_probability, label_map
from service.models.labels import Box, Prediction, Size
from service.pixels.class_map import Decision, refined_decision
from service.pixels.decode import Photo
from service.pixels.refinement import refine as refine_edges
from service.pixels.threads import pixel_work

Refine = Literal["auto", "off", "on"]

Matte = Image.Image
"""Mode L: soft alpha from 0 to 255, as large as the photo. Eight bits, because that is what a result holds, and because
at 12 megapixels each pass over float32 takes 20 ms and 48 MB."""

SUBJECT_LEVEL = 128
"""A subject is where at least one pixel is more likely foreground than not."""

VISIBLE_LEVEL = 16
"""What is fainter does not count for the subject's box: networks leave a haze of a few percent."""


@pixel_work
def matte(prediction: Prediction, class_ids: Sequence[int], photo: Photo, refine: Refine = "auto") -> Matte:
    """The probability of `class_ids` at the photo's size, multiplied with the photo's own alpha."""
    soft = _probability(prediction, class_ids, photo, refine)
    return soft if photo.alpha is None else ImageChops.multiply(soft, photo.alpha)


@pixel_work
def matte_again(earlier: Matte, photo: Photo, refine: Refine = "auto") -> Matte:
    """An earlier matte of the photo, at any size of its aspect, as if a network had said it.

    It has the photo's own alpha in it already.
    """
    size = Size(*earlier.size)
    if size == photo.size:
        soft = earlier
    elif refine == "off" or size.width > photo.size.width:
        soft = earlier.resize(photo.size, Image.Resampling.BILINEAR)
    else:
        levels = np.asarray(earlier, np.float32) / np.float32(255)
        soft = refine_edges(levels, Box(0, 0, *size), size, photo.on_white())
    return soft if photo.alpha is None else ImageChops.darker(soft, photo.alpha)


@pixel_work
def decide(prediction: Prediction, threshold: float, photo: Photo, refine: Refine = "auto") -> Decision:
    """As `decisions.py` decides, but with the edges of the photo, which the confidence has, too: see `class_map.py`."""
    if prediction.head == "sigmoid" and _refines(refine, prediction):
        soft = np.asarray(_probability(prediction, (1,), photo, refine))
        is_foreground = soft >= threshold * 255
        return Decision(is_foreground.astype(np.uint8), np.where(is_foreground, soft, 255 - soft))
    if _refines(refine, prediction):
        probabilities, box = class_probabilities(prediction)
        return refined_decision(probabilities, box, prediction.grid, photo.on_white())
    sure = confidence(prediction, threshold)
    return Decision(label_map(prediction, threshold), np.rint(sure * 255).astype(np.uint8))


def _refines(refine: Refine, prediction: Prediction) -> bool:
    """`auto` is whenever the network saw less than the photo has: then its edges are not as fine as the photo's."""
    grid, size = prediction.grid, prediction.size
    return refine == "on" or (refine == "auto" and (size.width > grid.width or size.height > grid.height))


def _probability(prediction: Prediction, class_ids: Sequence[int], photo: Photo, refine: Refine) -> Matte:
    kept, box = kept_probability(prediction, class_ids)
    if _refines(refine, prediction):
        return refine_edges(kept, box, prediction.grid, photo.on_white())
    return enlarge(kept, box, prediction.size)


@pixel_work
def has_subject(matte: Matte) -> bool:
    if (kernels := compiled_kernels()) is not None:
        return kernels.rows.reaches(image_bytes(matte), SUBJECT_LEVEL)
    # Stops as soon as it has met 0 and 255; a histogram reads everything.
    _, highest = cast("tuple[int, int]", matte.getextrema())
    return highest >= SUBJECT_LEVEL


@pixel_work
def subject_box(matte: Matte) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of the visible subject in pixels; None where nothing is visible."""
    if (kernels := compiled_kernels()) is not None:
        return kernels.rows.bounds(image_bytes(matte), VISIBLE_LEVEL)
    return matte.point(lambda level: 255 * (level >= VISIBLE_LEVEL)).getbbox()
