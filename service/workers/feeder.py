"""A Feeder takes batches off the queue for one worker process, and deals with every way in which one can fail.

What it guarantees: every batch that it took is answered or back in the queue before it takes another one.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator

from service.errors import Draining, ModelFailed, OutOfDeviceMemory
from service.queue.ticket import Batch, Outcome
from service.telemetry.log import FIELDS
from service.telemetry.stopwatch import MS_PER_S
from service.workers.shared import Shared
from service.workers.worker import BatchRun, BatchRunner, WorkerDied

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def hearing_of_death(sentinel: int, heard: Callable[[], None]) -> Iterator[None]:
    """Within this, `heard` is called on the event loop, once, when the process of `sentinel` dies."""
    loop = asyncio.get_running_loop()

    def on_death() -> None:
        loop.remove_reader(sentinel)
        heard()

    loop.add_reader(sentinel, on_death)
    try:
        yield
    finally:
        loop.remove_reader(sentinel)


class Feeder:
    """For one worker process, from its first batch to its last."""

    def __init__(self, number: int, runner: BatchRunner, shared: Shared) -> None:
        self._number = number
        self._runner = runner
        self._shared = shared
        self.beside: Feeder | None = None
        """That of the same process' other lane, where it has one."""
        self._has_batch = False
        self._ended_at = 0.0
        """When its last batch was done; by time.monotonic()."""
        self._has_died = False
        self._is_called = False
        self._idle: asyncio.Timeout | None = None
        """The wait for a batch, while there is one."""

    def watching(self) -> contextlib.AbstractContextManager[None]:
        """Within this, `feed` hears at once of the death of an idle process, so that it is replaced before anyone
        waits for it.
        """
        return hearing_of_death(self._runner.sentinel, self._on_death)

    def _on_death(self) -> None:
        self._has_died = True
        self._stop_waiting()

    def call(self) -> None:
        """`feed` returns without a batch where it waits for one: there is something else to think of."""
        self._is_called = True
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._idle is not None and not self._idle.expired():
            self._idle.reschedule(asyncio.get_running_loop().time())

    async def feed(self) -> None:
        """One batch; or, where none came for a while, a question whether the worker is well.

        Raises WorkerDied, or Draining when no batch will come any more.
        """
        batch = await self._next_batch()
        if batch is not None:
            await self._run(batch)
        elif self._has_died:
            raise WorkerDied("crash", on_board=False)
        elif self._is_called:
            self._is_called = False
        elif not self._is_ahead():  # or the answer would come after the batch
            timeout_s = self._shared.settings.heartbeat_timeout_s
            await self._shared.call(self._runner, lambda: self._runner.ping(timeout_s))

    async def _next_batch(self) -> Batch | None:
        """None where the worker has died, or was called, or nothing came for `heartbeat_interval_s`."""
        if self._has_died or self._is_called:
            return None
        try:
            async with asyncio.timeout(self._shared.settings.heartbeat_interval_s) as self._idle:
                return await self._shared.batcher.take(self._runner.models, self._is_ahead)
        except TimeoutError:
            return None
        finally:
            self._idle = None

    def _is_ahead(self) -> bool:
        """The process has a batch of the other lane to compute first."""
        return self.beside is not None and self.beside._has_batch

    async def _run(self, batch: Batch) -> None:
        """The batch is answered, or goes back to the queue. Raises WorkerDied."""
        self._has_batch = True
        try:
            await self._run_or_give_back(batch)
        finally:
            self._has_batch, self._ended_at = False, time.monotonic()

    def _alone_since(self, started: float) -> float:
        """From when on the process had no other batch to compute than the one that was started then."""
        return max(started, self.beside._ended_at) if self.beside is not None else started

    async def _run_or_give_back(self, batch: Batch) -> None:
        batcher = self._shared.batcher
        started = time.monotonic()
        queue_ms = [ticket.waited_s * MS_PER_S for ticket in batch]
        try:
            run = await self._run_on_worker(batch)
            run_s = time.monotonic() - self._alone_since(started)
            batcher.answer(batch, self._outcomes(run, queue_ms), run_s)
        except WorkerDied as death:
            await batcher.give_back(batch, death.cause, crashed=death.on_board)
            raise
        except OutOfDeviceMemory as failure:
            await self._run_smaller(batch, failure)
        except ModelFailed as failure:
            await self._run_apart(batch, failure)
        except asyncio.CancelledError:
            batcher.fail(batch, Draining())
            raise
        except Exception:  # ours; whatever it is, nobody waits for ever and the worker is not lost
            facts = {"worker": self._number, "pid": self._runner.pid, "batch_size": len(batch)}
            logger.exception("batch failed", extra={FIELDS: facts})
            batcher.fail(batch, ModelFailed())

    async def _run_on_worker(self, batch: Batch) -> BatchRun:
        shared, runner = self._shared, self._runner
        shared.busy.add(runner)
        threads = self._runner.plan.threads_beside(len(shared.busy) - 1 + shared.batcher.waiting)
        timeout_s = shared.settings.batch_timeout_s
        try:
            return await shared.call(runner, lambda: runner.run(batch, timeout_s, threads))
        finally:
            shared.busy.discard(runner)

    def _outcomes(self, run: BatchRun, queue_ms: list[float]) -> list[Outcome]:
        size, infer_ms = len(queue_ms), run.infer_s * MS_PER_S
        return [
            Outcome(scores, self._runner.device, self._number, size, waited_ms, infer_ms, run.is_traced)
            for scores, waited_ms in zip(run.scores, queue_ms, strict=True)
        ]

    async def _run_smaller(self, batch: Batch, failure: OutOfDeviceMemory) -> None:
        """Half as many next time, and from then on; one image that does not fit alone fails."""
        logger.warning("out of device memory", extra={FIELDS: {"model": batch[0].model, "batch_size": len(batch)}})
        if len(batch) == 1:
            self._shared.batcher.fail(batch, failure)
            return
        self._shared.batcher.learn_size_limit(batch[0].model, len(batch) // 2)
        await self._shared.batcher.give_back(batch, "memory")

    async def _run_apart(self, batch: Batch, failure: ModelFailed) -> None:
        """One bad image must not harm its neighbours: each runs alone, and fails alone."""
        if len(batch) > 1:
            await self._shared.batcher.give_back(batch, "model_failed", alone=True)
            return
        logger.error("model failed", extra={FIELDS: {"model": batch[0].model, "cause": failure.detail}})
        self._shared.batcher.fail(batch, ModelFailed())
