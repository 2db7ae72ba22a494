"""A model as a worker loads it: what it is, where its verified weights are, and how exactly it computes."""

from dataclasses import dataclass
from pathlib import Path

from service.models.store.card import ModelCard
from service.models.store.int8_ranges import Int8Ranges


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a Segmenter needs."""

    card: ModelCard
    weights: Path
    """A safetensors file with the pinned sha256."""
    int8_ranges: Int8Ranges | None = None
    """None where the model was never calibrated for 8 bits."""
