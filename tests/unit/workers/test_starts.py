"""Real worker processes that cannot be started, or not at once: who hears what, and that nothing is left behind."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from service.configuration_errors import WorkerFailed
from service.errors import NotReady
from service.models.store import Checkpoint, ModelCard
from service.workers.backoff import LEAST_FAILED_STARTS
from service.workers.local.worker import LocalWorker
from service.workers.plan import WorkerPlan
from tests.fakes import RED
from tests.flaky_families import Fault, flaky_families
from tests.pools import DRAIN_S, PATIENCE_S, Service, leaking_nothing, running, slots_added, until

pytestmark = pytest.mark.anyio

MEETINGS = 12
"""Two threads at the same thing at once: with a fault in it, one of ten or so found it."""


# --- the first start --------------------------------------------------------------------------------------------------


def with_output(card: ModelCard, **changes: int) -> ModelCard:
    return card.model_copy(update={"output": card.output.model_copy(update=changes)})


@pytest.fixture
def bad_plans(plan: WorkerPlan, tmp_path: Path) -> dict[str, tuple[WorkerPlan, str]]:
    """What is wrong -> a plan, and a word that the reason must have."""
    subject, classes = plan.models
    card = subject.card
    garbage = tmp_path / "model.safetensors"
    garbage.write_bytes(b"garbage")
    lie = with_output(card, width=32)
    return {
        "scores": (
            replace(plan, models=[Checkpoint(lie, subject.weights)]),
            r"tiny-subject.*\(1, 48, 32\).*\(1, 48, 64\)",
        ),
        "garbage": (replace(plan, models=[Checkpoint(card, garbage)]), "is not what it was.*load tiny-subject"),
        "other weights": (replace(plan, models=[Checkpoint(card, classes.weights)]), "tiny-subject"),
        "device": (replace(plan, device="cuda:7"), "cuda:7"),
        "no pickle": (replace(plan, families=lambda: {}), "pickle"),
    }


@pytest.mark.parametrize("wrong", ["scores", "garbage", "other weights", "device", "no pickle"])
async def test_a_worker_that_cannot_load_says_why_in_one_line_and_leaves_nothing_behind(
    bad_plans: dict[str, tuple[WorkerPlan, str]], wrong: str
) -> None:
    bad, reason = bad_plans[wrong]
    with leaking_nothing():
        service = Service(bad)
        try:
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(WorkerFailed, match=reason) as failed:
                    await service.pool.start()
        finally:
            await service.pool.stop(DRAIN_S)
        assert len(str(failed.value).splitlines()) == 1
        assert service.pool.ready_count == 0


async def test_one_worker_that_cannot_load_fails_the_start_of_all(
    plan: WorkerPlan, bad_plans: dict[str, tuple[WorkerPlan, str]]
) -> None:
    service = Service(plan, bad_plans["scores"][0])
    try:
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(WorkerFailed):
                await service.pool.start()
    finally:
        await service.pool.stop(DRAIN_S)
    assert service.pool.pids == []


@pytest.mark.parametrize("files_left", range(4))
async def test_a_worker_for_which_there_are_too_few_open_files_gives_back_those_it_took(
    plan: WorkerPlan, files_left: int
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with leaking_nothing():
        first_free = os.dup(0)
        os.close(first_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (first_free + files_left, hard))
        try:
            with pytest.raises(WorkerFailed, match="open files"):
                LocalWorker(plan)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_loop_that_ends_while_workers_load_leaves_nothing_behind(plan: WorkerPlan) -> None:
    """As with Ctrl-C in somebody's script: every task is cancelled, wherever it is."""

    async def leave_in_the_middle() -> Service:
        service = Service(plan, plan)
        added = slots_added()
        starting = asyncio.create_task(service.pool.start())
        await until(lambda: added() == 2)
        assert not starting.done()
        return service

    with leaking_nothing():
        service = asyncio.run(leave_in_the_middle())
    assert service.pool.trouble is not None


def test_a_worker_that_two_threads_end_at_once_ends_once(plan: WorkerPlan) -> None:
    """Its place gives it up and the pool closes, in the same moment."""
    with leaking_nothing():
        handle = LocalWorker(plan)
        handle.start()
        with ThreadPoolExecutor(2) as threads:
            for ending in [threads.submit(handle.stop) for _ in range(2)]:
                ending.result(PATIENCE_S)


def test_a_worker_that_is_stopped_the_moment_it_is_there_leaves_nothing_behind(plan: WorkerPlan) -> None:
    """The thread that starts it and the one that stops it meet at the same ends of the pipe."""
    switch_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with leaking_nothing(), ThreadPoolExecutor(1) as threads:
            for _ in range(MEETINGS):
                handle = LocalWorker(plan)
                starting = threads.submit(handle.start)
                while not handle.pid:
                    pass
                handle.stop()
                assert isinstance(starting.exception(PATIENCE_S), WorkerFailed)
    finally:
        sys.setswitchinterval(switch_s)


# --- a restart --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fault(tmp_path_factory: pytest.TempPathFactory) -> Fault:
    return Fault(tmp_path_factory.mktemp("flaky") / "broken")


@pytest.fixture(scope="module")
async def flaky(plan: WorkerPlan, fault: Fault) -> AsyncIterator[Service]:
    async with running(replace(plan, families=partial(flaky_families, fault.file))) as service:
        yield service


async def test_those_who_wait_while_a_start_fails_are_answered_by_the_next(flaky: Service, fault: Fault) -> None:
    fault.happens()
    os.kill(flaky.pool.pids[0], signal.SIGKILL)
    await until(lambda: flaky.pool.ready_count == 0)
    waiting = flaky.ask(RED)
    await until(lambda: flaky.restarts("failed_start") == 1)
    assert flaky.pool.trouble is None
    fault.is_mended()
    assert (await waiting).scores.mean() > 0.5


async def test_those_who_wait_are_refused_when_several_starts_in_a_row_have_failed(
    flaky: Service, fault: Fault
) -> None:
    await until(lambda: flaky.pool.ready_count == 1)
    before = flaky.restarts("failed_start")
    fault.happens()
    os.kill(flaky.pool.pids[0], signal.SIGKILL)
    await until(lambda: flaky.pool.ready_count == 0)
    waiting = flaky.ask(RED)
    with pytest.raises(NotReady, match="broken for now"):
        await waiting
    assert flaky.restarts("failed_start") == before + LEAST_FAILED_STARTS
    fault.is_mended()
    await until(lambda: flaky.pool.trouble is None)
