"""Jobs in Redis. Every machine takes them in, does them, and delivers results; a dead one's are done by another.

What is asked for and what comes out of it lies in Redis, and here only as long as somebody works on it or reads it.
Each step is a script, which Redis runs as one: `scripts/common.lua` says what lies where.
"""

import os
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from service.errors import Failure, UnknownBatch, UnknownJob
from service.jobs.deliveries import Delivery
from service.jobs.job import Batch, IdempotencyKey, Job, NewFolder, NewJob, State, StoreLimits
from service.jobs.redis.claims import Claims
from service.jobs.redis.deliveries import Deliveries
from service.jobs.redis.intake import Arrival, Asked, Intake
from service.jobs.redis.link import PREFIX, RedisLink
from service.jobs.redis.rows import batch_of, job_of, pairs
from service.jobs.scratch import ScratchFolder
from service.jobs.store import Look, ResultFile

if TYPE_CHECKING:
    from redis import Redis

CLEARED_AT_ONCE = 200
"""Jobs that one script forgets: Redis does nothing else meanwhile."""


class RedisStore:
    """A `JobStore`. Leases, and what is noted, go by Redis' own clock, unless a test brings one."""

    is_shared = True

    def __init__(self, url: SecretStr, limits: StoreLimits, clock: Callable[[], float] | None = None) -> None:
        """Raises ConfigurationError without the extra `shared`. Redis may be away."""
        self.clock = clock or time.time
        self._limits = limits
        self._link = RedisLink(url, clock)
        self._own = ScratchFolder()
        self._folder = self._own.path
        self._intake = Intake(self._link, limits)
        self._claims = Claims(self._link, self._folder, limits.lease_s)
        self._deliveries = Deliveries(self._link)

    @property
    def trouble(self) -> str | None:
        return self._link.trouble

    def take_charge(self) -> bool:
        """Every machine is, once Redis is there."""
        self._link.check_memory()
        return True

    def close(self) -> None:
        self._link.close()
        self._own.close()

    # --- for whoever asks ---------------------------------------------------------------------------------------------

    def new_folder(self) -> NewFolder:
        return NewFolder.below(self._folder)

    def check_room(self, jobs: int = 1, size_bytes: int = 0) -> None:
        self._intake.check_room(jobs, size_bytes)

    def add(
        self,
        place: NewFolder,
        new: NewJob,
        owner: str,
        key: IdempotencyKey | None = None,
        webhook: str | None = None,
    ) -> Job:
        arrival = Arrival(place.id, place.path, new)
        return self.get(self._intake.add([arrival], Asked(owner, key, webhook)), owner)

    def add_batch(
        self,
        place: NewFolder,
        jobs: Sequence[tuple[Path, NewJob]],
        owner: str,
        key: IdempotencyKey | None = None,
        webhook: str | None = None,
    ) -> Batch:
        arrivals = [Arrival(f"{place.id}-{number}", folder, new) for number, (folder, new) in enumerate(jobs, 1)]
        return self.batch(self._intake.add(arrivals, Asked(owner, key, webhook), place.id), owner)

    def get(self, id_: str, owner: str) -> Job:
        told = self._hash(f"job:{id_}")
        if told.get(b"owner") != owner.encode():
            raise UnknownJob.of(id_)
        return self._job(told)

    def batch(self, id_: str, owner: str) -> Batch:
        told = self._hash(f"batch:{id_}")
        if told.get(b"owner") != owner.encode():
            raise UnknownBatch.of(id_)
        return batch_of(told, self._hash(f"batch-counts:{id_}"))

    def jobs_of(self, owner: str, most: int, state: State | None = None) -> list[Job]:
        return self._jobs(self._run("jobs_of", owner, state or "", most))

    def jobs_in(self, batch: str) -> list[Job]:
        return self._jobs(self._run("jobs_in", batch))

    def position(self, job: Job) -> int:
        return int(self._run("position", job.id, job.kind))

    def counts(self) -> Mapping[State, int]:
        return self._claims.counts

    def result_file(self, job: Job) -> ResultFile | None:
        name = job.result
        if job.state is not State.DONE or name is None or job.ended_at is None:
            return None
        content = self._link.ask(lambda redis: redis.hget(f"{PREFIX}files:{job.id}", name))
        if not isinstance(content, bytes):
            return None
        descriptor, path = tempfile.mkstemp(Path(name).suffix, "result-", self._folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.utime(path, (job.ended_at, job.ended_at))  # so that all machines tell of the same file
        return ResultFile(Path(path), is_copy=True)

    def cancel(self, id_: str, owner: str) -> Job:
        self.get(id_, owner)
        self._run("cancel", id_)
        return self.get(id_, owner)

    def cancel_batch(self, id_: str, owner: str) -> list[Job]:
        self.batch(id_, owner)
        self._run("cancel", *(job.id for job in self.jobs_in(id_)))
        return self.jobs_in(id_)

    def clear_folder(self, id_: str) -> None:
        """What is here: in Redis it went when the job was cancelled, or is another machine's now."""
        self._claims.let_go(id_)

    # --- for whoever works --------------------------------------------------------------------------------------------

    def look(self, at_work: Collection[str]) -> Look:
        return self._claims.look(at_work)

    def take(self, kind: str) -> Job | None:
        return self._claims.take(kind, of_suspects=False)

    def take_suspect(self, kind: str) -> Job | None:
        return self._claims.take(kind, of_suspects=True)

    def advance(self, id_: str, done: int, total: int | None) -> None:
        self._claims.advance(id_, done, total)

    def finish(self, id_: str, result: str, media_type: str, notes: Mapping[str, Any]) -> bool:
        return self._claims.finish(id_, result, media_type, notes)

    def fail(self, id_: str, failure: Failure) -> bool:
        return self._claims.fail(id_, failure)

    def put_back(self, id_: str) -> None:
        self._claims.put_back(id_)

    def clear(self) -> int:
        total = count = int(self._run("clear", self._limits.keep_s, CLEARED_AT_ONCE))
        while count == CLEARED_AT_ONCE:
            total += (count := int(self._run("clear", self._limits.keep_s, CLEARED_AT_ONCE)))
        return total

    # --- for whoever tells of ends ------------------------------------------------------------------------------------

    def due(self, most: int) -> Sequence[Delivery]:
        return self._deliveries.due(most)

    def forget(self, delivery: Delivery) -> None:
        self._deliveries.forget(delivery)

    def postpone(self, delivery: Delivery) -> bool:
        return self._deliveries.postpone(delivery)

    # --- within -------------------------------------------------------------------------------------------------------

    def _run(self, script: str, *values: object) -> Any:
        return self._link.run(script, *values)

    def _hash(self, key: str) -> dict[bytes, bytes]:
        def read(redis: "Redis") -> Any:
            return redis.hgetall(PREFIX + key)

        return dict(self._link.ask(read))

    def _jobs(self, told: Sequence[Sequence[bytes]]) -> list[Job]:
        return [self._job(dict(pairs(each))) for each in told if each]

    def _job(self, told: Mapping[bytes, bytes]) -> Job:
        return job_of(told, self._claims.folder_of(told[b"id"].decode()))
