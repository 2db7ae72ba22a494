"""The queue, driven by a test that plays the requests and the workers. Delays here are only ever upper bounds."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import numpy as np
import pytest

from service.errors import (
    DeadlineExceeded,
    DeadlineUnreachable,
    Draining,
    Failure,
    ModelCrashed,
    ModelFailed,
    NotReady,
)
from service.queue.batcher import Batch, Batcher, Outcome, Ticket
from service.queue.schedule import BatchPolicy, Lane
from service.telemetry.metrics import Metrics

pytestmark = pytest.mark.anyio

PATIENCE_S = 60.0
"""How long a test waits for what must happen."""

FOREVER_S = 3600.0

Call = asyncio.Task[Outcome]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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


# --- those who are gone -----------------------------------------------------------------------------------------------


async def test_a_ticket_whose_deadline_passed_is_answered_and_never_taken() -> None:
    batcher = queue(8, 0)
    async with asked(batcher, "a", timeout_s=0.01) as expired:
        with pytest.raises(DeadlineExceeded):
            await expired[0]
        async with asked(batcher, "b", "b"):
            batch = await batcher.take()
            assert {ticket.model for ticket in batch} == {"b"}
            assert len(batch) == 2


async def test_a_ticket_whose_deadline_passed_in_the_worker_is_answered_all_the_same() -> None:
    batcher = queue(8, 0)
    async with asked(batcher, "a", timeout_s=0.05) as calls:
        batch = await batcher.take()
        with pytest.raises(DeadlineExceeded):
            await calls[0]
        serve(batcher, batch)


async def test_a_request_that_comes_after_its_deadline_wakes_no_worker() -> None:
    batcher = queue(8, 0)
    taking = asyncio.ensure_future(batcher.take())
    await turn_over()
    async with asked(batcher, "a", timeout_s=-1.0) as late:
        with pytest.raises(DeadlineExceeded):
            await late[0]
        assert not taking.done()
    taking.cancel()


async def test_a_ticket_whose_client_left_is_never_taken() -> None:
    batcher = queue(8, 0)
    async with asked(batcher, "a", "a", "a") as calls:
        calls[1].cancel()
        await turn_over()
        assert numbers(await batcher.take()) == [0, 2]


async def test_a_ticket_that_leaves_while_a_batch_waits_does_not_fill_it() -> None:
    batcher = queue(3, FOREVER_S)
    async with asked(batcher, "a", "a") as calls:
        taking = asyncio.ensure_future(batcher.take())
        await turn_over()
        calls[0].cancel()
        async with asked(batcher, "a"):
            await turn_over()
            assert not taking.done()
        taking.cancel()


async def test_when_all_have_left_a_worker_goes_on_waiting() -> None:
    batcher = queue(1, 0)
    async with asked(batcher, "a", "a") as calls:
        for call in calls:
            call.cancel()
        await turn_over()
        taking = asyncio.ensure_future(batcher.take())
        await turn_over()
        assert not taking.done()
        async with asked(batcher, "b"):
            assert (await taking)[0].model == "b"


# --- crashes ----------------------------------------------------------------------------------------------------------


async def test_tickets_of_a_dead_worker_go_to_the_front_in_their_order() -> None:
    batcher = queue(2, 0)
    async with asked(batcher, "a", "a", "a", "a"):
        await batcher.give_back(await batcher.take(), "crash", crashed=True)
        assert [numbers(await batcher.take()) for _ in range(2)] == [[0, 1], [2, 3]]


async def test_a_ticket_of_two_dead_workers_runs_alone_and_fails_alone() -> None:
    batcher = queue(2, 0)
    async with asked(batcher, "a", "a") as calls:
        for on_board in ([0, 1], [0, 1], [0]):
            batch = await batcher.take()
            assert numbers(batch) == on_board
            await batcher.give_back(batch, "crash", crashed=True)
        with pytest.raises(ModelCrashed):
            await calls[0]
        serve(batcher, await batcher.take())
        assert (await calls[1]).scores.item() == 1


async def test_a_ticket_that_is_given_back_wakes_a_waiting_worker() -> None:
    batcher = queue(1, 0)
    async with asked(batcher, "a"):
        batch = await batcher.take()
        taking = asyncio.ensure_future(batcher.take())
        await turn_over()
        await batcher.give_back(batch, "crash", crashed=True)
        assert numbers(await taking) == [0]


async def test_tickets_of_a_worker_that_died_before_it_had_them_are_not_suspected() -> None:
    batcher = queue(2, 0)
    async with asked(batcher, "a", "a") as calls:
        for _ in range(5):
            await batcher.give_back(await batcher.take(), "crash", crashed=False)
        serve(batcher, await batcher.take())
        assert await results(calls) == [0, 1]


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


# --- the end ----------------------------------------------------------------------------------------------------------


async def test_closing_answers_everybody_who_waits() -> None:
    batcher = queue(1, 0)
    async with asked(batcher, "a", "b", "a") as calls:
        await batcher.close(Draining())
        for call in calls:
            with pytest.raises(Draining):
                await call


async def test_after_closing_nobody_comes_in_and_no_worker_waits() -> None:
    batcher = queue(1, 0)
    taking = asyncio.ensure_future(batcher.take())
    await turn_over()
    await batcher.close(Draining())
    with pytest.raises(Draining):
        await taking
    with pytest.raises(Draining):
        await batcher.take()
    async with asked(batcher, "a") as calls:
        with pytest.raises(Draining):
            await calls[0]


async def test_closing_ends_a_worker_that_waits_for_more() -> None:
    batcher = queue(2, FOREVER_S)
    async with asked(batcher, "a"):
        taking = asyncio.ensure_future(batcher.take())
        await turn_over()
        await batcher.close(Draining())
        with pytest.raises(Draining):
            await asyncio.wait_for(taking, PATIENCE_S)


async def test_a_batch_on_board_is_still_answered_after_closing() -> None:
    batcher = queue(1, 0)
    async with asked(batcher, "a") as calls:
        batch = await batcher.take()
        await batcher.close(Draining())
        serve(batcher, batch)
        assert await results(calls) == [0]


async def test_tickets_given_back_after_closing_are_answered() -> None:
    """Their worker died while the service drained; no other will come for them."""
    batcher = queue(1, 0)
    async with asked(batcher, "a") as calls:
        batch = await batcher.take()
        await batcher.close(Draining())
        await batcher.give_back(batch, "crash", crashed=True)
        await turn_over()
        assert calls[0].done()
        with pytest.raises(Failure):
            await calls[0]


# --- answers ----------------------------------------------------------------------------------------------------------


def tickets(count: int) -> list[Ticket]:
    loop = asyncio.get_running_loop()
    image = np.zeros((1, 1, 3), np.uint8)
    return [Ticket("a", image, FOREVER_S, Lane.INTERACTIVE, 0.0, loop.create_future()) for _ in range(count)]


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_nobody_is_answered_where_the_numbers_differ(count: int) -> None:
    batch = tickets(2)
    with pytest.raises(ValueError, match="zip"):
        queue(2, 0).answer(batch, [outcome(number) for number in range(count)], run_s=0.01)
    assert not any(ticket.answer.done() for ticket in batch)


async def test_the_first_answer_counts() -> None:
    (ticket,) = tickets(1)
    ticket.fail(NotReady())
    ticket.succeed(outcome(1))
    ticket.fail(ModelFailed())
    with pytest.raises(NotReady):
        await ticket.answer
