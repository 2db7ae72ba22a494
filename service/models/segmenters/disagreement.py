"""How differently two segmenters see the same pictures."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from service.models.segmenters.base import Pixels, Segmenter


def disagreement(one: Segmenter, other: Segmenter, images: Iterable[Pixels]) -> float:
    """The share of pixels, 0 to 1, that get another class from the one than from the other."""
    return float(np.mean([_decide(one, image) != _decide(other, image) for image in images]))


def _decide(segmenter: Segmenter, image: Pixels) -> NDArray[np.int64]:
    """(h, w) class ids."""
    (scores,) = segmenter.predict([image])
    decided: NDArray[np.int64] = scores.argmax(axis=0) if len(scores) > 1 else np.rint(scores[0]).astype(np.int64)
    return decided
