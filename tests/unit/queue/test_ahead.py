"""Who gets a batch where some workers are free and others have one to compute first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from service.errors import Draining
from service.queue.batcher import EVERY_MODEL, Batcher
from service.queue.ticket import Batch
from tests.unit.queue.queued import FOREVER_S, asked, numbers, queue, turn_over

pytestmark = pytest.mark.anyio

Taking = asyncio.Task[Batch]


@asynccontextmanager
async def taking(batcher: Batcher, *are_ahead: bool) -> AsyncIterator[list[Taking]]:
    """A worker that waits for a batch, for each of `are_ahead`, in this order."""
    workers = [asyncio.ensure_future(batcher.take(EVERY_MODEL, partial(bool, ahead))) for ahead in are_ahead]
    await turn_over()
    try:
        yield workers
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def test_a_full_batch_is_taken_ahead_and_a_part_of_one_is_not() -> None:
    batcher = queue(2, 0.0)
    async with taking(batcher, True) as (worker,), asked(batcher, "a"):
        assert not worker.done()
        async with asked(batcher, "a"):
            assert len(await worker) == 2


async def test_a_free_worker_goes_before_one_that_has_a_batch() -> None:
    batcher = queue(2, FOREVER_S)
    async with taking(batcher, True, False) as (ahead, free), asked(batcher, "a", "a", "b"):
        assert numbers(await free) == [0, 1]
        assert not ahead.done()
        async with asked(batcher, "b"):
            assert len(await ahead) == 2  # by now nobody is free


async def test_what_has_to_run_alone_is_taken_ahead_as_it_is() -> None:
    batcher = queue(2, FOREVER_S)
    async with asked(batcher, "a", "a"):
        await batcher.give_back(await batcher.take(), "model_failed", alone=True)
        async with taking(batcher, True) as (worker,):
            assert len(await worker) == 1


async def test_who_waits_for_a_batch_ahead_hears_that_none_will_come() -> None:
    batcher = queue(2, 0.0)
    async with taking(batcher, True) as (worker,):
        await batcher.close(Draining())
        with pytest.raises(Draining):
            await worker


async def test_a_worker_that_left_is_waited_for_by_nobody() -> None:
    batcher = queue(1, 0.0)
    async with taking(batcher, False):
        pass
    async with taking(batcher, True) as (worker,), asked(batcher, "a"):
        assert numbers(await worker) == [0]
