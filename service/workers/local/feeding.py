"""Feeds a worker that has two lanes: while it computes a batch, the next full one is brought to it.

What it guarantees: what a Feeder guarantees, for each lane. Whatever ends one lane ends the other as soon as what that
has on board is answered, or back in the queue.
"""

import asyncio
from contextlib import AbstractContextManager

from service.workers.feeder import Feeder, hearing_of_death
from service.workers.local.worker import LocalWorker
from service.workers.shared import Shared
from service.workers.worker import WorkerDied

BATCHES_IN_A_ROW = 16
"""Then both lanes are empty for once, and somebody may look whether the process is worn out or has a successor."""


class LaneFeeding:
    """For one worker process, from its first batch to its last."""

    def __init__(self, number: int, worker: LocalWorker, shared: Shared) -> None:
        self._worker = worker
        self._feeders = [Feeder(number, lane, shared) for lane in worker.lanes]
        first, second = self._feeders
        first.beside, second.beside = second, first
        self._has_died = False
        self._is_over = False
        self._left = 0
        """Batches of this row."""

    def watching(self) -> AbstractContextManager[None]:
        """As Feeder's."""
        return hearing_of_death(self._worker.sentinel, self._on_death)

    def _on_death(self) -> None:
        self._has_died = True
        self.call()

    def call(self) -> None:
        """As Feeder's, for both lanes."""
        self._is_over = True
        for feeder in self._feeders:
            feeder.call()

    async def feed(self) -> None:
        """A row of batches. Raises WorkerDied, or Draining when no batch will come any more."""
        self._is_over, self._left = self._has_died, BATCHES_IN_A_ROW
        lanes = [asyncio.create_task(self._serve(feeder)) for feeder in self._feeders]
        try:
            await asyncio.wait(lanes)
        finally:  # cancelled: Feeder kills the process, and its batch is answered
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
        if self._has_died:
            raise WorkerDied("crash", on_board=False)
        for lane in lanes:
            lane.result()

    async def _serve(self, feeder: Feeder) -> None:
        """Raises WorkerDied, or Draining."""
        try:
            while self._left and not self._is_over:
                self._left -= 1
                await feeder.feed()
        finally:
            self.call()
