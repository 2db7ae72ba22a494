"""A model's golden answer: small, kept beside its card, and what its weights must give again for the photo we ship.

The checksum says that the weights are the published ones. This says that they are prepared, run and read as they were
when the card was written, whatever engine and machine that is today.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.configuration_errors import BadCard, BadWeights
from service.models.decisions import label_map, upsample
from service.models.labels import Prediction, Size
from service.models.store import ModelCard

SIDE = 64
"""Of the answer: a wrong mean, order of colours or output changes much more than a few of so many pixels."""

THRESHOLD = 0.5

MOST_DIFFERENCE = 0.01
"""Of a foreground's mean probability, and of the share of pixels with another class.

Compared in fp32: there u2net, u2netp, selfie and deeplab-voc differ by less than .00001, computed by torch as by
OpenVINO. In eight bits u2net is .005 off, u2netp .001, and deeplab-voc .015 (AMD EPYC with AVX2, 2026-11-28).
"""


def golden_answer(prediction: Prediction) -> NDArray[np.uint8]:
    """(64, 64): a foreground's probability in 255 steps, or ids of classes."""
    size = Size(SIDE, SIDE)
    if prediction.head == "sigmoid":
        return np.rint(255 * upsample(prediction.scores[0], prediction.box, size)).astype(np.uint8)
    return label_map(replace(prediction, size=size), THRESHOLD)


def difference(prediction: Prediction, golden: NDArray[np.uint8]) -> float:
    """0 to 1."""
    answer = golden_answer(prediction)
    if prediction.head == "sigmoid":
        return float(np.abs(np.subtract(answer, golden, dtype=np.float64)).mean() / 255)
    return float((answer != golden).mean())


def check_golden(card: ModelCard, prediction: Prediction, file: Path) -> None:
    """Raises BadWeights where the answer is another one, and BadCard where `file` is no golden answer."""
    differs = difference(prediction, _read(file))
    if differs > MOST_DIFFERENCE:
        raise BadWeights(
            f"{card.name} does not give its golden answer: it is off by {differs:.3f}, and {MOST_DIFFERENCE} is allowed"
        )


def _read(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as picture:
        if picture.size != (SIDE, SIDE) or picture.mode != "L":
            raise BadCard(f"{file}: a golden answer is a grey picture of {SIDE}x{SIDE} pixels")
        return np.asarray(picture)


def write_golden(prediction: Prediction, file: Path) -> None:
    Image.fromarray(golden_answer(prediction)).save(file, optimize=True)
