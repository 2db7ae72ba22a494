"""Whole worker processes on a CUDA device."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from service.models.store import ModelStore
from service.queue.schedule import Lane
from service.queue.ticket import Ticket
from service.settings import read_settings
from service.workers.local.worker import LocalWorker
from service.workers.plan import WorkerPlan, plan_workers
from service.workers.worker import WorkerDied
from tests.fakes import BLUE, RED
from tests.gpu.families import POISON_COLOR, poisonous_families, waiting_families

pytestmark = pytest.mark.anyio

PATIENCE_S = 60.0
BATCH = 4


@pytest.fixture
def plan(tiny_store: ModelStore) -> WorkerPlan:
    checkpoint = tiny_store.checkpoint(tiny_store.card("tiny-subject"))
    settings = read_settings(device="cuda:0", max_batch_size=BATCH, workers=1)
    (plan,) = plan_workers(settings, [checkpoint], poisonous_families)
    return plan


@contextmanager
def started(plan: WorkerPlan) -> Iterator[LocalWorker]:
    handle = LocalWorker(plan)
    try:
        handle.start()
        yield handle
    finally:
        handle.stop()


async def tickets(*colors: tuple[int, int, int]) -> list[Ticket]:
    return [await ticket(color) for color in colors]


async def ticket(color: tuple[int, int, int]) -> Ticket:
    loop = asyncio.get_running_loop()
    pixels: NDArray[np.uint8] = np.full((48, 64, 3), color, np.uint8)
    return Ticket("tiny-subject", pixels, loop.time() + PATIENCE_S, Lane.INTERACTIVE, loop.time(), loop.create_future())


@pytest.mark.parametrize("cuda_graphs", [True, False])
async def test_a_worker_answers_batches_and_says_where_and_in_how_much_memory(
    plan: WorkerPlan, cuda_graphs: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with started(replace(plan, cuda_graphs=cuda_graphs)) as worker:
        run = worker.lanes[0].run(await tickets(RED, BLUE, RED), PATIENCE_S)
        assert [bool(scores.mean() > 0.5) for scores in run.scores] == [True, False, True]
        assert worker.device == "cuda:0"
        assert worker.device_memory_bytes > 0
        worker.lanes[0].ping(PATIENCE_S)
    assert not caplog.records


async def test_an_error_that_sticks_to_the_context_ends_the_worker(plan: WorkerPlan) -> None:
    with started(replace(plan, cuda_graphs=False)) as worker:
        with pytest.raises(WorkerDied) as death:
            worker.lanes[0].run(await tickets(POISON_COLOR), PATIENCE_S)
        assert death.value.cause == "poisoned"


async def test_a_worker_that_cannot_record_starts_again_without_graphs_and_says_so_once(
    plan: WorkerPlan, caplog: pytest.LogCaptureFixture
) -> None:
    with started(replace(plan, families=waiting_families)) as worker:
        run = worker.lanes[0].run(await tickets(RED, BLUE, RED), PATIENCE_S)
        assert [bool(scores.mean() > 0.5) for scores in run.scores] == [True, False, True]
    assert [record.getMessage() for record in caplog.records] == ["worker without CUDA graphs"]
