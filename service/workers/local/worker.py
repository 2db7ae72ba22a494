"""The service's side of one worker process. Blocking: it is called on threads, see `Shared.call`."""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from service.configuration_errors import WorkerFailed
from service.models.store import Checkpoint
from service.telemetry.log import FIELDS
from service.workers.channel import Caller, Message
from service.workers.child import ChildProcess
from service.workers.local.forking import context_for, end_unused_template
from service.workers.local.lane import Lane
from service.workers.local.main import run_worker
from service.workers.plan import WorkerPlan
from service.workers.slots import Slots

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext, SpawnContext

logger = logging.getLogger(__name__)


class LocalWorker(ChildProcess):
    """One worker process, from its start to its end; it is not started twice."""

    def __init__(self, plan: WorkerPlan, models: Sequence[Checkpoint] | None = None) -> None:
        """`models` are the plan's, with what workers share of them.

        Raises WorkerFailed where there is no memory or no pipe for it.
        """
        super().__init__()
        self.plan = plan
        self._models = plan.models if models is None else models
        self.cards = {model.card.key: model.card for model in plan.models}
        self.lanes: list[Lane] = []
        """One, or two where the next batch is brought while one is computed."""
        self._far_ends: list[Connection[Any, Any]] = []
        """Of the pipes of all lanes but the first."""
        with contextlib.ExitStack() as taken:
            try:
                for _ in range(1 + plan.takes_ahead):
                    slots = Slots.create(list(self.cards.values()), plan.max_batch_size)
                    taken.callback(slots.close)
                    self.lanes.append(Lane(self, slots))
                taken.callback(self._close_pipes)
                self._make_worker(plan)
            except OSError as error:
                raise WorkerFailed(f"no shared memory or pipe for a worker: {error}") from error
            taken.pop_all()
        self.device = plan.device
        self.device_memory_bytes = 0
        self.batches = 0

    def _make_worker(self, plan: WorkerPlan) -> None:
        context = context_for(plan.device)
        first, *ahead = self.lanes
        far_lanes = [(self._open_pipe(context, lane), lane.slots) for lane in ahead]
        self._make_process(context, run_worker, replace(plan, models=self._models), first.slots, far_lanes)
        first.caller = self._caller
        callers = [lane.caller for lane in self.lanes if lane.caller]
        for caller in callers:
            caller.beside = [other for other in callers if other is not caller]

    def _open_pipe(self, context: "SpawnContext | ForkServerContext", lane: Lane) -> "Connection[Any, Any]":
        """Its far end."""
        near_end, far_end = context.Pipe()
        lane.caller = Caller(near_end)
        self._far_ends.append(far_end)
        return far_end

    def _close_pipes(self) -> None:
        for lane in self.lanes:
            lane.close()
        self._close_far_ends()

    def _close_far_ends(self) -> None:
        for far_end in self._far_ends:
            far_end.close()
        self._far_ends.clear()

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
                self._close_pipes()
                self._process.kill()
                self._process.join()
                with self._lock:
                    self._process.close()
                    self._make_worker(replace(self.plan, cuda_graphs=False))
        return self._launch()

    def kill(self) -> None:
        """At once, also where what it is to be forked from is still importing."""
        super().kill()
        if self._starting.locked() and not self.pid:
            end_unused_template()

    def _hand_over(self) -> None:
        super()._hand_over()
        self._close_far_ends()

    def _hang_up(self) -> None:
        super()._hang_up()
        self._close_pipes()

    def _free(self) -> None:
        self._models = ()
        for lane in self.lanes:
            lane.slots.close()
