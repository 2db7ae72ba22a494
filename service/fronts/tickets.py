"""What another process asks of the queue, and what it hears."""

import numpy as np

from service.fronts.wire import Message, packed
from service.queue.asking import TicketQueue
from service.queue.schedule import Lane
from service.queue.ticket import Outcome


async def predicted(queue: TicketQueue, message: Message) -> Outcome:
    """Of a question of `RemoteQueue`. Raises what the queue raises."""
    asked = message.facts
    pixels = np.frombuffer(message.content, np.uint8).reshape(asked["shape"])
    lane = Lane(asked["lane"])
    return await queue.predict(asked["model"], pixels, asked["deadline"], lane, asked["traceparent"])


def packed_outcome(number: int, outcome: Outcome) -> bytes:
    """The answer to it."""
    scores = outcome.scores
    return packed(
        "answer",
        number,
        scores.tobytes(),
        shape=scores.shape,
        device=outcome.device,
        worker=outcome.worker,
        batch_size=outcome.batch_size,
        queue_ms=outcome.queue_ms,
        infer_ms=outcome.infer_ms,
        is_traced=outcome.is_traced,
    )
