"""A worker to which the next batch is brought while it computes one."""

import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from service.errors import ModelCrashed, ModelFailed
from service.models.labels import Scores
from service.queue.ticket import Outcome
from service.settings import read_settings
from service.workers.plan import WorkerPlan
from tests.fakes import BLUE, FATAL_COLOR, RAISING_COLOR, RED
from tests.pools import DRAIN_S, PATIENCE_S, Service, leaking_nothing, running, stopped_worker, until

pytestmark = pytest.mark.anyio

BATCH = 2


@pytest.fixture
def two_lanes(plan: WorkerPlan) -> WorkerPlan:
    return replace(plan, takes_ahead=True)


@pytest.fixture
async def service(two_lanes: WorkerPlan) -> AsyncIterator[Service]:
    async with running(two_lanes) as service:
        yield service


def subject(outcome: Outcome) -> bool:
    return bool(outcome.scores.mean() > 0.5)


async def test_a_full_batch_is_brought_ahead_and_what_is_not_full_waits_for_more(service: Service) -> None:
    async with stopped_worker(service):
        first = [service.ask(RED)]
        await until(lambda: service.batcher.waiting == 0)
        ahead = [service.ask(RED), service.ask(BLUE)]
        await until(lambda: service.batcher.waiting == 0)
        late = [service.ask(BLUE)]
        await until(lambda: service.batcher.waiting == 1)
    answered = [await call for call in (*first, *ahead, *late)]
    assert [subject(outcome) for outcome in answered] == [True, True, False, False]
    assert [outcome.batch_size for outcome in answered] == [1, BATCH, BATCH, 1]


async def test_one_image_alone_is_not_brought_ahead(service: Service) -> None:
    async with stopped_worker(service):
        first = service.ask(RED)
        await until(lambda: service.batcher.waiting == 0)
        second = service.ask(BLUE)
        await until(lambda: service.batcher.waiting == 1)
        third = service.ask(RED)  # and now there are two
        await until(lambda: service.batcher.waiting == 0)
    assert [subject(await call) for call in (first, second, third)] == [True, False, True]


async def test_of_many_batches_everybody_gets_the_scores_of_the_own_image(service: Service) -> None:
    calls = [service.ask(RED if number % 3 else BLUE) for number in range(90)]
    answers: list[Scores] = [(await call).scores for call in calls]
    expected = {0: answers[0], 1: answers[1], 2: answers[1]}
    assert not np.array_equal(expected[0], expected[1])
    assert all(np.array_equal(scores, expected[number % 3]) for number, scores in enumerate(answers))


async def test_both_batches_of_a_killed_worker_are_answered_by_the_next(service: Service) -> None:
    async with stopped_worker(service) as killed:
        calls = [service.ask(color) for color in (RED, BLUE, BLUE, RED, RED)]
        await until(lambda: service.batcher.waiting == 1)
        os.kill(killed, signal.SIGKILL)
    assert [subject(await call) for call in calls] == [True, False, False, True, True]
    assert service.restarts("crash") == 1


async def test_a_batch_that_was_not_begun_is_not_to_blame_for_the_death_of_its_worker(service: Service) -> None:
    async with stopped_worker(service):
        bad = [service.ask(FATAL_COLOR)]
        await until(lambda: service.batcher.waiting == 0)
        ahead = [service.ask(RED), service.ask(BLUE)]
        await until(lambda: service.batcher.waiting == 0)
    with pytest.raises(ModelCrashed):
        await bad[0]
    answered = [await call for call in ahead]
    assert [subject(outcome) for outcome in answered] == [True, False]
    assert [outcome.batch_size for outcome in answered] == [BATCH, BATCH]  # nobody suspects them, alone


async def test_a_batch_that_fails_takes_the_one_behind_it_not_along(service: Service) -> None:
    await until(lambda: service.pool.ready_count == 1)
    before = service.pool.pids
    async with stopped_worker(service):
        bad = service.ask(RAISING_COLOR)
        await until(lambda: service.batcher.waiting == 0)
        ahead = [service.ask(RED), service.ask(BLUE)]
        await until(lambda: service.batcher.waiting == 0)
    with pytest.raises(ModelFailed):
        await bad
    assert [subject(await call) for call in ahead] == [True, False]
    assert service.pool.pids == before


async def test_an_idle_worker_that_is_killed_is_replaced(service: Service) -> None:
    (killed,) = service.pool.pids
    os.kill(killed, signal.SIGKILL)
    await until(lambda: service.pool.pids not in ([killed], []))
    assert subject(await service.ask(RED))


async def test_a_worn_out_worker_is_replaced_although_batches_never_stop_coming(two_lanes: WorkerPlan) -> None:
    settings = read_settings(pool="local", max_batches_per_worker=4)
    service = Service(two_lanes, settings=settings)
    await service.pool.start()
    try:
        (first,) = service.pool.pids
        while service.pool.pids in ([first], []):
            assert all([subject(await call) for call in [service.ask(RED) for _ in range(4 * BATCH)]])
    finally:
        await service.pool.stop(DRAIN_S)


async def test_stopping_answers_both_batches_first_and_leaves_nothing(two_lanes: WorkerPlan) -> None:
    with leaking_nothing():
        async with running(two_lanes) as service:
            async with stopped_worker(service):
                calls = [service.ask(color) for color in (RED, BLUE, RED, RED)]
                await until(lambda: service.batcher.waiting == 0)
            await service.pool.stop(PATIENCE_S)
            assert [subject(await call) for call in calls] == [True, False, True, True]


async def test_a_worker_with_two_lanes_is_asked_whether_it_is_well(two_lanes: WorkerPlan) -> None:
    service = Service(two_lanes, settings=read_settings(pool="local", heartbeat_interval_s=0.1, heartbeat_timeout_s=3))
    await service.pool.start()
    try:
        (silent,) = service.pool.pids
        os.kill(silent, signal.SIGSTOP)
        await until(lambda: service.pool.pids not in ([silent], []))
        assert subject(await service.ask(RED))
        assert service.restarts("hang") == 1
    finally:
        await service.pool.stop(DRAIN_S)
