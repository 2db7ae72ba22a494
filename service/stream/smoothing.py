"""Mattes that do not flicker: each one is mixed with its predecessor, where the network is not sure."""

import numpy as np
from numpy.typing import NDArray

from service.decisions import Plane

CERTAINTY = (5.68842, -0.748699, -57.8051, 291.309, -624.717)
"""c1 to c5 of MediaPipe's `segmentation_smoothing_calculator.cc`: a polynomial in (p - 0.5)^2 that is 0 where the
network is undecided and 1 where it is sure."""

THUMBNAIL_STEP = 8
SCENE_CUT_LEVELS = 28.0
"""Of 255, on average over a thumbnail."""


class Smoother:
    """One per session; frames come in order."""

    def __init__(self) -> None:
        self._previous: Plane | None = None
        self._thumbnail: NDArray[np.int16] | None = None

    def reset(self) -> None:
        self._previous = None

    def is_cut(self, pixels: NDArray[np.uint8]) -> bool:
        """Whether the picture, (h, w, 3) at the network's input size, shows another scene than the one before."""
        thumbnail = pixels[::THUMBNAIL_STEP, ::THUMBNAIL_STEP].astype(np.int16)
        previous, self._thumbnail = self._thumbnail, thumbnail
        return previous is not None and float(np.abs(thumbnail - previous).mean()) > SCENE_CUT_LEVELS

    def smooth(self, plane: Plane, strength: float) -> Plane:
        """The probabilities, (h, w) in [0, 1], mixed with the last ones; `strength` is the most that is kept of those.

        Source: MediaPipe's segmentation smoothing, out = new + (previous - new) * uncertainty(new) * strength.
        """
        previous = self._previous
        if previous is not None and previous.shape == plane.shape and strength:
            plane = plane + (previous - plane) * (uncertainty(plane) * strength)
        self._previous = plane
        return plane


def uncertainty(plane: Plane) -> Plane:
    """1 where the probability is 0.5, 0 where it is 0 or 1."""
    x = np.square(plane - 0.5)
    c1, c2, c3, c4, c5 = CERTAINTY
    certainty = x * (c1 + x * (c2 + x * (c3 + x * (c4 + x * c5))))
    result: Plane = 1 - np.minimum(1, certainty)
    return result
