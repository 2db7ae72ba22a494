"""benchmarks/speed/scaling.py: what is simulated, and what is not."""

import asyncio
import time
from functools import partial

import pytest

from benchmarks.speed.scaling import Row, share_cores
from benchmarks.speed.scaling_server import SimulatedPixels, disc, sleeping_families, spend
from service.queue.claim import Claim
from service.queue.schedule import Lane
from service.telemetry.stopwatch import Stopwatch
from tests.weights import model_card

pytestmark = pytest.mark.anyio

LOCK_S = 0.02


def claim() -> Claim:
    deadline = asyncio.get_running_loop().time() + 60
    return Claim("cutout", ("identify", "read", "finish"), deadline, Lane.INTERACTIVE, Stopwatch())


async def test_the_first_work_of_a_stage_is_done_and_its_result_stands_for_all() -> None:
    pixels, asked = SimulatedPixels(1, lock_s=0, free_s=0), list[int]()

    def work(number: int) -> int:
        asked.append(number)
        return number

    found = []
    for number in (1, 2):
        with pixels.claiming(claim()) as mine:
            found.append(await pixels.run(mine, "identify", partial(work, 10 * number)))
            found.append(await pixels.run(mine, "read", partial(work, number)))
    pixels.close()
    assert found == [10, 1, 20, 1]
    assert asked == [10, 1, 20]


def test_time_with_the_lock_is_cpu_time_and_time_without_it_is_not() -> None:
    before, cpu_before = time.monotonic(), time.thread_time()
    spend(LOCK_S, LOCK_S)
    assert LOCK_S <= time.thread_time() - cpu_before < 2 * LOCK_S
    assert time.monotonic() - before >= 2 * LOCK_S


@pytest.mark.parametrize(("cores", "shared"), [(1, (1, 1)), (2, (1, 1)), (8, (5, 3)), (64, (40, 24))])
def test_cores_are_shared_so_that_neither_workers_nor_pixel_threads_wait(cores: int, shared: tuple[int, int]) -> None:
    assert share_cores(cores, network_ms=100, pixel_ms=60) == shared


def test_what_the_lock_alone_allows_is_one_answer_in_the_time_that_it_holds_it() -> None:
    assert Row(8, 4, 4, 24, 20.0, 50.0, lock_ms=40.0, cores_alone=30.0).lock_alone == 25


def test_several_fronts_multiply_it_up_to_what_their_supervisor_allows() -> None:
    assert Row(8, 4, 4, 24, 20.0, 50.0, 40.0, 30.0, fronts=4, supervisor_ms=2.0).lock_alone == 100
    assert Row(8, 4, 4, 24, 20.0, 50.0, 40.0, 30.0, fronts=40, supervisor_ms=2.0).lock_alone == 500


def test_the_simulated_network_finds_a_subject_in_the_middle() -> None:
    card = model_card("u2net")
    scores = disc(card)
    assert scores.shape == card.score_shape
    assert (scores[0, 160, 160], scores[0, 0, 0]) == (1, 0)
    assert list(sleeping_families(0.0)) == ["u2net"]
