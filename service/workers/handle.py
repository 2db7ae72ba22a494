"""The service's side of one worker process. Blocking: the pool calls it on a thread of the worker's own."""

import contextlib
import multiprocessing
import time
from typing import Any

from service.batcher import Batch, Outcome
from service.errors import ModelFailed, WorkerFailed
from service.workers.channel import Message, Slots, receive, send
from service.workers.plan import WorkerPlan
from service.workers.process import run_worker

STOP_TIMEOUT_S = 5.0


class WorkerDied(Exception):
    """The process is gone."""

    def __init__(self, *, on_board: bool) -> None:
        super().__init__()
        self.on_board = on_board
        """Whether the batch had reached it, and so may be what killed it."""


class WorkerHandle:
    """One worker process, from its start to its end; it is not started twice."""

    def __init__(self, plan: WorkerPlan) -> None:
        context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        self._cards = {card.name: card for card, _ in plan.models}
        self._slots = Slots.create(list(self._cards.values()), plan.max_batch_size)
        self._connection, self._far_end = context.Pipe()
        self._process = context.Process(target=run_worker, args=(plan, self._far_end, self._slots.name), daemon=True)
        self.device = plan.device

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def sentinel(self) -> int:
        """A file descriptor that becomes readable when the process dies."""
        return self._process.sentinel

    def start(self) -> None:
        """Returns when every model is loaded and warmed up. Raises WorkerFailed with the worker's own reason."""
        try:
            self._process.start()
            # Ours must be the only open copy of this end, or the death of the worker would not close the pipe.
            self._far_end.close()
            greeting = self._receive()
        except WorkerDied:
            raise WorkerFailed(f"a worker died while it loaded its models{self._exit_reason()}") from None
        finally:
            self._slots.forget_name()
        if reason := greeting.get("failed"):
            raise WorkerFailed(reason)
        self.device = greeting["device"]

    def run(self, batch: Batch) -> list[Outcome]:
        """The outcomes of one model's tickets, in their order. Raises WorkerDied, or ModelFailed with the cause."""
        card = self._cards[batch[0].model]
        started = time.monotonic()
        for slot, ticket in enumerate(batch):
            self._slots.pixels(card, slot)[:] = ticket.pixels
        answer = self._ask(model=card.name, count=len(batch))
        if "error" in answer:
            raise ModelFailed(answer["error"])
        return [
            Outcome(
                scores=self._slots.scores(card, slot).copy(),
                device=self.device,
                queue_ms=(started - ticket.queued_at) * 1000,
                infer_ms=answer["infer_ms"],
            )
            for slot, ticket in enumerate(batch)
        ]

    def stop(self) -> None:
        """Ask the worker to end, and make it end."""
        with contextlib.suppress(OSError):
            self._connection.close()
        self._process.join(STOP_TIMEOUT_S)
        self.kill()
        self._process.join()
        self._slots.close()

    def kill(self) -> None:
        """At once; a thread that waits in `run` or `start` gets WorkerDied."""
        if self._process.is_alive():
            self._process.kill()

    def _ask(self, **request: Any) -> Message:
        try:
            send(self._connection, **request)
        except OSError as error:
            raise WorkerDied(on_board=False) from error
        return self._receive()

    def _receive(self) -> Message:
        try:
            return receive(self._connection)
        except (EOFError, OSError) as error:
            raise WorkerDied(on_board=True) from error

    def _exit_reason(self) -> str:
        self._process.join(STOP_TIMEOUT_S)
        return f" (exit code {self._process.exitcode})"
