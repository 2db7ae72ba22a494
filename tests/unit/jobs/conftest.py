"""The stores of jobs: on disk, and in a real Redis."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.jobs import DiskStore, JobStore, StoreLimits
from service.jobs.redis import RedisStore
from tests.redis_server import RedisServer, running_redis
from tests.unit.jobs.stores import LIMITS, THREE, Clock, MakeMachine, MakeStore


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def redis(server: RedisServer) -> RedisServer:
    """Empty."""
    server.ask("FLUSHALL")
    return server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["disk", "redis"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[MakeStore]:
    """As several processes have them."""
    redis: RedisServer | None = request.getfixturevalue("redis") if request.param == "redis" else None
    with ExitStack() as opened:

        def make(limits: StoreLimits) -> JobStore:
            store: JobStore
            if redis is None:
                store = DiskStore(tmp_path, limits, clock, is_shared=True)
            else:
                store = RedisStore(redis.secret_url, limits, clock)
            opened.callback(store.close)
            return store

        yield make


@pytest.fixture
def store(make_store: MakeStore) -> JobStore:
    """In charge, with room for three jobs."""
    made = make_store(THREE)
    assert made.take_charge()
    return made


@pytest.fixture
def machine(redis: RedisServer, clock: Clock) -> Iterator[MakeMachine]:
    """A machine that has its jobs in Redis, as often as it is called."""
    with ExitStack() as opened:

        def make(limits: StoreLimits = LIMITS) -> RedisStore:
            made = RedisStore(redis.secret_url, limits, clock)
            opened.callback(made.close)
            return made

        yield make
