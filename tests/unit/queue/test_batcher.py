"""Who is in the next batch, when it leaves, and how long that may take."""

import asyncio
import time

import numpy as np
import pytest

from service.errors import DeadlineUnreachable, Draining, NotReady
from service.queue.schedule import Lane
from tests.unit.queue.queued import FOREVER_S, PATIENCE_S, asked, numbers, queue, results, serve, turn_over

pytestmark = pytest.mark.anyio

pytestmark = pytest.mark.anyio


async def test_a_worker_gets_what_is_of_its_models_and_leaves_the_rest_in_its_order() -> None:
    batcher = queue(max_batch_size=2, max_queue_delay_s=0)
    async with asked(batcher, "old", "new", "old", "new") as calls:
        batch = await batcher.take({"new"})
        assert numbers(batch) == [1, 3]
        taking = asyncio.ensure_future(batcher.take({"new"}))
        await turn_over()
        assert not taking.done()
        rest = await batcher.take()
        assert numbers(rest) == [0, 2]
        for each in (batch, rest):
            serve(batcher, each)
        await asyncio.gather(*calls)
        await batcher.close(Draining())
        with pytest.raises(Draining):
            await taking


async def test_the_oldest_goes_first_and_everybody_gets_their_own_answer() -> None:
    batcher = queue(1, 0)
    async with asked(batcher, "a", "a", "a") as calls:
        for number in range(3):
            batch = await batcher.take()
            assert numbers(batch) == [number]
            serve(batcher, batch)
        assert await results(calls) == [0, 1, 2]


async def test_a_batch_is_of_one_model_and_no_larger_than_allowed() -> None:
    batcher = queue(2, 0)
    async with asked(batcher, "a", "b", "a", "a", "b") as calls:
        batches = [await batcher.take() for _ in range(3)]
        assert [numbers(batch) for batch in batches] == [[0, 2], [1, 4], [3]]
        for batch in batches:
            serve(batcher, batch)
        assert await results(calls) == [0, 1, 2, 3, 4]


async def test_the_depth_is_what_no_worker_has_taken() -> None:
    batcher = queue(2, 0)
    async with asked(batcher, "a", "a", "a") as calls:
        assert batcher.waiting == 3
        await batcher.take()
        assert batcher.waiting == 1
        calls[2].cancel()
        await turn_over()
        assert batcher.waiting == 0


async def test_a_worker_that_waits_gets_the_next_ticket() -> None:
    batcher = queue(4, 0)
    taking = asyncio.ensure_future(batcher.take())
    await turn_over()
    assert not taking.done()
    async with asked(batcher, "a"):
        assert numbers(await taking) == [0]


async def test_of_two_waiting_workers_one_gets_the_ticket_and_the_other_goes_on_waiting() -> None:
    batcher = queue(4, 0)
    taking = [asyncio.ensure_future(batcher.take()) for _ in range(2)]
    await turn_over()
    async with asked(batcher, "a"):
        assert sorted(task.done() for task in taking) == [False, True]
        async with asked(batcher, "a"):
            assert [numbers(await task) for task in taking] == [[0], [0]]


# --- the delay --------------------------------------------------------------------------------------------------------


async def test_without_a_delay_a_lone_ticket_leaves_at_once() -> None:
    batcher = queue(8, 0)
    async with asked(batcher, "a"):
        assert numbers(await batcher.take()) == [0]


async def test_a_full_batch_does_not_wait_for_the_delay() -> None:
    batcher = queue(2, FOREVER_S)
    async with asked(batcher, "a", "a"):
        assert numbers(await batcher.take()) == [0, 1]


async def test_a_batch_waits_for_more_and_leaves_as_soon_as_it_is_full() -> None:
    batcher = queue(2, FOREVER_S)
    async with asked(batcher, "a"):
        taking = asyncio.ensure_future(batcher.take())
        await turn_over()
        assert not taking.done()
        async with asked(batcher, "a"):
            assert len(await taking) == 2


