"""What waits in the queue, and what it becomes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.errors import Failure
from service.models.labels import Scores, Size
from service.queue.schedule import Lane


@dataclass(frozen=True)
class Outcome:
    """The scores of one image, and how they came about."""

    scores: Scores
    device: str
    worker: int
    batch_size: int
    queue_ms: float
    infer_ms: float
    is_traced: bool = False
    """The worker has told of its run itself."""


@dataclass(eq=False)
class Ticket:
    """One prepared image, its deadline and its answer. Times are those of time.monotonic(), the event loop's clock."""

    model: str
    """The key of a card."""
    pixels: NDArray[np.uint8]
    deadline: float
    lane: Lane
    queued_at: float
    answer: "asyncio.Future[Outcome]"
    traceparent: str = ""
    """Of the request, for the worker's own span; empty where nobody wants to know."""
    started_at: float | None = None
    """When a worker took it; None while it waits."""
    crashes: int = 0
    runs_alone: bool = False
    has_yielded: bool = False

    @property
    def waited_s(self) -> float:
        """From its arrival until a worker took it."""
        return (self.started_at or self.queued_at) - self.queued_at

    @property
    def size(self) -> Size:
        height, width = self.pixels.shape[:2]
        return Size(width, height)

    def fail(self, failure: Failure) -> None:
        if not self.answer.done():
            self.answer.set_exception(failure)

    def succeed(self, outcome: Outcome) -> None:
        if not self.answer.done():
            self.answer.set_result(outcome)


Batch = Sequence[Ticket]
"""Tickets of one model and size that run together; never empty."""
