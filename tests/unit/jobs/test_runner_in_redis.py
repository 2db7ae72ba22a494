"""Runners of two machines with one Redis: both do jobs, and what Redis does not hear while it is away it hears then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.jobs import JobRunner, Kind, State, StoreLimits
from service.jobs.redis import RedisStore
from tests.redis_server import RedisServer, running_redis
from tests.unit.jobs.test_runner import AT_ONCE, LIMITS, Work, add, until

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def working(redis: RedisServer, work: Work, limits: StoreLimits = LIMITS) -> AsyncIterator[JobRunner]:
    """In charge, as soon as Redis has answered."""
    ready = asyncio.Event()
    ready.set()
    runner = JobRunner(lambda: RedisStore(redis.secret_url, limits), {"cut": Kind(work, AT_ONCE)}, ready)
    task = asyncio.create_task(runner.run())
    try:
        await until(lambda: runner.is_in_charge)
        yield runner
    finally:
        await runner.stop()
        task.cancel()
        runner.close()


def state_of(runner: JobRunner, id_: str) -> State:
    return runner.store.get(id_, "shop").state


async def test_both_machines_do_jobs_and_what_one_cancels_ends_in_the_other(redis: RedisServer) -> None:
    works = Work(), Work()
    async with working(redis, works[0]) as one, working(redis, works[1]) as other:
        added = [add(one.store, str(number)) for number in range(2 * AT_ONCE + 1)]
        await until(lambda: one.unfinished() == other.unfinished() == {"queued": 1, "running": 2 * AT_ONCE})
        assert [len(work.together) for work in works] == [AT_ONCE, AT_ONCE]
        for job in added:
            await other.cancel(job.id, "shop")
        await until(lambda: one.unfinished() == other.unfinished() == {"queued": 0, "running": 0})
        last = add(one.store, "last")  # there is room again on both
        works[0].may_end.set()
        works[1].may_end.set()
        await until(lambda: state_of(other, last.id) is State.DONE)
    assert not works[0].now | works[1].now


async def test_what_a_machine_that_stops_had_at_work_another_does_at_once(redis: RedisServer) -> None:
    works = Work(), Work()
    async with working(redis, works[0]) as one:
        added = [add(one.store, str(number)) for number in range(AT_ONCE)]
        await until(lambda: len(works[0].together) == AT_ONCE)
    works[1].may_end.set()
    async with working(redis, works[1]) as other:
        await until(lambda: all(state_of(other, job.id) is State.DONE for job in added))
        assert {other.store.get(job.id, "shop").attempts for job in added} == {1}
        assert other.deaths == 0


async def test_a_job_that_ends_while_redis_is_away_is_done_when_it_is_back(tmp_path: Path) -> None:
    work = Work()
    with running_redis(tmp_path, is_lasting=True) as redis:
        async with working(redis, work) as runner:
            job = add(runner.store, "long")
            await until(lambda: bool(work.together))
            redis.stop()
            await until(lambda: runner.trouble is not None)
            work.may_end.set()
            await until(lambda: not work.now)
            redis.start()
            redis.until_there()
            await until(lambda: runner.trouble is None)
            await until(lambda: state_of(runner, job.id) is State.DONE)
            assert runner.store.get(job.id, "shop").attempts == 1