async def test_other_models_do_not_fill_a_batch() -> None:
    batcher = queue(2, FOREVER_S)
    async with asked(batcher, "a", "b"):
        taking = asyncio.ensure_future(batcher.take())
        await turn_over()
        assert not taking.done()
        taking.cancel()


async def test_a_batch_that_stays_small_leaves_when_the_delay_is_over() -> None:
    delay_s = 0.05
    batcher = queue(8, delay_s)
    started = time.monotonic()
    async with asked(batcher, "a"):
        assert numbers(await batcher.take()) == [0]
    assert time.monotonic() - started >= delay_s


async def test_a_ticket_that_has_waited_long_enough_does_not_wait_again() -> None:
    """The delay counts from the ticket's arrival, not from when a worker becomes free."""
    batcher = queue(8, 0.01)
    async with asked(batcher, "a", "a"):
        await asyncio.to_thread(time.sleep, 0.02)
        started = time.monotonic()
        await batcher.take()
        assert time.monotonic() - started < 5


async def test_two_workers_that_wait_for_the_same_batch_do_not_share_it() -> None:
    batcher = queue(2, FOREVER_S)
    async with asked(batcher, "a"):
        taking = [asyncio.ensure_future(batcher.take()) for _ in range(2)]
        await turn_over()
        async with asked(batcher, "a"):
            await turn_over()
            assert [len(task.result()) for task in taking if task.done()] == [2]
        for task in taking:
            task.cancel()


# --- time and memory --------------------------------------------------------------------------------------------------


async def test_the_expected_wait_is_what_waits_times_what_images_took() -> None:
    batcher = queue(1, 0)
    batcher.pace.observe("a", run_s=2.0, images=1)
    async with asked(batcher, "a", "a", "a"):
        assert batcher.expected_wait_s() == pytest.approx(6.0)
        await batcher.take()
        assert batcher.expected_wait_s() == pytest.approx(6.0, abs=2)


async def test_a_ticket_that_would_wait_past_its_deadline_hears_it_at_once() -> None:
    batcher = queue(1, 0)
    batcher.pace.observe("a", run_s=20.0, images=1)
    async with asked(batcher, "a"), asked(batcher, "a", timeout_s=10.0) as late:
        with pytest.raises(DeadlineUnreachable) as refused:
            await late[0]
        assert refused.value.retry_after_s == 20


async def test_a_lone_ticket_is_tried_however_slow_its_model_is() -> None:
    batcher = queue(1, 0)
    batcher.pace.observe("a", run_s=3600.0, images=1)
    async with asked(batcher, "a", timeout_s=PATIENCE_S):
        assert numbers(await batcher.take()) == [0]


async def test_bulk_lets_interactive_go_first() -> None:
    batcher = queue(1, 0)
    deadline = asyncio.get_running_loop().time() + FOREVER_S
    image = np.full((2, 2, 3), 9, np.uint8)
    bulk = asyncio.ensure_future(batcher.predict("a", image, deadline, Lane.BULK))
    await turn_over()
    async with asked(batcher, "a"):
        assert [numbers(await batcher.take()) for _ in range(2)] == [[0], [9]]
    bulk.cancel()


async def test_a_learnt_limit_stays() -> None:
    batcher = queue(8, 0)
    batcher.learn_size_limit("a", 2)
    batcher.learn_size_limit("a", 4)
    async with asked(batcher, "a", "a", "a", "b", "b", "b"):
        assert [len(await batcher.take()) for _ in range(3)] == [2, 1, 3]


async def test_where_no_worker_is_left_those_who_wait_are_told() -> None:
    batcher = queue(1, 0)
    async with asked(batcher, "a", "a") as calls:
        batcher.refuse_waiting(NotReady("no worker starts"))
        for call in calls:
            with pytest.raises(NotReady):
                await call
        assert batcher.waiting == 0
