"""Permits, bytes and pixels: what is taken is given back, and what does not fit is refused."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import pytest

from service.errors import QueueFull, TooManySessions
from service.queue.admission import Admission, Limits
from service.queue.budget import Budget
from service.queue.permit import Permit


@dataclass
class Queue:
    """As long as the test says."""

    waiting: int = 3
    wait_s: float = 0.0

    def expected_wait_s(self) -> float:
        return self.wait_s


def admission(
    capacity: int = 2, max_bytes: int = 100, max_pixels: int = 1000, wait_s: float = 0.0, sessions: int = 1
) -> Admission:
    budgets = Budget(max_bytes, largest=max_bytes, share=1), Budget(max_pixels, largest=max_pixels, share=1)
    return Admission(Limits(capacity, Budget(sessions, largest=1, share=0.5), *budgets), Queue(wait_s=wait_s))


def test_as_many_as_the_capacity_are_admitted_and_one_that_leaves_makes_room() -> None:
    here = admission(capacity=2)
    first, _ = here.admit(), here.admit()
    with pytest.raises(QueueFull):
        here.admit()
    first.give_back()
    here.admit()
    assert here.in_flight == 2


def test_a_refusal_says_how_long_the_queue_is_and_when_to_come_back() -> None:
    here = admission(capacity=1, wait_s=6.2)
    here.admit()
    with pytest.raises(QueueFull) as refused:
        here.admit()
    assert (refused.value.queue_depth, refused.value.retry_after_s) == (3, 7)


def test_one_second_is_the_shortest_time_to_come_back() -> None:
    assert admission(wait_s=0.0).retry_after_s() == 1


def test_bytes_that_do_not_fit_beside_others_are_refused_and_leave_no_trace() -> None:
    here = admission(max_bytes=100)
    one, two = here.admit(), here.admit()
    one.take_bytes(80)
    with pytest.raises(QueueFull):
        two.take_bytes(30)
    two.take_bytes(20)
    one.give_back()
    two.give_back()
    assert (here.in_flight, here.bytes_in_flight) == (0, 0)


def test_pixels_that_do_not_fit_beside_others_are_refused() -> None:
    here = admission(max_pixels=1000)
    one, two = here.admit(), here.admit()
    one.take_pixels(900)
    with pytest.raises(QueueFull):
        two.take_pixels(200)
    one.give_back()
    two.take_pixels(200)
    assert here.pixels_in_flight == 200


async def idle_after_leaving(here: Admission) -> bool:
    permit = here.admit()
    was_idle = here.idle.is_set()
    permit.give_back()
    await here.idle.wait()
    return was_idle


def test_it_is_idle_when_the_last_one_has_left() -> None:
    assert asyncio.run(idle_after_leaving(admission())) is False


def test_a_picture_that_is_decoded_after_its_client_left_takes_no_pixels() -> None:
    """The pixel thread cannot be stopped; what it took then, nobody would give back."""
    here = admission()
    permit = here.admit()
    permit.give_back()
    with pytest.raises(QueueFull):
        permit.take_pixels(5)
    assert here.pixels_in_flight == 0


def test_pixels_that_do_not_fit_now_are_not_booked_and_can_be_when_others_have_left() -> None:
    here = admission(max_pixels=1000)
    one, two = here.admit(), here.admit()
    told: list[int] = []
    here.on_room = lambda: told.append(here.pixels_in_flight)
    assert one.book_pixels(900)
    assert not two.book_pixels(200)
    one.give_back()
    assert told == [0]
    assert two.book_pixels(200)
    assert here.pixels_in_flight == 200


def test_a_lone_picture_always_fits() -> None:
    assert admission(max_pixels=1000).admit().book_pixels(3000)


def test_pixels_that_live_sessions_leave_no_room_for_are_refused_and_not_waited_for() -> None:
    here = admission(capacity=2, max_pixels=1000)
    session, request = here.open_session(), here.admit()
    session.take_pixels(900)
    with pytest.raises(QueueFull, match="live sessions"):
        request.book_pixels(200)
    assert request.book_pixels(100)
    session.give_back()
    assert here.admit().book_pixels(900)


def test_one_address_leaves_a_session_for_somebody_else() -> None:
    here = admission(sessions=4)
    for _ in range(3):
        here.open_session("a").begin_session()
    with pytest.raises(TooManySessions, match="your address"):
        here.open_session("a")
    here.open_session("b").begin_session()
    with pytest.raises(TooManySessions, match="this service"):
        here.open_session("b")


def test_a_session_counts_from_its_hello_on() -> None:
    here = admission()
    silent, talking = here.open_session(), here.open_session()
    talking.begin_session()
    assert here.sessions == 1
    with pytest.raises(TooManySessions):
        silent.begin_session()
    with pytest.raises(TooManySessions):
        here.open_session()
    talking.give_back()
    assert not here.idle.is_set()
    silent.give_back()
    assert here.idle.is_set()
    assert here.sessions == 0


def test_what_a_request_took_stays_booked_until_its_thread_has_ended() -> None:
    here = admission(capacity=1, max_pixels=1000)
    permit = here.admit()
    permit.take_bytes(50)
    permit.book_pixels(900)
    permit.hold()
    permit.give_back()
    assert (here.in_flight, here.bytes_in_flight, here.pixels_in_flight) == (1, 50, 900)
    assert not here.idle.is_set()
    permit.release()
    assert (here.in_flight, here.bytes_in_flight, here.pixels_in_flight) == (0, 0, 0)


def run(story: Callable[[Admission], Coroutine[None, None, None]], capacity: int = 1) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await story(admission(capacity))

    asyncio.run(bounded())


async def queued(permit: Permit) -> "asyncio.Task[None]":
    """Waits for a place by now."""
    waiting = asyncio.create_task(permit.wait_for_place())
    await asyncio.sleep(0)
    return waiting


def test_whoever_waits_for_a_place_gets_it_in_the_order_of_coming() -> None:
    async def story(here: Admission) -> None:
        first, second, third = here.admit(), here.open(), here.open()
        waiting = [await queued(second), await queued(third)]
        first.give_back()
        await waiting[0]
        assert not waiting[1].done()
        assert here.in_flight == 1
        second.give_back()
        await waiting[1]

    run(story)


def test_nobody_overtakes_those_who_wait() -> None:
    async def story(here: Admission) -> None:
        first, second = here.admit(), here.open()
        waiting = await queued(second)
        first.give_back()
        assert not here.open().take_place()
        await waiting

    run(story)


def test_whoever_stops_waiting_leaves_the_place_to_the_next() -> None:
    async def story(here: Admission) -> None:
        first, second, third = here.admit(), here.open(), here.open()
        leaving, waiting = await queued(second), await queued(third)
        leaving.cancel()
        await asyncio.wait({leaving})
        first.give_back()
        await waiting
        assert here.in_flight == 1

    run(story)


def test_a_place_that_comes_just_as_its_owner_stops_waiting_is_not_lost() -> None:
    async def story(here: Admission) -> None:
        first, second = here.admit(), here.open()
        waiting = await queued(second)
        first.give_back()
        waiting.cancel()
        await asyncio.wait({waiting})
        assert here.in_flight == 0

    run(story)


def test_work_that_is_done_leaves_its_place_and_its_pixels_and_keeps_its_bytes() -> None:
    here = admission(capacity=1)
    permit = here.admit()
    permit.take_pixels(10)
    permit.take_bytes(20)
    permit.finish_work(500)
    assert (here.in_flight, here.pixels_in_flight, here.bytes_in_flight) == (0, 0, 520)
    assert not here.idle.is_set()
    permit.give_back()
    assert here.bytes_in_flight == 0
    assert here.idle.is_set()
