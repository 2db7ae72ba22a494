"""The way of one batch at a time to a worker process, and back. Blocking, as the worker: see `Shared.call`."""

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

from service.errors import ModelFailed, OutOfDeviceMemory
from service.queue.ticket import Ticket
from service.workers.channel import Caller, Message
from service.workers.plan import WorkerPlan
from service.workers.slots import Slots
from service.workers.worker import BatchRun, WorkerDied, asked_of

if TYPE_CHECKING:
    from service.workers.local.worker import LocalWorker


class Lane:
    """A pipe, and memory for the pictures of a batch and for their scores.

    Where a worker has two, one batch is brought while the other is computed; the worker computes one after the other.
    """

    def __init__(self, worker: "LocalWorker", slots: Slots) -> None:
        self._worker = worker
        self.slots = slots
        self.caller: Caller | None = None
        """Once there is a process."""

    @property
    def plan(self) -> WorkerPlan:
        return self._worker.plan

    @property
    def models(self) -> Container[str]:
        return self._worker.cards.keys()

    @property
    def device(self) -> str:
        return self._worker.device

    @property
    def pid(self) -> int:
        return self._worker.pid

    @property
    def sentinel(self) -> int:
        return self._worker.sentinel

    def run(self, batch: Sequence[Ticket], timeout_s: float, threads: int = 1) -> BatchRun:
        """As BatchRunner's. `timeout_s` is for this batch, from when that of another lane is done."""
        card = self._worker.cards[batch[0].model]
        self.slots.put(card, [ticket.pixels for ticket in batch])
        answer = self._ask(timeout_s, **asked_of(batch, threads))
        self._worker.batches += 1
        self._raise_error(answer)
        return BatchRun(self.slots.take_scores(card, len(batch)), answer["infer_s"], answer["is_traced"])

    def ping(self, timeout_s: float) -> None:
        """Raises WorkerDied where the worker does not answer in time, or its device does not compute any more."""
        self._raise_error(self._ask(timeout_s, ping=True))

    def kill(self) -> None:
        self._worker.kill()

    def close(self) -> None:
        if self.caller is not None:
            self.caller.close()

    def _ask(self, timeout_s: float, **request: Any) -> Message:
        assert self.caller is not None  # the worker was started
        try:
            self.caller.ask(**request)
        except OSError as error:
            raise WorkerDied("crash", on_board=False) from error
        try:
            answer = self._worker.reply_of(self.caller, timeout_s)
        except WorkerDied as death:
            raise WorkerDied(death.cause, on_board=self.slots.has_begun) from death
        self._worker.device_memory_bytes = answer["device_memory_bytes"]
        return answer

    def _raise_error(self, answer: Message) -> None:
        match answer.get("error_kind"):
            case "memory":
                raise OutOfDeviceMemory
            case "poisoned":
                self.kill()
                raise WorkerDied("poisoned", on_board=True)
            case "model":
                raise ModelFailed(answer["error"])
