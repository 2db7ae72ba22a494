"""Jobs are worked off a few at once; those that were at work when the service died come first, and each alone."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.jobs import Advance, DiskStore, Done, Job, JobRunner, JobStore, Kind, NewJob, State, StoreLimits

pytestmark = pytest.mark.anyio

LIMITS = StoreLimits(keep_s=100.0, most_waiting=99, most_bytes=10**6)
AT_ONCE = 3
PATIENCE_S = 60.0


def add(store: JobStore, name: str) -> Job:
    with store.new_folder() as place:
        return store.add(place, NewJob("cut", {}, name), "shop")


class Work:
    """Notes who is at work together, and goes on when it is let."""

    def __init__(self) -> None:
        self.together: list[set[str]] = []
        self.now: set[str] = set()
        self.may_end = asyncio.Event()

    async def __call__(self, job: Job, _: Advance) -> Done:
        self.now.add(job.name)
        self.together.append(set(self.now))
        try:
            await self.may_end.wait()
            (job.folder / "result").write_bytes(b"cut")
            return Done("result", "text/plain", {})
        finally:
            self.now.discard(job.name)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.to_thread(time.sleep, 0.01)  # polls


def runner_of(folder: Path, work: Work, *, is_shared: bool = False) -> JobRunner:
    ready = asyncio.Event()
    ready.set()
    return JobRunner(lambda: DiskStore(folder, LIMITS, is_shared=is_shared), {"cut": Kind(work, AT_ONCE)}, ready)


async def test_no_more_are_at_work_than_there_are_places(tmp_path: Path) -> None:
    work = Work()
    jobs = runner_of(tmp_path, work)
    added = [add(jobs.store, str(number)) for number in range(5)]
    working = asyncio.create_task(jobs.run())
    await until(lambda: len(work.together) == AT_ONCE)
    assert jobs.unfinished() == {"queued": 2, "running": 3}
    work.may_end.set()
    await until(lambda: all(jobs.store.get(job.id, "shop").state is State.DONE for job in added))
    assert max(map(len, work.together)) == AT_ONCE
    await jobs.stop()
    working.cancel()
    jobs.close()


async def test_what_was_at_work_at_a_death_comes_first_and_alone(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, LIMITS)
    for name in ("first", "second", "third", "fourth"):
        add(store, name)
    store.take("cut")
    store.take("cut")
    store.close()  # as a killed process does: without another word
    work = Work()
    work.may_end.set()
    jobs = runner_of(tmp_path, work)
    working = asyncio.create_task(jobs.run())
    await until(lambda: len(work.together) == 4)
    assert work.together[:2] == [{"first"}, {"second"}]
    await jobs.stop()
    working.cancel()
    jobs.close()


async def test_an_end_that_finds_the_disk_full_is_written_once_there_is_room(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, LIMITS)
    ended = asyncio.Event()

    async def work(job: Job, _: Advance) -> Done:
        (pages,) = store.rows.one("PRAGMA page_count")
        store.rows.one(f"PRAGMA max_page_count = {pages}")  # to SQLite that is a full disk
        (job.folder / "result").write_bytes(b"cut")
        ended.set()
        return Done("result", "text/plain", {"long": "x" * 100_000})

    ready = asyncio.Event()
    ready.set()
    jobs = JobRunner(lambda: store, {"cut": Kind(work, AT_ONCE)}, ready)
    job = add(store, "first")
    working = asyncio.create_task(jobs.run())
    await ended.wait()
    assert store.get(job.id, "shop").state is State.RUNNING
    store.rows.one("PRAGMA max_page_count = 1000000")
    await until(lambda: store.get(job.id, "shop").state is State.DONE)
    await jobs.stop()
    working.cancel()
    jobs.close()


async def test_a_stop_puts_back_all_that_are_at_work(tmp_path: Path) -> None:
    work = Work()
    jobs = runner_of(tmp_path, work)
    added = [add(jobs.store, str(number)) for number in range(4)]
    working = asyncio.create_task(jobs.run())
    await until(lambda: bool(work.together))
    await jobs.stop()
    assert [(each.state, each.attempts) for each in (jobs.store.get(job.id, "shop") for job in added)] == [
        (State.QUEUED, 0)
    ] * 4
    working.cancel()
    jobs.close()


async def test_a_cancelled_one_ends_where_it_is(tmp_path: Path) -> None:
    work = Work()
    jobs = runner_of(tmp_path, work)
    job = add(jobs.store, "long")
    working = asyncio.create_task(jobs.run())
    await until(lambda: bool(work.together))
    await jobs.cancel(job.id, "shop")
    assert jobs.store.get(job.id, "shop").state is State.CANCELLED
    assert not job.folder.exists()
    await until(lambda: jobs.unfinished() == {"queued": 0, "running": 0})
    await jobs.stop()
    working.cancel()
    jobs.close()


@dataclass
class Shared:
    """Two runners on one folder, as two processes have them: one is in charge, and the other is not."""

    works: Work
    idles: Work
    working: JobRunner
    idle: JobRunner
    tasks: "dict[int, asyncio.Task[None]]"

    async def end(self, runner: JobRunner) -> None:
        await runner.stop()
        self.tasks.pop(id(runner)).cancel()
        runner.close()


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Shared]:
    works = Work(), Work()
    runners = [runner_of(tmp_path, work, is_shared=True) for work in works]
    tasks = {id(runner): asyncio.create_task(runner.run()) for runner in runners}
    await until(lambda: any(runner.is_in_charge for runner in runners))
    at = int(runners[1].is_in_charge)
    made = Shared(works[at], works[1 - at], runners[at], runners[1 - at], tasks)
    yield made
    for runner in runners:
        if id(runner) in tasks:
            await made.end(runner)


async def test_of_two_processes_one_does_the_jobs_of_both(shared: Shared) -> None:
    shared.works.may_end.set()
    added = [add(runner.store, str(number)) for number in range(4) for runner in (shared.working, shared.idle)]
    await until(lambda: all(shared.idle.store.get(job.id, "shop").state is State.DONE for job in added))
    assert len(shared.works.together) == len(added)
    assert not shared.idles.together
    assert not shared.idle.is_in_charge


async def test_what_one_process_cancels_ends_in_the_other(shared: Shared) -> None:
    at_work = [add(shared.idle.store, str(number)) for number in range(AT_ONCE)]
    await until(lambda: shared.working.unfinished()["running"] == AT_ONCE)
    waiting = add(shared.idle.store, "waiting")
    (waiting.folder / "upload").write_bytes(b"picture")
    assert shared.idle.unfinished() == {"queued": 0, "running": 0}  # so that all together are not counted twice
    for job in (at_work[0], waiting):
        assert (await shared.idle.cancel(job.id, "shop")).state is State.CANCELLED
    await until(lambda: not at_work[0].folder.exists() and not waiting.folder.exists())
    assert [shared.working.store.get(job.id, "shop").state for job in at_work[1:]] == [State.RUNNING] * (AT_ONCE - 1)


async def test_when_the_one_in_charge_ends_the_other_goes_on(shared: Shared) -> None:
    added = [add(shared.working.store, str(number)) for number in range(AT_ONCE + 1)]
    await until(lambda: shared.working.unfinished()["running"] == AT_ONCE)
    await shared.end(shared.working)
    shared.idles.may_end.set()
    await until(lambda: all(shared.idle.store.get(job.id, "shop").state is State.DONE for job in added))
    assert shared.idle.is_in_charge
