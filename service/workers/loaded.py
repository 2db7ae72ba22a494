"""The networks of one worker: loaded once, warmed up, and asked for one batch after the other."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from service.configuration_errors import ConfigurationError
from service.models.labels import Scores
from service.models.store import Checkpoint, ModelCard
from service.models.store.store import sha256_of
from service.telemetry.stopwatch import NO_FACTS, Facts, Measured
from service.telemetry.tracing import worker_tracing
from service.workers.allocator import return_free_blocks
from service.workers.channel import Message
from service.workers.plan import WorkerPlan

if TYPE_CHECKING:
    from service.models.segmenters.base import Segmenter
    from service.models.segmenters.devices import Device
    from service.telemetry.otel import Tracing


WAIT_ASLEEP = ("OMP_WAIT_POLICY", "PASSIVE")
"""In the environment when torch is imported. While threads that wait for work spin, as is OpenMP's default, a worker
beside them was measured to take 1.4 times as long."""


@dataclass(frozen=True)
class Loaded:
    """What a worker has once it is ready."""

    device: "Device"
    cards: Mapping[str, ModelCard]
    segmenters: "Mapping[str, Segmenter]"
    warm_s: Mapping[str, float]
    """Seconds for one image, by model."""
    tracing: "Tracing | None"

    def close(self) -> None:
        """Sends what it has still to tell."""
        if self.tracing is not None:
            self.tracing.close()


def load(plan: WorkerPlan, identity: Facts = NO_FACTS) -> Loaded:
    """Every model, warmed up. `identity` is what tells this worker from others. Raises ConfigurationError,
    RecordingFailed.
    """
    families = plan.families()
    from service.models.segmenters.devices import Device

    device = Device.find(plan.device, plan.most_threads, plan.cuda_graphs)
    cards = {model.card.key: model.card for model in plan.models}
    segmenters = {model.card.key: _load_model(families, model, device) for model in plan.models}
    warm_s = {key: _warm_up(segmenters[key], card, plan.max_batch_size) for key, card in cards.items()}
    return_free_blocks()
    return Loaded(device, cards, segmenters, warm_s, worker_tracing(plan.traces_url, identity))


def _load_model(families: "Mapping[str, type[Segmenter]]", model: Checkpoint, device: "Device") -> "Segmenter":
    """Raises ConfigurationError, in one line, for whatever torch or safetensors have to say of the weights."""
    card, known = model.card, ", ".join(families)
    if card.family not in families:
        raise ConfigurationError(f"model {card.name!r}: no network family is {card.family!r}; known: {known}")
    if sha256_of(model.weights) != card.converted.sha256:  # a worker may start long after the service has looked
        raise ConfigurationError(f"{model.weights} is not what it was: run `silhouette models load {card.name}`")
    try:
        return families[card.family].load(model, device)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"model {card.name!r} does not load from {model.weights}: {reason}") from error


def _warm_up(segmenter: "Segmenter", card: ModelCard, max_batch_size: int) -> float:
    """The first forward allocates and picks kernels; it must not be a caller's. Checks the card's promise, too.

    Returns the seconds that one image takes when that is done.
    """
    segmenter.expect(max_batch_size)
    blank = np.zeros((card.input.height, card.input.width, 3), np.uint8)
    for count in sorted({1, max_batch_size}, reverse=True):
        for scores in segmenter.predict([blank] * count):
            _check(scores.shape, card)
    started = time.perf_counter()
    segmenter.predict([blank])
    return time.perf_counter() - started


def _check(shape: tuple[int, ...], card: ModelCard) -> None:
    if shape != card.score_shape:
        raise ConfigurationError(
            f"{card.name}: the card promises scores of {card.score_shape}, the network gives {shape}"
        )


def run_batch(
    loaded: Loaded,
    model: str,
    pictures: "Sequence[NDArray[np.uint8]]",
    threads: int,
    keep: Callable[[int, Scores], None],
    traceparents: Sequence[str] = (),
) -> Message:
    """One batch; `keep` gets the number of each image and its scores. A failure is told, and the worker lives on."""
    loaded.device.use_threads(threads)
    began_s = time.monotonic()
    try:
        for number, scores in enumerate(_predicted(loaded, model, pictures)):
            keep(number, scores)
    except Exception as error:
        return {"error_kind": loaded.device.diagnose(error), "error": f"{type(error).__name__}: {error}"}
    ended_s = time.monotonic()
    if loaded.tracing is not None:
        facts = _facts(loaded, model, len(pictures))
        loaded.tracing.shared(traceparents, Measured("infer", began_s, ended_s, facts))
    return {"infer_s": ended_s - began_s, "is_traced": loaded.tracing is not None}


def _facts(loaded: Loaded, model: str, count: int) -> Facts:
    return {
        "silhouette.model": loaded.cards[model].label,
        "silhouette.device": str(loaded.device.torch_device),
        "silhouette.batch_size": count,
    }


def _predicted(loaded: Loaded, model: str, pictures: "Sequence[NDArray[np.uint8]]") -> list[Scores]:
    """Raises ValueError where there are not as many scores as images."""
    scores = loaded.segmenters[model].predict(pictures)
    return [each for _, each in zip(pictures, scores, strict=True)]
