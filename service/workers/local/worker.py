"""The service's side of one worker process. Blocking: it is called on threads, see `Shared.call`."""

import contextlib
import logging
import sys
from collections.abc import Container, Sequence
from dataclasses import replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from service.configuration_errors import WorkerFailed
from service.errors import ModelFailed, OutOfDeviceMemory
from service.queue.ticket import Ticket
from service.telemetry.log import FIELDS
from service.workers.channel import Message
from service.workers.child import ChildProcess
from service.workers.local.main import run_worker
from service.workers.plan import WorkerPlan
from service.workers.slots import Slots
from service.workers.worker import BatchRun, WorkerDied, asked_of

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

logger = logging.getLogger(__name__)

TEMPLATE = "service.workers.local.template"
"""What workers on a CPU are forked from."""


def context_for(device: str) -> "SpawnContext | ForkServerContext":
    """How a worker's process is made. CUDA does not survive a fork, nor do macOS' own libraries."""
    if device != "cpu" or sys.platform != "linux":
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([TEMPLATE])
    return context


class LocalWorker(ChildProcess):
    """One worker process, from its start to its end; it is not started twice."""

    def __init__(self, plan: WorkerPlan) -> None:
        """Raises WorkerFailed where there is no memory or no pipe for it."""
        super().__init__()
        self.plan = plan
        self._cards = {model.card.key: model.card for model in plan.models}
        with contextlib.ExitStack() as taken:
            try:
                self._slots = Slots.create(list(self._cards.values()), plan.max_batch_size)
                taken.callback(self._slots.close)
                self._make_worker(plan)
            except OSError as error:
                raise WorkerFailed(f"no shared memory or pipe for a worker: {error}") from error
            taken.pop_all()
        self.device = plan.device
        self.device_memory_bytes = 0
        self.batches = 0

    def _make_worker(self, plan: WorkerPlan) -> None:
        self._make_process(context_for(plan.device), run_worker, plan, self._slots)

    @property
    def models(self) -> Container[str]:
        """What it can run, by the keys of cards."""
        return self._cards.keys()

    def start(self) -> dict[str, float]:
        """Returns when every model is loaded and warmed up: what one image took, in seconds, by model.

        Raises WorkerFailed with the worker's own reason.
        """
        greeting = self._greeted()
        self.device = greeting["device"]
        warm_s: dict[str, float] = greeting["warm_s"]
        return warm_s

    def _first_greeting(self) -> Message:
        greeting = self._launch()
        if cause := greeting.get("not_recorded"):
            logger.warning("worker without CUDA graphs", extra={FIELDS: {"pid": self.pid, "cause": cause}})
            greeting = self._launch_without_graphs()
        return greeting

    def _launch_without_graphs(self) -> Message:
        """Again, in a process that did not try: a failed recording may leave torch or the device in disorder."""
        with self._starting:
            if not self._unwanted.is_set():
                self._caller.close()
                self._process.kill()
                self._process.join()
                with self._lock:
                    self._process.close()
                    self._make_worker(replace(self.plan, cuda_graphs=False))
        return self._launch()

    def run(self, batch: Sequence[Ticket], timeout_s: float, threads: int = 1) -> BatchRun:
        """One model's tickets, in their order, on so many threads of a CPU.

        Raises WorkerDied, also where the worker is still silent after `timeout_s` and was killed for it; ModelFailed
        with the cause; OutOfDeviceMemory.
        """
        card = self._cards[batch[0].model]
        self._slots.put(card, [ticket.pixels for ticket in batch])
        answer = self._ask(timeout_s, **asked_of(batch, threads))
        self.batches += 1
        self._raise_error(answer)
        return BatchRun(self._slots.take_scores(card, len(batch)), answer["infer_s"], answer["is_traced"])

    def ping(self, timeout_s: float) -> None:
        """Raises WorkerDied where the worker does not answer in time, or its device does not compute any more."""
        self._raise_error(self._ask(timeout_s, ping=True))

    def _free(self) -> None:
        self._slots.close()

    def _ask(self, timeout_s: float, **request: Any) -> Message:
        try:
            self._caller.ask(**request)
        except OSError as error:
            raise WorkerDied("crash", on_board=False) from error
        answer = self._reply(timeout_s)
        self.device_memory_bytes = answer["device_memory_bytes"]
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
