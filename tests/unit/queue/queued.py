"""A queue whose requests and workers a test plays. Delays here are only ever upper bounds."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import numpy as np

from service.queue.batcher import Batcher
from service.queue.schedule import BatchPolicy
from service.queue.ticket import Batch, Outcome
from service.telemetry.metrics import Metrics

PATIENCE_S = 60.0
"""How long a test waits for what must happen."""

FOREVER_S = 3600.0

Call = asyncio.Task[Outcome]


def outcome(number: int) -> Outcome:
    scores = np.full((1, 1, 1), number, np.float32)
    return Outcome(scores, device="cpu", worker=0, batch_size=1, queue_ms=0.0, infer_ms=0.0)


def queue(max_batch_size: int, max_queue_delay_s: float) -> Batcher:
    """For one worker."""
    return Batcher(BatchPolicy(max_batch_size, None, max_queue_delay_s), workers=1, metrics=Metrics())


def numbers(batch: Batch) -> list[int]:
    """Which images are on board: each is filled with its own number."""
    return [int(ticket.pixels[0, 0, 0]) for ticket in batch]


def serve(batcher: Batcher, batch: Batch) -> None:
    batcher.answer(batch, [outcome(number) for number in numbers(batch)], run_s=0.01)


async def turn_over() -> None:
    """Let everything that can go on do so: no time passes."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def asked(batcher: Batcher, *models: str, timeout_s: float = FOREVER_S) -> AsyncIterator[list[Call]]:
    """One call per model, in this order, with images 0, 1, 2, ...; what is left at the end is cancelled."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    calls = [
        asyncio.ensure_future(batcher.predict(model, np.full((2, 2, 3), number, np.uint8), deadline))
        for number, model in enumerate(models)
    ]
    await turn_over()
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield calls
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def results(calls: Iterable[Call]) -> list[float]:
    return [float((await call).scores[0, 0, 0]) for call in calls]
