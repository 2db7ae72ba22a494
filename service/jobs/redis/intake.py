"""How jobs come into Redis: first their files, which would not stay; then all that is known of them, in one step."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.errors import Failure, JobsAway, KeyReused, TooManyBytes
from service.jobs.folders import size_of
from service.jobs.job import IdempotencyKey, NewJob, StoreLimits
from service.jobs.redis.link import PREFIX, RedisLink

if TYPE_CHECKING:
    from redis import Redis

MEBIBYTE = 1024 * 1024

MOST_BYTES = 128 * MEBIBYTE
"""Of a job's pictures, and of its result. Redis takes 512 MB at once, and keeps everybody waiting meanwhile: some 0.1 s
for as much as this."""

UPLOAD_LIFE_S = 3600
"""Of files whose job never came: their machine died meanwhile."""


@dataclass(frozen=True)
class Arrival:
    """A job that is to be added, with the folder that has its files."""

    id: str
    folder: Path
    new: NewJob

    def files(self) -> dict[Any, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}


@dataclass(frozen=True)
class Asked:
    """By whom, and how."""

    owner: str
    key: IdempotencyKey | None
    webhook: str | None


class Intake:
    """Threads may share it."""

    def __init__(self, link: RedisLink, limits: StoreLimits) -> None:
        self._link = link
        self._limits = limits

    def check_room(self, jobs: int, size_bytes: int) -> None:
        """Raises TooManyJobs or StorageFull."""
        counts, used = self._link.ask(_filling)
        waiting = sum(int(count or 0) for count in counts)
        self._limits.check_room(waiting, jobs, int(used or 0), size_bytes, "Redis")

    def add(self, arrivals: Sequence[Arrival], asked: Asked, batch: str = "") -> str:
        """The id of the job or the batch: of the one that is there where it has been added before.

        Raises TooManyJobs, StorageFull, KeyReused or TooManyBytes.
        """
        if known := self._promised(asked):
            return known
        sizes = [size_of(each.folder) for each in arrivals]
        for size_bytes in sizes:
            if size_bytes > MOST_BYTES:
                raise TooManyBytes(
                    f"the pictures of a job have {size_bytes} bytes; {MOST_BYTES} are the most that is kept in Redis"
                )
        self.check_room(len(arrivals), sum(sizes))
        told = [self._upload(each, size_bytes) for each, size_bytes in zip(arrivals, sizes, strict=True)]
        try:
            known = self._note(told, asked, batch)
        except JobsAway:  # it may have come, and nobody heard that; what has not goes by itself
            raise
        except Failure:
            self._forget(arrivals)
            raise
        if known is not None:
            self._forget(arrivals)
        return known or batch or arrivals[0].id

    def _forget(self, arrivals: Sequence[Arrival]) -> None:
        keys = [f"{PREFIX}files:{each.id}" for each in arrivals]
        self._link.ask(lambda redis: redis.unlink(*keys))

    def _promised(self, asked: Asked) -> str | None:
        key = asked.key
        if key is None:
            return None
        told = self._link.ask(lambda redis: redis.hget(f"{PREFIX}keys:{asked.owner}", key.key))
        return _kept_promise(told, key) if isinstance(told, bytes) else None

    def _upload(self, arrival: Arrival, size_bytes: int) -> dict[str, str | int]:
        """What is to be noted of it."""
        files, new = arrival.files(), arrival.new
        key = f"{PREFIX}files:{arrival.id}"

        def write(redis: "Redis") -> None:
            with redis.pipeline() as pipeline:
                pipeline.hset(key, mapping=files)
                pipeline.expire(key, UPLOAD_LIFE_S)
                pipeline.execute()

        if files:
            self._link.ask(write)
        return {
            "id": arrival.id,
            "kind": new.kind,
            "options": json.dumps(new.options),
            "name": new.name,
            "traceparent": new.traceparent,
            "size_bytes": size_bytes,
            "files": len(files),
        }

    def _note(self, jobs: Sequence[dict[str, str | int]], asked: Asked, batch: str) -> str | None:
        """In one step; the id of what was there before. Raises as `add`."""
        key = asked.key
        said, *more = self._link.run(
            "add",
            *(self._limits.most_waiting, self._limits.most_bytes),
            *(batch, asked.owner, asked.webhook or ""),
            *(key.key if key else "", key.fingerprint if key else ""),
            json.dumps(jobs),
        )
        if said == b"promised" and key is not None:
            return _kept_promise(more[0], key)
        if said == b"jobs":
            raise self._limits.too_many(int(more[0]), len(jobs))
        if said == b"bytes":
            raise self._limits.full(int(more[0]), "Redis")
        if said == b"gone":
            raise JobsAway("the files of a job did not stay in Redis until it came; its memory may be too small", 5)
        return None


def _filling(redis: "Redis") -> tuple[list[bytes | None], bytes | None]:
    with redis.pipeline(transaction=False) as pipeline:
        pipeline.hmget(f"{PREFIX}counts", ["queued", "running"])
        pipeline.get(f"{PREFIX}bytes")
        counts, used = pipeline.execute()
    return counts, used


def _kept_promise(told: bytes, key: IdempotencyKey) -> str:
    """What was added under the key. Raises KeyReused where something else was asked for."""
    fingerprint, _, id_ = told.decode().rpartition(" ")
    if fingerprint != key.fingerprint:
        raise KeyReused(f"{key.key!r} was sent with something else before; a new request needs a new key")
    return id_
