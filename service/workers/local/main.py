"""What a worker process does: it loads every model once, warms it up, then answers batches until its pipe closes."""

import os
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from service.configuration_errors import ConfigurationError, RecordingFailed
from service.models.labels import Scores
from service.workers.allocator import keep_blocks
from service.workers.channel import GREETING, Message, receive, send
from service.workers.lifetime import end_with_the_service, leave_signals_to_the_service
from service.workers.loaded import WAIT_ASLEEP, Loaded, load, run_batch
from service.workers.plan import WorkerPlan
from service.workers.slots import Slots

if TYPE_CHECKING:
    from service.models.segmenters.devices import Device


FarLane = tuple["Connection[Any, Any]", Slots]


def run_worker(
    connection: "Connection[Any, Any]", plan: WorkerPlan, slots: Slots, ahead: Sequence[FarLane] = ()
) -> None:
    """From the start of the process to its end. Batches also come through the lanes that are `ahead`."""
    os.environ.setdefault(*WAIT_ASLEEP)
    keep_blocks()
    leave_signals_to_the_service()
    end_with_the_service()
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
        _answer_until_closed(dict([(connection, slots), *ahead]), loaded)
        loaded.close()


def _answer_until_closed(lanes: "Mapping[Connection[Any, Any], Slots]", loaded: Loaded) -> None:
    """One batch after the other, whichever way they come."""
    while True:
        for connection in wait(list(lanes)):
            assert isinstance(connection, Connection)
            try:
                number, request = receive(connection)
            except (EOFError, OSError):
                return
            answer = _probe(loaded.device) if "ping" in request else _answer(request, lanes[connection], loaded)
            send(connection, number, device_memory_bytes=loaded.device.memory_bytes(), **answer)


def _probe(device: "Device") -> Message:
    return {} if device.computes() else {"error_kind": "poisoned"}


def _answer(request: Message, slots: Slots, loaded: Loaded) -> Message:
    """Scores go into the slots that the pixels came in."""
    slots.begin()
    card = loaded.cards[request["model"]]
    pictures = [slots.pixels(card, slot) for slot in range(request["count"])]

    def keep(slot: int, scores: Scores) -> None:
        slots.scores(card, slot)[:] = scores

    return run_batch(loaded, card.key, pictures, request["threads"], keep, request["traceparents"])
