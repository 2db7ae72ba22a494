"""What all places of a pool have in common."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

from service.queue.batcher import Batcher
from service.settings import Settings
from service.telemetry.metrics import Metrics
from service.workers.worker import BatchRunner, Worker

Result = TypeVar("Result")


@dataclass(frozen=True)
class Shared:
    """One for the whole pool."""

    batcher: Batcher
    settings: Settings
    metrics: Metrics
    threads: Executor
    """One thread a worker, and one for each that is starting or stopping beside it."""
    closing: asyncio.Event
    recycling: asyncio.Lock
    """Held by the one keeper that starts a second process beside its first."""
    on_trouble: Callable[[], None]
    """Called when a worker could not be started again."""
    busy: set[BatchRunner] = field(default_factory=set)
    """Those that have a batch on board."""

    async def call(self, runner: BatchRunner | Worker, blocking: Callable[[], Result]) -> Result:
        """Runs what waits for this worker on a thread.

        Where the caller is cancelled the worker is killed, so that the thread is free at once, and has let go of the
        worker when this raises.
        """
        running = asyncio.get_running_loop().run_in_executor(self.threads, blocking)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            runner.kill()
            with contextlib.suppress(Exception):
                await running
            raise
