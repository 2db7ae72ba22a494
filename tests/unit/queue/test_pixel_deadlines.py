"""Who is refused or given up where there is not enough time, and what becomes of those who leave."""

import pytest

from service.errors import DeadlineExceeded, DeadlineUnreachable, Draining
from service.queue.claim import Abandoned
from service.queue.schedule import Lane
from tests.unit.queue.pixel_work import PATIENCE_S, Room, Threads, a_claim, a_turn, over, soon, taught, until

pytestmark = pytest.mark.anyio


# --- deadlines --------------------------------------------------------------------------------------------------------


async def test_who_waits_longer_than_the_deadline_is_told_and_never_begins() -> None:
    threads = Threads()
    busy = threads.ask("busy", stops=True)
    await threads.has_begun("busy")
    late = threads.ask("late", deadline=soon(0.02))
    with pytest.raises(DeadlineExceeded):
        await late
    threads.end("busy")
    await over(busy, threads.ask("next"))
    assert threads.begun == ["busy", "next"]


async def test_who_works_longer_than_the_deadline_is_told_at_the_deadline() -> None:
    threads, room = Threads(), Room(10)
    late = threads.ask("late", deadline=soon(0.02), booking=room, stops=True)
    with pytest.raises(DeadlineExceeded):
        await late
    assert room.holds == 1
    threads.end("late")
    await until(lambda: room.holds == 0)


async def test_a_request_whose_deadline_is_over_is_not_even_queued() -> None:
    threads = Threads()
    with pytest.raises(DeadlineExceeded):
        await threads.ask("late", deadline=soon(-1))
    assert not threads.begun


async def test_the_wait_is_what_those_ahead_still_have_to_do() -> None:
    threads = Threads(2)
    taught(threads, 10.0)
    assert threads.scheduler.expected_wait_s() == 0
    asked = [threads.ask("a", stops=True, megapixels=12), threads.ask("b", "finish", stops=True, megapixels=6)]
    asked.append(threads.ask("c", "refine", lane=Lane.BULK, megapixels=12))
    await threads.has_begun("b")
    wait_s = threads.scheduler.expected_wait_s
    assert wait_s(Lane.BULK) == pytest.approx((30 + 5 + 20) / 2, abs=4)
    assert wait_s(Lane.INTERACTIVE) == pytest.approx((30 + 5) / 2, abs=4)
    threads.end("a")
    threads.end("b")
    await over(*asked)
    assert wait_s() == 0


async def test_a_picture_that_nobody_has_measured_counts_as_one_of_the_usual_size() -> None:
    threads = Threads()
    for _ in range(60):
        taught(threads, 10.0)
    asked = [threads.ask("a", stops=True), threads.ask("b")]
    await threads.has_begun("a")
    assert threads.scheduler.expected_wait_s() == pytest.approx(60, abs=4)
    threads.end("a")
    await over(*asked)


async def test_a_deadline_that_the_queue_makes_impossible_is_refused_at_once_with_the_time_to_come_back() -> None:
    threads = Threads()
    taught(threads, 10.0)
    asked = [threads.ask("a", stops=True, megapixels=12), threads.ask("b", megapixels=12)]
    await threads.has_begun("a")
    with pytest.raises(DeadlineUnreachable) as refused:
        await threads.ask("hurried", deadline=soon(50))
    assert refused.value.retry_after_s == pytest.approx(60, abs=4)
    with pytest.raises(DeadlineUnreachable):
        threads.scheduler.check_deadline(soon(50), Lane.BULK, "")
    threads.scheduler.check_deadline(soon(70), Lane.BULK, "")
    threads.end("a")
    await over(*asked)
    threads.scheduler.check_deadline(soon(1), Lane.BULK, "")
    assert await threads.ask("again", deadline=soon(PATIENCE_S)) == "again"


async def test_a_request_that_is_alone_is_never_refused_for_what_others_took() -> None:
    """Or else nobody would ever learn that it takes less by now."""
    threads = Threads()
    taught(threads, 1000.0)
    assert await threads.ask("alone", megapixels=12, deadline=soon(PATIENCE_S)) == "alone"


async def test_who_cannot_make_it_any_more_makes_way_for_others() -> None:
    threads = Threads()
    taught(threads, 100.0)
    busy = threads.ask("busy", "finish", stops=True)
    await threads.has_begun("busy")
    hopeless = threads.ask("hopeless", "refine", megapixels=12, deadline=soon(20))
    other = threads.ask("other", kind="blur")
    await a_turn()
    threads.end("busy")
    with pytest.raises(DeadlineExceeded, match="longer than the request can wait"):
        await hopeless
    await over(busy, other)
    assert threads.begun == ["busy", "other"]


# --- those who leave --------------------------------------------------------------------------------------------------


async def test_what_is_queued_for_a_client_who_left_never_begins() -> None:
    threads = Threads()
    busy = threads.ask("busy", stops=True)
    await threads.has_begun("busy")
    left = threads.ask("left")
    await a_turn()
    left.cancel()
    await over(left)
    assert threads.scheduler.depth(Lane.INTERACTIVE) == 0
    threads.end("busy")
    await over(busy, threads.ask("next"))
    assert threads.begun == ["busy", "next"]


async def test_what_runs_for_a_client_who_left_ends_at_its_next_part_and_is_held_until_then() -> None:
    threads, room = Threads(), Room(10)
    claim = a_claim(booking=room, megapixels=12)
    taught(threads, 10.0)
    left = threads.ask("left", claim=claim, stops=True)
    await threads.has_begun("left")
    left.cancel()
    await over(left)
    assert room.holds == 1
    waiting = threads.ask("next", megapixels=12)
    await a_turn()
    # What still runs is ahead of a new request; what the client would have wanted after it is not.
    assert threads.scheduler.expected_wait_s() == pytest.approx(10 + 30, abs=4)
    with pytest.raises(Abandoned):
        claim.check_wanted()
    threads.end("left")
    assert await waiting == "next"
    assert room.holds == 0


async def test_closing_answers_those_who_wait_and_takes_nobody_new() -> None:
    threads = Threads()
    busy = threads.ask("busy", stops=True)
    await threads.has_begun("busy")
    waiting = threads.ask("waiting")
    await a_turn()
    threads.end("busy")
    threads.scheduler.close()
    assert [type(each) for each in await over(waiting, threads.ask("new"))] == [Draining, Draining]
    assert await busy == "busy"
