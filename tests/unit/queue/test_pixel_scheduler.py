"""Real threads that end when the test says so: who works next, who is refused, and what becomes of those who leave."""

import asyncio
import math
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from service.errors import DeadlineExceeded, DeadlineUnreachable, Draining, QueueFull
from service.queue.claim import Abandoned, Claim
from service.queue.pixel_scheduler import PixelScheduler
from service.queue.schedule import INTERACTIVE_RUN, Lane
from service.telemetry.stopwatch import Stopwatch

pytestmark = pytest.mark.anyio

PATIENCE_S = 60.0

STAGES = ("read", "refine", "finish")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Room:
    """Memory for so many pixels, and what one request takes of it."""

    def __init__(self, pixels: int = 0, peer: str = "") -> None:
        self.free = pixels
        self.peer = peer
        self.holds = 0
        self.can_ever_fit = True
        self.is_greedy = False

    def book_pixels(self, count: int) -> bool:
        if not self.can_ever_fit:
            raise QueueFull
        if count > self.free:
            return False
        self.free -= count
        return True

    def lets_others_go_first(self, count: int) -> bool:
        return self.is_greedy

    def hold(self) -> None:
        self.holds += 1

    def release(self) -> None:
        self.holds -= 1


class Threads:
    """A scheduler whose work begins and ends under the eyes of the test."""

    def __init__(self, threads: int = 1) -> None:
        self.scheduler = PixelScheduler(threads)
        self.begun: list[str] = []
        self._go_on: dict[str, threading.Event] = {}
        self._began: dict[str, asyncio.Event] = {}
        self._loop = asyncio.get_running_loop()

    def ask(
        self,
        name: str,
        stage: str = "read",
        *,
        claim: Claim | None = None,
        pixels: int = 0,
        stops: bool = False,
        **facts: Any,
    ) -> "asyncio.Task[str]":
        """Work that answers its name; `stops`: not before the test says so."""
        self._go_on[name], self._began[name] = threading.Event(), asyncio.Event()
        if not stops:
            self._go_on[name].set()
        asked = self._with_claim(claim or a_claim(**facts), lambda claim: self._run(name, stage, claim, pixels))
        return asyncio.create_task(asked)

    async def _with_claim(self, claim: Claim, run: Callable[[Claim], Awaitable[str]]) -> str:
        with self.scheduler.claiming(claim):
            return await run(claim)

    async def _run(self, name: str, stage: str, claim: Claim, pixels: int) -> str:
        def work() -> str:
            self.begun.append(name)
            self._loop.call_soon_threadsafe(self._began[name].set)
            assert self._go_on[name].wait(PATIENCE_S)
            claim.check_wanted()
            return name

        return await self.scheduler.run(claim, stage, work, pixels)

    async def has_begun(self, name: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self._began[name].wait()

    def end(self, name: str) -> None:
        self._go_on[name].set()


def a_claim(
    lane: Lane = Lane.INTERACTIVE,
    deadline: float = math.inf,
    megapixels: float | None = None,
    booking: Room | None = None,
    kind: str = "cutout",
    stages: Sequence[str] = STAGES,
) -> Claim:
    claim = Claim(kind, stages, deadline, lane, Stopwatch(), booking)
    claim.megapixels = megapixels
    return claim


async def a_turn() -> None:
    """What was just asked is in the queue."""
    await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # a thread's end has no event to wait for
            await asyncio.sleep(0.001)


async def over(*tasks: "asyncio.Task[str]") -> list[str | BaseException]:
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE_S)


def soon(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


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


def taught(threads: Threads, seconds: float, megapixels: float = 12.0) -> None:
    """Each stage of a picture of this size is known to take so long."""
    claim = a_claim(megapixels=megapixels)
    for stage in STAGES:
        threads.scheduler.forecast.learn(claim, stage, seconds)


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
