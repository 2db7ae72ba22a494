"""What a Keeper and a Feeder know of a worker, wherever it computes."""

from collections.abc import Container, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from service.models.labels import Scores
from service.queue.ticket import Ticket
from service.workers.channel import Message
from service.workers.plan import WorkerPlan

DeathCause = Literal["crash", "hang", "poisoned"]


class WorkerDied(Exception):
    """The process is gone, or of no more use and was killed."""

    def __init__(self, cause: DeathCause, *, on_board: bool) -> None:
        super().__init__(cause)
        self.cause: DeathCause = cause
        self.on_board = on_board
        """Whether the batch had reached it, and so may be what killed it."""


@dataclass(frozen=True)
class BatchRun:
    """The scores of each image, in order, and how long the worker took for all."""

    scores: list[Scores]
    infer_s: float
    is_traced: bool
    """The worker has told of it itself, to whoever takes the spans."""


def asked_of(batch: Sequence[Ticket], threads: int) -> Message:
    """What a worker is told of a batch; its pixels come another way."""
    traceparents = [ticket.traceparent for ticket in batch if ticket.traceparent]
    return {"model": batch[0].model, "count": len(batch), "threads": threads, "traceparents": traceparents}


class BatchRunner(Protocol):
    """What runs one batch at a time. Blocking: it is called on threads, see `Shared.call`."""

    @property
    def plan(self) -> WorkerPlan: ...

    @property
    def models(self) -> Container[str]:
        """What it can run, by the keys of cards."""

    @property
    def device(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def sentinel(self) -> int:
        """A file descriptor that becomes readable when the process dies."""

    def run(self, batch: Sequence[Ticket], timeout_s: float, threads: int = 1) -> BatchRun:
        """One model's tickets, in their order, on so many threads of a CPU.

        Raises WorkerDied, also where there is no answer after `timeout_s`; ModelFailed with the cause;
        OutOfDeviceMemory.
        """

    def ping(self, timeout_s: float) -> None:
        """Raises WorkerDied where there is no answer in time."""

    def kill(self) -> None:
        """At once; a thread that waits in `run` gets WorkerDied."""


class Worker(Protocol):
    """What fills one place of a pool, from its start to its end. Blocking, as BatchRunner."""

    @property
    def plan(self) -> WorkerPlan: ...

    @property
    def device(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def rss_bytes(self) -> int: ...

    @property
    def device_memory_bytes(self) -> int: ...

    @property
    def batches(self) -> int:
        """That it has run."""

    def start(self) -> dict[str, float]:
        """Returns when every model is loaded and warmed up: what one image took, in seconds, by model.

        Raises WorkerFailed with the reason.
        """

    def stop(self) -> None:
        """Make it end. Frees all that it took. Whoever comes second finds nothing to do."""

    def kill(self) -> None:
        """At once; a thread that waits for it gets WorkerDied, or WorkerFailed."""


class Feeding(Protocol):
    """How a worker gets its batches."""

    def watching(self) -> AbstractContextManager[None]:
        """Within this, `feed` hears at once of the death of an idle process."""

    def call(self) -> None:
        """`feed` returns as soon as what is on board is answered: there is something else to think of."""

    async def feed(self) -> None:
        """For a while. Raises WorkerDied, or Draining when no batch will come any more."""
