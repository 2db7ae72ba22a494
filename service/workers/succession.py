"""A process takes the place of another one, which serves until the new one has loaded its models."""

import asyncio
import logging
import time
from typing import Generic

from service.configuration_errors import WorkerFailed
from service.telemetry.log import FIELDS
from service.workers.plan import WorkerPlan
from service.workers.processes import Process, Processes
from service.workers.shared import Shared

logger = logging.getLogger(__name__)

RETRY_S = 30.0
"""So long a worn-out worker serves on where no successor could be started."""


class Succession(Generic[Process]):
    """Of one place in the pool, over all the processes that fill it: one successor at most is on its way."""

    def __init__(self, number: int, plan: WorkerPlan, processes: Processes[Process], shared: Shared) -> None:
        self.plan = plan
        """Of the process that was started last."""
        self._number = number
        self._processes = processes
        self._shared = shared
        self._start: asyncio.Task[Process | WorkerFailed] | None = None
        self._not_before = 0.0
        self.settled = asyncio.Event()
        """While no successor is on its way."""
        self.settled.set()

    @property
    def is_under_way(self) -> bool:
        return self._start is not None

    @property
    def may_begin(self) -> bool:
        """False while one is on its way, and for a while after one could not be started."""
        return self._start is None and time.monotonic() >= self._not_before

    def has_successor(self) -> bool:
        """That is ready. Where it could not be started, this succession is over."""
        if self._start is None or not self._start.done():
            return False
        if isinstance(self._start.result(), WorkerFailed):
            self._start = None
            self.settled.set()
            return False
        return True

    def begin(self, plan: WorkerPlan, beside: asyncio.TaskGroup) -> "asyncio.Task[Process | WorkerFailed]":
        """`beside` is for what goes on while a process serves."""
        self.settled.clear()
        self._start = beside.create_task(self._start_successor(plan))
        return self._start

    async def _start_successor(self, plan: WorkerPlan) -> Process | WorkerFailed:
        """One place of the pool at a time, so that two successors never load at once."""
        async with self._shared.recycling:
            try:
                process = await self._processes.start(plan)
            except Exception as error:  # the one that serves goes on, a worn-out one for a while
                if not self._shared.closing.is_set():
                    logger.error("no successor", extra={FIELDS: {"worker": self._number, "cause": str(error)}})
                self._not_before = time.monotonic() + RETRY_S
                return as_worker_failed(error)
            self.plan = plan
            self._shared.batcher.take_up(model.card.key for model in plan.models)
            return process

    async def next_process(self) -> Process | None:
        """The successor, or the first process of all. None where it was to be a successor that could not be started.

        Raises WorkerFailed.
        """
        successor, self._start = self._start, None
        if successor is None:
            return await self._processes.start(self.plan)
        process = await successor
        self.settled.set()
        return None if isinstance(process, WorkerFailed) else process

    def close(self) -> None:
        """Nobody takes over any more."""
        if self._start is not None:
            self._start.cancel()


def as_worker_failed(error: Exception) -> WorkerFailed:
    return error if isinstance(error, WorkerFailed) else WorkerFailed(f"{type(error).__name__}: {error}")
