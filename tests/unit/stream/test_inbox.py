"""The newest frame wins, changes wait their turn, and no session is faster than it may be."""

import asyncio

import pytest

from service.errors import Draining
from service.stream.inbox import FrameRate, Inbox
from service.stream.protocol import Frame, FrameHeader, Update

pytestmark = pytest.mark.anyio

FOREVER_S = 3600.0


def frame(seq: int) -> Frame:
    return Frame(FrameHeader(seq=seq, timestamp_ms=0, format="rgb"), memoryview(b""), 0.0)


def update() -> Update:
    return Update(type="update", output="both")


async def test_of_many_frames_that_came_the_newest_is_taken_and_the_others_are_told() -> None:
    inbox = Inbox()
    assert [inbox.offer(frame(seq)) for seq in range(5)] == [True, False, False, False, False]
    taken = await inbox.take(0.0)
    assert isinstance(taken, Frame)
    assert taken.header.seq == 4
    waiting = asyncio.create_task(inbox.take(0.0))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert inbox.offer(frame(5))
    assert (await waiting) == frame(5)


async def test_a_frame_that_waits_for_its_time_gives_way_to_a_newer_one_and_to_a_change() -> None:
    inbox = Inbox()
    inbox.offer(frame(0))
    taking = asyncio.create_task(inbox.take(asyncio.get_running_loop().time() + FOREVER_S))
    handing = asyncio.create_task(inbox.hand_over(update()))
    assert await taking == update()
    await handing
    inbox.offer(frame(1))
    assert await inbox.take(0.0) == frame(1)


async def test_whoever_hands_a_change_over_waits_until_it_was_taken() -> None:
    inbox = Inbox()
    handing = asyncio.create_task(inbox.hand_over(update()))
    await asyncio.sleep(0)
    assert not handing.done()
    assert await inbox.take(0.0) == update()
    await handing


async def test_the_end_goes_before_everything_that_waits() -> None:
    inbox = Inbox()
    inbox.offer(frame(0))
    inbox.end(Draining())
    with pytest.raises(Draining):
        await inbox.take(0.0)


async def test_the_end_wakes_who_waits() -> None:
    inbox = Inbox()
    taking = asyncio.create_task(inbox.take(0.0))
    await asyncio.sleep(0)
    inbox.end(Draining())
    with pytest.raises(Draining):
        await taking


def taken_at(arrivals_s: list[float], max_fps: float) -> list[float]:
    """When frames are taken that come so."""
    rate, times = FrameRate(max_fps), list[float]()
    for arrival_s in arrivals_s:
        if arrival_s >= rate.next_s:
            times.append(arrival_s)
            rate.took(arrival_s)
    return times


def test_a_camera_that_is_too_fast_gets_the_frames_a_second_that_it_may_have() -> None:
    assert len(taken_at([100 + i / 60 for i in range(600)], 30)) == pytest.approx(300, abs=2)


def test_a_camera_whose_clock_jitters_loses_nothing() -> None:
    arrivals_s = [100 + i / 30 + (0.012 if i % 3 == 0 else 0.0) for i in range(300)]
    assert taken_at(arrivals_s, 30) == arrivals_s


def test_a_pause_does_not_entitle_to_a_burst() -> None:
    assert len(taken_at([100.0] + [200 + i / 1000 for i in range(100)], 10)) == 1 + 2
