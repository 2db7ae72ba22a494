"""What becomes of tickets whose client has left, whose worker has died, and of all of them when the queue closes."""

import asyncio

import numpy as np
import pytest

from service.errors import DeadlineExceeded, Draining, Failure, ModelCrashed, ModelFailed, NotReady
from service.queue.schedule import Lane
from service.queue.ticket import Ticket
from tests.unit.queue.queued import FOREVER_S, PATIENCE_S, asked, numbers, outcome, queue, results, serve, turn_over

pytestmark = pytest.mark.anyio


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
