"""Whether a model still answers what it did when its card was written."""

from pathlib import Path

from service.cli.models.example import SAMPLE, Example, cpu, read_photo
from service.models.golden import check_golden
from service.models.store import Checkpoint
from service.settings import Settings


def reproduces(checkpoint: Checkpoint, golden: Path, settings: Settings) -> bool:
    """In float32 on the CPU, where answers are the same on every machine. False where it has no golden answer.

    Raises BadWeights where it gives another one.
    """
    if not golden.is_file():
        return False
    exact = Checkpoint(checkpoint.card.model_copy(update={"precision": "fp32"}), checkpoint.weights)
    example = Example.of(exact, read_photo(SAMPLE, settings.max_pixels), cpu(settings))
    check_golden(exact.card, example.prediction, golden)
    return True
