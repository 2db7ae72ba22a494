"""Real worker processes with the tiny networks: how they answer, die and end."""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

from service.configuration_errors import WorkerFailed
from service.errors import Draining, Failure, ModelCrashed, ModelFailed
from service.queue.ticket import Outcome
from service.telemetry.log import FIELDS
from service.workers.plan import WorkerPlan
from tests.fakes import (
    BLUE,
    DARK,
    FATAL_COLOR,
    RAISING_COLOR,
    RED,
    thread_counting_families,
    unrecordable_families,
)
from tests.pools import (
    DRAIN_S,
    PATIENCE_S,
    Service,
    given_up,
    leaking_nothing,
    running,
    slot_memory,
    slots_added,
    stopped_worker,
    until,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def service(plan: WorkerPlan) -> AsyncIterator[Service]:
    """One worker that takes up to two images at once. Starting one is slow, so most tests share it: it is replaced
    where a test kills it."""
    async with running(plan) as service:
        yield service


def subject(outcome: Outcome) -> bool:
    return bool(outcome.scores.mean() > 0.5)


def strongest(outcome: Outcome) -> int:
    return int(outcome.scores.mean(axis=(1, 2)).argmax())


# --- a healthy life ---------------------------------------------------------------------------------------------------


async def test_workers_answer_with_the_scores_of_the_image_and_model_that_were_asked_about(plan: WorkerPlan) -> None:
    async with running(plan, plan) as service:
        assert service.pool.ready_count == service.pool.size == 2
        assert len(set(service.pool.pids)) == 2
        subjects = [service.ask(color) for color in (RED, BLUE, RED, DARK)]
        classes = [service.ask(color, "tiny-classes") for color in (DARK, RED, BLUE)]
        assert [subject(await call) for call in subjects] == [True, False, True, False]
        assert [strongest(await call) for call in classes] == [0, 1, 2]
        outcome = await subjects[0]
        assert outcome.scores.shape == (1, 48, 64)
        assert outcome.device == "cpu"
        assert outcome.queue_ms >= 0
        assert outcome.infer_ms > 0


async def test_a_worker_that_works_alone_takes_the_cores_of_those_that_do_nothing(plan: WorkerPlan) -> None:
    counting = replace(plan, most_threads=2, models=plan.models[:1], families=thread_counting_families)
    async with running(counting, counting) as service:
        assert (await service.ask(RED)).scores.max() == pytest.approx(0.2)
        outcomes = await asyncio.gather(*(service.ask(RED) for _ in range(8)))
        threads = {round(float(outcome.scores.max()) * 10) for outcome in outcomes}
        assert 1 in threads


async def test_scores_are_not_turned_or_shifted_on_their_way(service: Service) -> None:
    """A gradient in both axes comes back pixel by pixel as the network's own formula."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[..., 0] = 60 + np.add.outer(np.arange(48), np.arange(64))
    scores = (await service.ask_about(pixels)).scores
    assert scores[0] == pytest.approx(1 / (1 + np.exp(6 - 20.0 * pixels[..., 0] / 255)), abs=1e-4)


async def test_an_answer_does_not_change_when_the_next_is_computed(service: Service) -> None:
    """Scores come out of shared memory as a copy."""
    first = await service.ask(RED)
    kept = first.scores.copy()
    await service.ask(BLUE)
    assert np.array_equal(first.scores, kept)


async def test_a_worker_that_cannot_record_cuda_graphs_starts_again_without_and_says_so_once(
    plan: WorkerPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    families = partial(unrecordable_families, tmp_path / "tried")
    async with running(replace(plan, models=plan.models[:1], families=families)) as service:
        assert subject(await service.ask(RED))
        assert service.pool.ready_count == 1
    told = [record for record in caplog.records if record.getMessage() == "worker without CUDA graphs"]
    assert [(record.levelname, record.__dict__[FIELDS]["cause"]) for record in told] == [
        ("WARNING", "this one never works")
    ]


# --- death ------------------------------------------------------------------------------------------------------------


async def test_an_idle_worker_that_is_killed_is_replaced(service: Service) -> None:
    (killed,) = service.pool.pids
    os.kill(killed, signal.SIGKILL)
    await until(lambda: service.pool.pids not in ([killed], []))
    assert subject(await service.ask(RED))
    assert not psutil.pid_exists(killed)


async def test_the_request_on_board_of_a_killed_worker_is_answered_by_the_next(service: Service) -> None:
    async with stopped_worker(service) as killed:
        calls = [service.ask(RED), service.ask(BLUE), service.ask(RED)]
        await until(lambda: service.batcher.waiting == 1)
        os.kill(killed, signal.SIGKILL)
    assert [subject(await call) for call in calls] == [True, False, True]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are forked from nothing")
async def test_when_the_process_that_workers_are_forked_from_is_killed_all_start_again(service: Service) -> None:
    (worker,) = service.pool.pids
    template = psutil.Process(worker).parent()
    assert template
    assert template.pid != os.getpid()
    template.kill()
    assert [subject(await service.ask(color)) for color in (RED, BLUE)] == [True, False]
    await until(lambda: service.pool.pids not in ([worker], []) and not psutil.pid_exists(worker))
    assert subject(await service.ask(RED))


async def test_an_image_that_kills_every_worker_fails_alone(service: Service) -> None:
    fatal = service.ask(FATAL_COLOR)
    neighbours = [service.ask(color, "tiny-classes") for color in (RED, BLUE)]
    with pytest.raises(ModelCrashed):
        await fatal
    assert [strongest(await call) for call in neighbours] == [1, 2]


async def test_an_image_that_makes_the_model_raise_fails_and_the_worker_lives(service: Service) -> None:
    await until(lambda: service.pool.ready_count == 1)
    before = service.pool.pids
    with pytest.raises(ModelFailed) as failed:
        await service.ask(RAISING_COLOR)
    assert "magic" not in failed.value.detail  # the cause is for the log
    assert subject(await service.ask(RED))
    assert service.pool.pids == before


@pytest.mark.parametrize("trouble", [RAISING_COLOR, FATAL_COLOR], ids=["raises", "kills"])
async def test_the_batchmate_of_a_bad_image_is_answered(service: Service, trouble: tuple[int, int, int]) -> None:
    """A bad request never harms its neighbours, not even those in its own batch."""
    await until(lambda: service.pool.ready_count == 1)
    async with stopped_worker(service):
        first = service.ask(DARK)
        await until(lambda: service.batcher.waiting == 0)
        bad, neighbour = service.ask(trouble), service.ask(RED)
        await until(lambda: service.batcher.waiting == 2)
    assert not subject(await first)
    with pytest.raises(ModelFailed):
        await bad
    assert subject(await neighbour)


async def test_pixels_of_the_wrong_size_fail_and_the_worker_lives(plan: WorkerPlan) -> None:
    """The serving loop survives any batch."""
    service = Service(plan)
    await service.pool.start()
    wrong = service.ask_about(np.zeros((7, 5, 3), np.uint8))
    await asyncio.wait([wrong], timeout=PATIENCE_S)
    healthy = service.ask(RED)
    await asyncio.wait([healthy], timeout=PATIENCE_S)
    (trouble,) = await asyncio.gather(service.pool.stop(DRAIN_S), return_exceptions=True)
    failed, answered = await given_up(wrong, healthy)
    assert isinstance(failed, ModelFailed)
    assert isinstance(answered, Outcome)
    assert subject(answered)
    assert trouble is None


# --- the end ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at Linux' /proc and /dev/shm")
async def test_stopping_leaves_no_process_no_file_and_no_shared_memory(service: Service, plan: WorkerPlan) -> None:
    await until(lambda: service.pool.ready_count == 1)
    with leaking_nothing():
        added = slots_added()
        async with running(plan) as another:
            assert added() == 1
            assert another.pool.pids != service.pool.pids
            await another.ask(RED)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at Linux' /proc")
async def test_the_shared_memory_has_no_name(service: Service) -> None:
    """So that the system frees it, whoever is killed."""
    await until(lambda: service.pool.ready_count == 1)
    assert slot_memory()
    assert all(line.endswith("(deleted)") for line in slot_memory())
    assert slot_memory(service.pool.pids[0])


async def test_stopping_answers_what_is_on_board_first(plan: WorkerPlan) -> None:
    async with running(replace(plan, max_batch_size=1)) as service:
        (pid,) = service.pool.pids
        os.kill(pid, signal.SIGSTOP)
        on_board = service.ask(RED)
        await until(lambda: service.batcher.waiting == 0)
        waiting = service.ask(RED)
        await until(lambda: service.batcher.waiting == 1)
        stopping = asyncio.ensure_future(service.pool.stop(DRAIN_S))
        with pytest.raises(Draining):
            await waiting
        os.kill(pid, signal.SIGCONT)
        assert subject(await on_board)
        await stopping


async def test_stopping_a_worker_that_hangs_answers_what_it_has_on_board(plan: WorkerPlan) -> None:
    """Every accepted request is answered, also when the time for draining is over."""
    service = Service(plan)
    await service.pool.start()
    (pid,) = service.pool.pids
    os.kill(pid, signal.SIGSTOP)
    on_board = service.ask(RED)
    await until(lambda: service.batcher.waiting == 0)
    await service.pool.stop(0.1)
    assert not psutil.pid_exists(pid)
    await asyncio.wait([on_board], timeout=PATIENCE_S)
    (answered,) = await given_up(on_board)
    assert isinstance(answered, Failure)


async def test_a_pool_that_was_never_started_can_be_stopped(plan: WorkerPlan) -> None:
    service = Service(plan)
    await service.pool.stop(DRAIN_S)
    assert service.pool.ready_count == 0


async def test_stopping_while_the_workers_load_does_not_wait_for_them(plan: WorkerPlan) -> None:
    service = Service(plan)
    before = set(multiprocessing.active_children())
    starting = asyncio.ensure_future(service.pool.start())
    await until(lambda: bool(set(multiprocessing.active_children()) - before))
    for worker in set(multiprocessing.active_children()) - before:
        assert worker.pid
        os.kill(worker.pid, signal.SIGSTOP)  # or it may be ready before it is looked at again
    await asyncio.wait_for(service.pool.stop(DRAIN_S), PATIENCE_S)
    with pytest.raises(WorkerFailed):
        await asyncio.wait_for(starting, PATIENCE_S)
