"""The worker's side: runs in a process of its own, loads every model once, warms it up, then answers batches.

It ends when the pipe closes, and with the service, however that dies. Ctrl-C and SIGTERM are the service's business: it
answers what it accepted first, and then closes the pipe.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from service.configuration_errors import ConfigurationError, RecordingFailed
from service.models.labels import Scores
from service.models.store import Checkpoint, ModelCard
from service.models.store.store import sha256_of
from service.workers.allocator import keep_blocks, return_free_blocks
from service.workers.channel import GREETING, Message, receive, send
from service.workers.plan import WorkerPlan
from service.workers.slots import Slots

if TYPE_CHECKING:
    from service.models.segmenters.base import Segmenter
    from service.models.segmenters.devices import Device


WAIT_ASLEEP = ("OMP_WAIT_POLICY", "PASSIVE")
"""In the environment when torch is imported. While threads that wait for work spin, as is OpenMP's default, a worker
beside them was measured to take 1.4 times as long."""

SERVICE_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""The service's business: it answers what it accepted first, and then closes the pipe."""


@dataclass(frozen=True)
class Loaded:
    """What a worker has once it is ready."""

    device: "Device"
    cards: Mapping[str, ModelCard]
    segmenters: "Mapping[str, Segmenter]"
    warm_s: Mapping[str, float]
    """Seconds for one image, by model."""


def run_worker(connection: "Connection[Any, Any]", plan: WorkerPlan, slots: Slots) -> None:
    """Everything a worker process does."""
    os.environ.setdefault(*WAIT_ASLEEP)
    keep_blocks()
    for number in SERVICE_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SERVICE_SIGNALS)
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    try:
        loaded = load(plan)
    except RecordingFailed as error:
        send(connection, GREETING, not_recorded=str(error))
    except ConfigurationError as error:
        send(connection, GREETING, failed=str(error))
    except Exception as error:
        send(connection, GREETING, failed=f"a worker could not load its models: {type(error).__name__}: {error}")
    else:
        send(connection, GREETING, device=str(loaded.device.torch_device), warm_s=dict(loaded.warm_s))
        _answer_until_closed(connection, slots, loaded)


def _end_with_the_service() -> None:
    service = parent_process()
    if service is not None:
        wait([service.sentinel])
        os._exit(1)


def load(plan: WorkerPlan) -> Loaded:
    """Every model, warmed up. Raises ConfigurationError, RecordingFailed."""
    families = plan.families()
    from service.models.segmenters.devices import Device

    device = Device.find(plan.device, plan.most_threads, plan.cuda_graphs)
    cards = {model.card.key: model.card for model in plan.models}
    segmenters = {model.card.key: _load_model(families, model, device) for model in plan.models}
    warm_s = {key: _warm_up(segmenters[key], card, plan.max_batch_size) for key, card in cards.items()}
    return_free_blocks()
    return Loaded(device, cards, segmenters, warm_s)


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


def _answer_until_closed(connection: "Connection[Any, Any]", slots: Slots, loaded: Loaded) -> None:
    while True:
        try:
            number, request = receive(connection)
        except (EOFError, OSError):
            return
        answer = _probe(loaded.device) if "ping" in request else _answer(request, slots, loaded)
        send(connection, number, device_memory_bytes=loaded.device.memory_bytes(), **answer)


def _probe(device: "Device") -> Message:
    return {} if device.computes() else {"error_kind": "poisoned"}


def _answer(request: Message, slots: Slots, loaded: Loaded) -> Message:
    """Scores go into the slots that the pixels came in."""
    card = loaded.cards[request["model"]]
    pictures = [slots.pixels(card, slot) for slot in range(request["count"])]

    def keep(slot: int, scores: Scores) -> None:
        slots.scores(card, slot)[:] = scores

    return attempt(loaded, card.key, pictures, request["threads"], keep)


def attempt(
    loaded: Loaded,
    model: str,
    pictures: "Sequence[NDArray[np.uint8]]",
    threads: int,
    keep: Callable[[int, Scores], None],
) -> Message:
    """One batch; `keep` gets the number of each image and its scores. A failure is told, and the worker lives on."""
    loaded.device.use_threads(threads)
    started = time.perf_counter()
    try:
        for number, scores in enumerate(_predicted(loaded, model, pictures)):
            keep(number, scores)
    except Exception as error:
        return {"error_kind": loaded.device.diagnose(error), "error": f"{type(error).__name__}: {error}"}
    return {"infer_s": time.perf_counter() - started}


def _predicted(loaded: Loaded, model: str, pictures: "Sequence[NDArray[np.uint8]]") -> list[Scores]:
    """Raises ValueError where there are not as many scores as images."""
    scores = loaded.segmenters[model].predict(pictures)
    return [each for _, each in zip(pictures, scores, strict=True)]
