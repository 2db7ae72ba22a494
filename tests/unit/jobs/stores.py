"""Stores of jobs as tests have them."""

from collections.abc import Callable
from dataclasses import replace

from service.jobs import Job, JobStore, NewJob, StoreLimits
from service.jobs.redis import RedisStore

KEEP_S = 100.0
LEASE_S = 20.0
LIMITS = StoreLimits(KEEP_S, most_waiting=9, most_bytes=1_000, lease_s=LEASE_S)
THREE = replace(LIMITS, most_waiting=3)

MakeMachine = Callable[..., RedisStore]
MakeStore = Callable[[StoreLimits], JobStore]
"""One that sees the jobs of all others of the test."""


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        self.now_s += 0.001
        return self.now_s


def add(store: JobStore, owner: str = "shop", **options: str) -> Job:
    with store.new_folder() as place:
        (place.path / "upload").write_bytes(b"film")
        return store.add(place, NewJob("video", options), owner)


def taken_from(store: JobStore) -> Job:
    """The next one, which is there."""
    job = store.take("video")
    assert job is not None
    return job
