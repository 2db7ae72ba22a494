"""Who works next on the threads for pixels, and who waits for room in memory."""

import asyncio
import threading

import pytest

from service.errors import DeadlineExceeded, DeadlineUnreachable, QueueFull
from service.queue.schedule import INTERACTIVE_RUN, Lane
from tests.unit.queue.pixel_work import PATIENCE_S, STAGES, Room, Threads, a_claim, a_turn, over, soon, until

pytestmark = pytest.mark.anyio


# --- who is next ------------------------------------------------------------------------------------------------------


async def test_work_runs_on_a_thread_and_gives_its_result_or_its_error() -> None:
    threads = Threads()
    claim = a_claim()
    with threads.scheduler.claiming(claim):
        name = await threads.scheduler.run(claim, "read", lambda: threading.current_thread().name)
        with pytest.raises(ZeroDivisionError):
            await threads.scheduler.run(claim, "finish", lambda: 1 // 0)
    assert name.startswith("pixels")


async def test_no_more_run_at_once_than_there_are_threads() -> None:
    threads = Threads(2)
    asked = [threads.ask(name, stops=True) for name in "abc"]
    await threads.has_begun("a")
    await threads.has_begun("b")
    assert (threads.scheduler.busy_threads, threads.scheduler.depth(Lane.INTERACTIVE)) == (2, 1)
    threads.end("b")
    await threads.has_begun("c")
    threads.end("a")
    threads.end("c")
    assert await over(*asked) == ["a", "b", "c"]


async def test_what_is_nearly_done_goes_first_and_then_who_came_first() -> None:
    threads = Threads()
    asked = [threads.ask("busy", stops=True)]
    await threads.has_begun("busy")
    for name, stage in (("1 read", "read"), ("2 finish", "finish"), ("3 refine", "refine"), ("4 finish", "finish")):
        asked.append(threads.ask(name, stage))
        await a_turn()
    threads.end("busy")
    await over(*asked)
    assert threads.begun == ["busy", "2 finish", "4 finish", "3 refine", "1 read"]


async def test_the_first_of_many_photos_is_done_after_its_own_stages_and_not_after_everyones() -> None:
    threads = Threads()
    done: list[int] = []

    async def photo(number: int) -> None:
        claim = a_claim()
        with threads.scheduler.claiming(claim):
            for stage in STAGES:
                await threads.scheduler.run(claim, stage, lambda: threads.begun.append(f"{number} {stage}"))  # noqa: B023
                await a_turn()  # the networks look in between
            done.append(number)

    await asyncio.wait_for(asyncio.gather(*(photo(number) for number in range(8))), PATIENCE_S)
    assert done == list(range(8))
    begun_before_the_first_is_done = threads.begun[: threads.begun.index("0 finish")]
    assert sum(piece.endswith("read") for piece in begun_before_the_first_is_done) <= len(STAGES)


async def test_who_has_many_requests_lets_those_of_others_in_between() -> None:
    threads = Threads()
    first = threads.ask("a0", booking=Room(peer="a"), stops=True)
    await threads.has_begun("a0")
    asked = [first, *(threads.ask(f"a{number}", booking=Room(peer="a")) for number in range(1, 4))]
    await a_turn()
    asked += [threads.ask("b0", booking=Room(peer="b")), threads.ask("c0", booking=Room(peer="c"))]
    await a_turn()
    asked.append(threads.ask("b1", booking=Room(peer="b")))
    await a_turn()
    threads.end("a0")
    await over(*asked)
    assert threads.begun == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]


async def test_nobody_is_refused_for_requests_of_others_that_come_after_its_own() -> None:
    threads = Threads()
    threads.scheduler.forecast.learn(a_claim(megapixels=1), "read", 20)
    first = threads.ask("a0", booking=Room(peer="a"), megapixels=1, stops=True)
    await threads.has_begun("a0")
    asked = [first, *(threads.ask(f"a{number}", booking=Room(peer="a"), megapixels=1) for number in range(1, 4))]
    await a_turn()
    assert threads.scheduler.expected_wait_s(peer="b") == pytest.approx(20, abs=4)
    threads.scheduler.check_deadline(soon(30), Lane.INTERACTIVE, "b")
    with pytest.raises(DeadlineUnreachable):
        threads.scheduler.check_deadline(soon(30), Lane.INTERACTIVE, "a")
    threads.end("a0")
    await over(*asked)


async def test_interactive_goes_before_bulk_which_gets_its_turn_and_overtakes_nobody_twice() -> None:
    threads = Threads()
    asked = [threads.ask("busy", stops=True)]
    await threads.has_begun("busy")
    asked += [threads.ask(f"bulk {number}", lane=Lane.BULK) for number in range(2)]
    asked += [threads.ask(f"{number}") for number in range(2 * INTERACTIVE_RUN)]
    await a_turn()
    threads.end("busy")
    await over(*asked)
    lanes = [name.partition(" ")[0] for name in threads.begun[1:]]
    assert [place for place, lane in enumerate(lanes, start=1) if lane == "bulk"] == [INTERACTIVE_RUN, len(lanes)]


# --- room in memory ---------------------------------------------------------------------------------------------------


async def test_a_picture_waits_for_room_and_later_stages_pass_it_by() -> None:
    threads, room = Threads(2), Room(10)
    first = threads.ask("first", booking=room, pixels=8, stops=True)
    await threads.has_begun("first")
    large = threads.ask("large", booking=room, pixels=9)
    small = threads.ask("small", booking=room, pixels=1)
    finish = threads.ask("finish", "finish")
    assert await finish == "finish"
    assert room.free == 2  # the small one does not overtake the large one
    room.free += 8  # somebody has left
    threads.scheduler.start_what_fits()
    assert await over(large, small) == ["large", "small"]
    threads.end("first")
    assert await first == "first"
    assert threads.begun == ["first", "finish", "large", "small"]


async def test_whoever_has_more_than_its_share_holds_nobody_up() -> None:
    threads, room, greedy = Threads(2), Room(10), Room(0)
    greedy.is_greedy = True
    first = threads.ask("greedy", booking=greedy, pixels=8)
    assert await threads.ask("other", booking=room, pixels=8) == "other"
    assert not first.done()
    greedy.free, greedy.is_greedy = 8, False
    threads.scheduler.start_what_fits()
    assert await over(first) == ["greedy"]
    threads.scheduler.close()


async def test_a_picture_that_waited_for_room_in_vain_makes_way_for_the_next() -> None:
    threads, room = Threads(2), Room(10)
    large = threads.ask("large", booking=room, pixels=11, deadline=soon(0.05))
    small = threads.ask("small", booking=room, pixels=1)
    await a_turn()
    assert not threads.begun
    with pytest.raises(DeadlineExceeded):
        await large
    assert await small == "small"


async def test_a_picture_for_which_there_will_never_be_room_is_refused_at_once() -> None:
    threads, room = Threads(), Room(10)
    room.can_ever_fit = False
    with pytest.raises(QueueFull):
        await threads.ask("large", booking=room, pixels=1)
    assert await threads.ask("next") == "next"


async def test_waiting_is_measured_as_a_stage() -> None:
    threads, claim = Threads(), a_claim()
    busy = threads.ask("busy", stops=True)
    await threads.has_begun("busy")
    waiting = threads.ask("waiting", claim=claim)
    await a_turn()
    began = soon(0)
    await until(lambda: soon(0) > began)
    least_ms = (soon(0) - began) * 1000
    threads.end("busy")
    await over(busy, waiting)
    assert claim.watch.elapsed_ms["wait"] >= round(least_ms, 1)
