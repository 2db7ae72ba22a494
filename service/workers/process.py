"""The worker's side: runs in a process of its own, loads every model once, warms it up, then answers batches.

It ends when the pipe closes, and with the service, however that dies. Ctrl-C and SIGTERM are the service's business: it
answers what it accepted first, and then closes the pipe.
"""

import logging
import os
import signal
import threading
import time
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

import numpy as np

from service.errors import ConfigurationError
from service.store import ModelCard
from service.workers.channel import Message, Slots, receive, send
from service.workers.plan import WorkerPlan

if TYPE_CHECKING:
    from service.segmenters.base import Segmenter

logger = logging.getLogger(__name__)

PipeEnd = "Connection[Any, Any]"


def run_worker(plan: WorkerPlan, connection: "Connection[Any, Any]", slots_name: str) -> None:
    """Everything a worker process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    cards = {card.name: card for card, _ in plan.models}
    slots = Slots.attach(slots_name, list(cards.values()))
    try:
        segmenters, device = _load(plan)
    except ConfigurationError as error:
        send(connection, failed=str(error))
        return
    except Exception as error:
        send(connection, failed=f"a worker could not load its models: {type(error).__name__}: {error}")
        return
    send(connection, ready=True, device=device)
    _answer_until_closed(connection, slots, cards, segmenters)


def _end_with_the_service() -> None:
    service = parent_process()
    if service is not None:
        wait([service.sentinel])
        os._exit(1)


def _load(plan: WorkerPlan) -> "tuple[dict[str, Segmenter], str]":
    families = plan.families()
    from service.segmenters.devices import Device

    device = Device.find(plan.device, plan.threads)
    segmenters = {card.name: families[card.family].load(card, weights, device) for card, weights in plan.models}
    for card, _ in plan.models:
        _warm_up(segmenters[card.name], card, plan.max_batch_size)
    return segmenters, str(device.torch_device)


def _warm_up(segmenter: "Segmenter", card: ModelCard, max_batch_size: int) -> None:
    """The first forward allocates and picks kernels; it must not be a caller's. Checks the card's promise, too."""
    blank = np.zeros((card.input.height, card.input.width, 3), np.uint8)
    for count in {1, max_batch_size}:
        for scores in segmenter.predict([blank] * count):
            _check(scores.shape, card)


def _check(shape: tuple[int, ...], card: ModelCard) -> None:
    if shape != card.score_shape:
        raise ConfigurationError(
            f"{card.name}: the card promises scores of {card.score_shape}, the network gives {shape}"
        )


def _answer_until_closed(
    connection: "Connection[Any, Any]", slots: Slots, cards: dict[str, ModelCard], segmenters: "dict[str, Segmenter]"
) -> None:
    while True:
        try:
            request = receive(connection)
        except (EOFError, OSError):
            return
        card = cards[request["model"]]
        send(connection, **_answer(request, slots, card, segmenters[card.name]))


def _answer(request: Message, slots: Slots, card: ModelCard, segmenter: "Segmenter") -> Message:
    """Scores go into the slots that the pixels came in. A failure is told, and the worker lives on."""
    count = request["count"]
    started = time.perf_counter()
    try:
        scores = segmenter.predict([slots.pixels(card, slot) for slot in range(count)])
        for slot, image_scores in zip(range(count), scores, strict=True):
            slots.scores(card, slot)[:] = image_scores
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"infer_ms": (time.perf_counter() - started) * 1000}
