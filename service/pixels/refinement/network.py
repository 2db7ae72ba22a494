"""The small network of the cascade: how much more likely are the parts of an unsure pixel the subject?

Three layers, 22,000 weights. `scripts/train_refinement.py` made them; `provenance.md` beside this file says of what.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from service.kernels import Layers
from service.pixels.refinement.surroundings import LIMITS, SURE_LEVELS, Description, Features

WEIGHTS = Path(__file__).with_name("weights.safetensors")

LEAST, MOST = np.float32(0.004), np.float32(0.996)
"""A probability that is no surer has a logit that can be moved."""

HAZE = np.float32(0.012)
"""Below three of 255 levels an answer means no: a logit never gets to 0, and a veil of one level would stay."""

LOGITS = np.float32(4)
"""What an output of 1 adds to the logit."""


@dataclass(frozen=True)
class RefinementNetwork:
    """Fully connected layers, ReLU between them."""

    weights: Sequence[NDArray[np.float32]]
    """Of each layer, (inputs, outputs)."""
    biases: Sequence[NDArray[np.float32]]

    @classmethod
    def load(cls, path: Path) -> Self:
        tensors = load_file(path)
        count = len(tensors) // 2
        return cls([tensors[f"{n}.weight"] for n in range(count)], [tensors[f"{n}.bias"] for n in range(count)])

    def correct(self, before: NDArray[np.uint8], known: Description) -> NDArray[np.uint8]:
        """(n, 4): the answer, 0 to 255, for the four parts of n pixels, given what it was and what is known of them."""
        answer = before * np.float32(1 / 255)
        logits = _logits(answer) + LOGITS * self(known.features)
        corrected = ((1 / (1 + np.exp(-logits)) - HAZE) / (1 - 2 * HAZE)).clip(0, 1)
        levels: NDArray[np.uint8] = np.rint((answer + known.trust * (corrected - answer)) * 255).astype(np.uint8)
        return levels

    @cached_property
    def layers(self) -> Layers:
        """For the compiled loops, which compute what `correct` does."""
        weights, biases = (tuple(map(np.ascontiguousarray, each)) for each in (self.weights, self.biases))
        every_level = np.arange(256, dtype=np.float32) * np.float32(1 / 255)
        return Layers(weights, biases, _logits(every_level), float(LOGITS), float(HAZE), LIMITS, SURE_LEVELS)

    def __call__(self, features: Features) -> NDArray[np.float32]:
        """(n, 4)"""
        *hidden, last = zip(self.weights, self.biases, strict=True)
        activations = features
        for weight, bias in hidden:
            activations = activations @ weight
            activations += bias
            np.maximum(activations, 0, out=activations)
        result: NDArray[np.float32] = activations @ last[0] + last[1]
        return result


def _logits(answer: NDArray[np.float32]) -> NDArray[np.float32]:
    likely = answer.clip(LEAST, MOST)
    logits: NDArray[np.float32] = np.log(likely / (1 - likely))
    return logits


@cache
def built_in_network() -> RefinementNetwork:
    return RefinementNetwork.load(WEIGHTS)
