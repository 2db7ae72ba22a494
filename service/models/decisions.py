"""From a network's scores to decisions about pixels: label maps, masks, confidence, and who is in the picture.

Scores are upsampled first and decided after, so borders are smooth and class ids are never interpolated.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.models.labels import Box, LabelMap, Mask, Prediction, Scores, Size

Plane = NDArray[np.float32]
"""(H, W): one number a pixel, such as a probability or a logit."""


# The longer side at which logits become probabilities. Softmax after a large enlargement keeps borders as sharp as
# the logits are; at full size it would cost one plane a class.
SOFTMAX_SIDE_PX = 512


COMPARED_CLASSES = 4
"""With more, one look into a table is quicker than a comparison a class."""


def upsample(plane: Plane, box: Box, size: Size) -> Plane:
    """The `box` of a small plane, bilinearly, at the image's size."""
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR, box=box))


def enlarge(plane: Plane, box: Box, size: Size) -> Image.Image:
    """As `upsample`, of values from 0 to 1 in 8 bits: rounded first, so within 1.5 levels of the exact value.

    Each axis rounds once more; a quarter of the bytes are enlarged.
    """
    small = Image.fromarray(np.rint(plane * 255).astype(np.uint8))
    return small.resize(size, Image.Resampling.BILINEAR, box=box)


def label_map(prediction: Prediction, threshold: float) -> LabelMap:
    """(H, W) class ids. A sigmoid head's foreground (id 1) is where its probability reaches `threshold`."""
    if prediction.head == "sigmoid":
        return (_foreground(prediction) >= threshold).astype(np.uint8)
    return _strongest(prediction)


def mask_of(labels: LabelMap, class_ids: Sequence[int]) -> Mask:
    """Where the label map has any of the classes.

    12 megapixels: 2 ms a class by comparing and 14 ms for any number of them by a table; np.isin takes 27 to 97 ms.
    """
    if len(class_ids) > COMPARED_CLASSES:
        wanted = [int(class_id in class_ids) for class_id in range(256)]
        return np.asarray(Image.fromarray(labels).point(wanted)).view(np.bool_)
    mask = np.zeros(labels.shape, np.bool_)
    for class_id in class_ids:
        mask |= labels == class_id
    return mask


def bounds_of(mask: Mask) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the pixels in a mask that has some; right and bottom are exclusive."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def classes_in(labels: LabelMap) -> list[int]:
    """The ids that at least one pixel has, in order. 12 megapixels: 11 ms; np.unique sorts them, in 89 ms."""
    return [class_id for class_id, count in enumerate(Image.fromarray(labels).histogram()) if count]


def confidence(prediction: Prediction, threshold: float) -> Plane:
    """(H, W) in [0, 1]: the probability of the class that was decided on."""
    if prediction.head == "sigmoid":
        foreground = _foreground(prediction)
        return np.where(foreground >= threshold, foreground, 1 - foreground)
    probabilities, box = class_probabilities(prediction)
    return upsample(probabilities.max(axis=0), box, prediction.size)


def class_probabilities(prediction: Prediction) -> tuple[Scores, Box]:
    """(C, h, w) probabilities that sum to 1 over C, below the image's size, and the part of them that shows it."""
    if prediction.head == "sigmoid":
        return np.concatenate([1 - prediction.scores, prediction.scores]), prediction.box
    size = _working_size(prediction.size)
    logits = np.stack([upsample(plane, prediction.box, size) for plane in prediction.scores])
    return softmax(logits), Box(0, 0, *size)


def kept_probability(prediction: Prediction, class_ids: Sequence[int]) -> tuple[Plane, Box]:
    """(h, w) in [0, 1]: that of `class_ids` together, and the part that shows the image; the others' take no memory."""
    probabilities, box = class_probabilities(prediction)
    kept = probabilities[list(class_ids)].sum(axis=0)
    return kept.clip(0, 1, out=kept), box


def _working_size(size: Size) -> Size:
    scale = min(1.0, SOFTMAX_SIDE_PX / max(size))
    return Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))


def softmax(logits: Scores) -> Scores:
    """Probabilities over the first axis, shifted by the maximum so that nothing overflows."""
    exponentials = np.exp(logits - logits.max(axis=0))
    probabilities: Scores = exponentials / exponentials.sum(axis=0)
    return probabilities


def _foreground(prediction: Prediction) -> Plane:
    return upsample(prediction.scores[0], prediction.box, prediction.size)


def _strongest(prediction: Prediction) -> LabelMap:
    """The class with the highest upsampled logit; one plane in memory at a time, not one a class."""
    first, *others = candidates(prediction.scores) if _enlarges(prediction) else range(len(prediction.scores))
    best = upsample(prediction.scores[first], prediction.box, prediction.size).copy()
    labels = np.full(best.shape, first, np.uint8)
    for class_id in others:
        plane = upsample(prediction.scores[class_id], prediction.box, prediction.size)
        labels[plane > best] = class_id
        np.maximum(best, plane, out=best)
    return labels


def _enlarges(prediction: Prediction) -> bool:
    """True where the image is larger than its scores, so that each pixel mixes four neighbouring samples at most."""
    box, size = prediction.box, prediction.size
    return size.width >= box.right - box.left and size.height >= box.bottom - box.top


def candidates(logits: Scores) -> list[int]:
    """The classes that can win anywhere once the logits are enlarged bilinearly.

    Between four neighbouring samples every class is the same weighted mean of its own corners, so a class that stays
    below one rival at all four corners wins nowhere between them. Most photos keep 2 to 5 of 21 classes.
    """
    winners = np.unique(logits.argmax(axis=0)).tolist()
    cells = _cell_corners(logits)
    losers = (class_id for class_id in range(len(logits)) if class_id not in winners)
    return sorted(winners + [loser for loser in losers if not _is_dominated(cells, loser, winners)])


def _cell_corners(logits: Scores) -> NDArray[np.float32]:
    """(4, C, h + 1, w + 1): the corners of each cell, with the border repeated outwards as resizing does."""
    padded = np.pad(logits, ((0, 0), (1, 1), (1, 1)), mode="edge")
    return np.stack([padded[:, y : y - 1 or None, x : x - 1 or None] for y in (0, 1) for x in (0, 1)])


def _is_dominated(cells: NDArray[np.float32], loser: int, winners: list[int]) -> bool:
    """True where, in every cell, one winner is at least as strong as `loser` at all four corners."""
    dominated = (cells[:, winners] >= cells[:, [loser]]).all(axis=0).any(axis=0)
    return bool(dominated.all())
