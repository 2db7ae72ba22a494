"""The processes of one place in a pool: started on threads, and none outlives its use with its memory or its pipe."""

import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from service.telemetry.log import FIELDS
from service.workers.plan import WorkerPlan
from service.workers.shared import Shared
from service.workers.worker import Worker

logger = logging.getLogger(__name__)

Process = TypeVar("Process", bound=Worker)


class Processes(Generic[Process]):
    """Mostly one; two or three where one is about to take over from another."""

    def __init__(self, number: int, shared: Shared, make: Callable[[WorkerPlan], Process]) -> None:
        self._number = number
        self._shared = shared
        self._make = make
        self._running: set[Process] = set()

    async def start(self, plan: WorkerPlan) -> Process:
        """Returns when it has loaded the models. Raises WorkerFailed, and then nothing of it is left."""
        process = self._make(plan)
        self._running.add(process)
        try:
            warm_s = await self._shared.call(process, process.start)
        except BaseException:  # whatever ends the start, nothing of the process may stay
            await self.end(process)
            raise
        for model, image_s in warm_s.items():
            self._shared.batcher.pace.observe(model, image_s, 1)
        logger.info("worker ready", extra=self.facts(process, device=process.device))
        return process

    async def end(self, process: Process) -> None:
        """Returns when it has ended, and all that it took is free."""
        try:
            await self._shared.call(process, process.stop)
        finally:
            self._running.discard(process)

    async def end_all(self) -> None:
        for process in list(self._running):
            await self.end(process)

    def kill(self) -> None:
        """All, at once."""
        for process in self._running:
            process.kill()

    def facts(self, process: Process, **more: str) -> dict[str, Any]:
        """For the log: whose line it is."""
        return {FIELDS: {"worker": self._number, "pid": process.pid, **more}}
