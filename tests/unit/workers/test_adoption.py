"""Real worker processes that are replaced by others with other models, while they are asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from service.configuration_errors import WorkerFailed
from service.errors import NotReady
from service.models.store import Checkpoint
from service.queue.ticket import Outcome
from service.workers.plan import WorkerPlan
from tests.fakes import BLUE, RED
from tests.pools import Service, leaking_nothing, running, slots_added, stopped_worker, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def alone(plan: WorkerPlan) -> WorkerPlan:
    """With `tiny-subject` and nothing else."""
    return replace(plan, models=plan.models[:1])


@pytest.fixture
def renewed(plan: WorkerPlan) -> WorkerPlan:
    """With a second version of `tiny-subject` instead of the first."""
    subject = plan.models[0]
    newer = replace(subject, card=subject.card.model_copy(update={"revision": 1}))
    return replace(plan, models=[newer, *plan.models[1:]])


@asynccontextmanager
async def asked_all_the_time(service: Service, model: str = "tiny-subject") -> AsyncIterator[list[Outcome]]:
    """Four clients that ask again when they were answered; what they got."""
    outcomes: list[Outcome] = []
    is_over = asyncio.Event()

    async def ask() -> None:
        while not is_over.is_set():
            outcomes.append(await service.ask(RED, model))

    async with asyncio.TaskGroup() as clients:
        for _ in range(4):
            clients.create_task(ask())
        yield outcomes
        is_over.set()


async def test_workers_get_a_further_model_while_they_are_asked_and_none_is_missing_for_a_moment(
    plan: WorkerPlan, alone: WorkerPlan
) -> None:
    with leaking_nothing():
        async with running(alone, alone) as service:
            fewest: list[int] = []
            async with asked_all_the_time(service) as outcomes:
                adopting = asyncio.ensure_future(service.pool.adopt([plan, plan]))
                while not adopting.done():
                    fewest.append(service.pool.ready_count)
                    await asyncio.sleep(0)
                await adopting
                before = len(outcomes)
                await until(lambda: len(outcomes) > before + 4)
            assert min(fewest) == 2
            assert all(outcome.scores.mean() > 0.5 for outcome in outcomes)
            service.know(plan)
            assert (await service.ask(BLUE, "tiny-classes")).scores.shape[0] == 3
            assert service.restarts("models") == 2
            assert service.restarts("crash") == 0


async def test_a_model_that_is_given_up_takes_its_process_and_its_memory_with_it(
    plan: WorkerPlan, alone: WorkerPlan
) -> None:
    added = slots_added()
    async with running(plan) as service:
        (former,) = service.pool.pids
        await service.pool.adopt([alone])
        assert not psutil.pid_exists(former)
        assert added() == 1
        assert (await service.ask(RED)).scores.mean() > 0.5


async def test_the_same_plan_again_is_nothing_to_do(plan: WorkerPlan) -> None:
    async with running(plan) as service:
        pids = service.pool.pids
        await service.pool.adopt([replace(plan)])
        assert service.pool.pids == pids


async def test_where_a_successor_cannot_be_started_all_stays_as_it_was_and_says_why(
    plan: WorkerPlan, tmp_path: Path
) -> None:
    subject, classes = plan.models
    bad = replace(plan, models=[subject, Checkpoint(classes.card, subject.weights)])
    async with running(plan, plan) as service:
        pids = service.pool.pids
        with pytest.raises(WorkerFailed, match="tiny-classes"):
            await service.pool.adopt([bad, bad])
        assert service.pool.pids == pids
        assert (await service.ask(BLUE, "tiny-classes")).scores.shape[0] == 3


async def test_where_the_second_successor_cannot_be_started_the_first_worker_has_its_former_models_again(
    plan: WorkerPlan, alone: WorkerPlan
) -> None:
    subject, classes = plan.models
    bad = replace(plan, models=[subject, Checkpoint(classes.card, subject.weights)])
    async with running(alone, alone) as service:
        with pytest.raises(WorkerFailed):
            await service.pool.adopt([plan, bad])
        assert service.pool.ready_count == 2
        assert service.restarts("models") == 2
        assert [(await service.ask(RED)).scores.mean() > 0.5 for _ in range(4)] == [True] * 4


async def test_what_a_name_stood_for_before_is_served_on_until_nobody_needs_it(
    plan: WorkerPlan, renewed: WorkerPlan
) -> None:
    with leaking_nothing():
        others = processes_below()
        async with running(plan, plan) as service:
            nobody_is_left = asyncio.Event()
            farewell = await service.pool.adopt([renewed, renewed], nobody_is_left)
            assert farewell is not None
            former = [await service.ask(RED) for _ in range(3)]
            service.know(renewed)
            latter = [await service.ask(RED, "tiny-subject~1") for _ in range(3)]
            assert all(outcome.scores.mean() > 0.5 for outcome in (*former, *latter))
            nobody_is_left.set()
            await farewell
            assert service.pool.ready_count == 2
            assert processes_below() - others == set(service.pool.pids)


def processes_below() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


async def test_a_worker_in_the_middle_of_a_batch_answers_it_before_it_goes(plan: WorkerPlan, alone: WorkerPlan) -> None:
    async with running(plan) as service:
        async with stopped_worker(service):
            call = service.ask(RED)
            await until(lambda: service.batcher.waiting == 0)
            added = slots_added()
            adopting = asyncio.ensure_future(service.pool.adopt([alone]))
            await until(lambda: added() == 1)
        assert (await call).scores.mean() > 0.5
        await adopting
        assert service.restarts("models") == 1


async def test_a_worker_that_dies_while_its_successor_loads_is_followed_by_that(
    plan: WorkerPlan, alone: WorkerPlan
) -> None:
    async with running(alone) as service:
        (pid,) = service.pool.pids
        added = slots_added()
        adopting = asyncio.ensure_future(service.pool.adopt([plan]))
        await until(lambda: added() == 1)
        psutil.Process(pid).kill()
        await adopting
        service.know(plan)
        assert (await service.ask(BLUE, "tiny-classes")).scores.shape[0] == 3
        assert service.restarts("crash") == 1


async def test_a_pool_that_stops_in_the_middle_leaves_nothing_behind(plan: WorkerPlan, alone: WorkerPlan) -> None:
    with leaking_nothing():
        async with running(alone) as service:
            added = slots_added()
            adopting = asyncio.ensure_future(service.pool.adopt([plan]))
            await until(lambda: added() == 1)
        with pytest.raises(WorkerFailed, match="shutting down"):
            await adopting


async def test_where_the_last_worker_of_a_former_model_dies_those_who_wait_for_it_hear_so(
    plan: WorkerPlan, renewed: WorkerPlan
) -> None:
    async with running(plan) as service:
        (former,) = service.pool.pids
        farewell = await service.pool.adopt([renewed], asyncio.Event())
        assert farewell is not None
        psutil.Process(former).kill()
        await farewell
        for _ in range(2):
            with pytest.raises(NotReady, match="last worker has died"):
                await service.ask(RED)
        service.know(renewed)
        assert (await service.ask(RED, "tiny-subject~1")).scores.mean() > 0.5
        await service.pool.adopt([plan])
        assert (await service.ask(RED)).scores.mean() > 0.5
