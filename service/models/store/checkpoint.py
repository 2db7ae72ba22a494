"""A model as a worker loads it: what it is, where its verified weights are, and how exactly it computes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from service.models.store.card import ModelCard
from service.models.store.int8_ranges import Int8Ranges

if TYPE_CHECKING:
    from service.models.engines.shared_weights import SharedWeights


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a Segmenter needs."""

    card: ModelCard
    weights: Path
    """A safetensors file with the pinned sha256."""
    int8_ranges: Int8Ranges | None = None
    """None where the model was never calibrated for 8 bits."""
    shared_weights: "SharedWeights | None" = field(default=None, repr=False, compare=False)
    """Where weights in another form are put for all workers; without it, each has its own."""
