"""Jobs on disk. A row in SQLite and a folder a job: whoever is killed, whatever the rows said before still holds, and
no job takes another along. Several processes may share it: all of them take jobs in, and one of them at a time is in
charge of doing them.
"""

import contextlib
import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from service.configuration_errors import ConfigurationError
from service.errors import Failure, StorageFull, UnknownBatch, UnknownJob
from service.jobs.deliveries import Delivery
from service.jobs.disk.database import Database
from service.jobs.disk.deliveries import due, forget, postpone
from service.jobs.disk.ends import WAITING, end
from service.jobs.disk.expiry import forget_before
from service.jobs.disk.promises import promise, promised
from service.jobs.disk.recovery import delete_unknown, queue_again
from service.jobs.disk.turns import OwnerTurns
from service.jobs.folders import keep_only, size_of
from service.jobs.job import Batch, IdempotencyKey, Job, NewFolder, NewJob, State, StoreLimits
from service.jobs.locks import Lock
from service.jobs.store import Look, ResultFile

OWN_FOLDER = "silhouette-jobs"
"""Below the one that was named: what lies there and belongs to no job is deleted."""


class DiskStore:
    """A `JobStore`. Times come from `clock`, so that tests bring their own."""

    trouble: str | None

    def __init__(
        self, folder: Path, limits: StoreLimits, clock: Callable[[], float] = time.time, *, is_shared: bool = False
    ) -> None:
        """In charge, unless `is_shared` leaves it to `take_charge` which of several processes is.

        Raises ConfigurationError where the folder cannot be written to, or another service works with it.
        """
        self._folder = folder / OWN_FOLDER
        self._limits = limits
        self.is_shared = is_shared
        self.trouble = None
        self.clock = clock
        self._deaths = 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (lock := folder / ("in-charge" if is_shared else "in-use")).touch()
            self._charge = Lock(lock)
            self.rows = Database(folder / "jobs.sqlite")
        except (OSError, sqlite3.Error, StorageFull) as error:
            raise ConfigurationError(f"jobs cannot be kept in {folder}: {error}") from error
        self._turns = OwnerTurns(self.rows)
        if not is_shared and not self.take_charge():
            self.close()
            raise ConfigurationError(f"{folder} has the jobs of another service that is running")

    def take_charge(self) -> bool:
        """What was at work when the former one died waits again, unless it was at work at too many deaths."""
        if not self._charge.take():
            return False
        self._deaths = queue_again(self.rows, self.fail)
        delete_unknown(self.rows, self._folder)
        return True

    def close(self) -> None:
        self.rows.close()
        self._charge.close()

    # --- for whoever asks ---------------------------------------------------------------------------------------------

    def new_folder(self) -> NewFolder:
        with self.rows.transaction():  # so that nobody takes it for a dead one's before it is locked
            return NewFolder.below(self._folder)

    def check_room(self, jobs: int = 1, size_bytes: int = 0) -> None:
        waiting = sum(self.counts().get(state, 0) for state in WAITING)
        (used,) = self.rows.one("SELECT coalesce(sum(size_bytes), 0) FROM jobs")
        self._limits.check_room(waiting, jobs, used, size_bytes, "disk")

    def add(
        self,
        place: NewFolder,
        new: NewJob,
        owner: str,
        key: IdempotencyKey | None = None,
        webhook: str | None = None,
    ) -> Job:
        size_bytes = size_of(place.path)
        with self.rows.transaction():
            if known := promised(self.rows, owner, key):
                return self.get(known, owner)
            self.check_room(1, size_bytes)
            self._insert(place.id, new, owner, size_bytes, webhook=webhook)
            promise(self.rows, owner, key, place.id)
        place.is_kept = True
        return self.get(place.id, owner)

    def add_batch(
        self,
        place: NewFolder,
        jobs: Sequence[tuple[Path, NewJob]],
        owner: str,
        key: IdempotencyKey | None = None,
        webhook: str | None = None,
    ) -> Batch:
        sizes = [size_of(path) for path, _ in jobs]
        with contextlib.ExitStack() as in_vain:
            with self.rows.transaction():
                if known := promised(self.rows, owner, key):
                    return self.batch(known, owner)
                self.check_room(len(jobs), sum(sizes))
                self.rows.do(
                    "INSERT INTO batches (id, owner, created_at, webhook) VALUES (?, ?, ?, ?)",
                    *(place.id, owner, self.clock(), webhook),
                )
                for (path, new), size_bytes in zip(jobs, sizes, strict=True):
                    id_ = secrets.token_urlsafe(12)
                    folder = path.rename(self._folder / id_)
                    in_vain.callback(shutil.rmtree, folder, ignore_errors=True)
                    self._insert(id_, new, owner, size_bytes, batch=place.id)
                promise(self.rows, owner, key, place.id)
            in_vain.pop_all()
        return self.batch(place.id, owner)

    def get(self, id_: str, owner: str) -> Job:
        row = self.rows.one("SELECT * FROM jobs WHERE id = ? AND owner = ?", id_, owner)
        if row is None:
            raise UnknownJob.of(id_)
        return self._job(row)

    def batch(self, id_: str, owner: str) -> Batch:
        row = self.rows.one("SELECT * FROM batches WHERE id = ? AND owner = ?", id_, owner)
        if row is None:
            raise UnknownBatch.of(id_)
        rows = self.rows.all("SELECT state, count(*) AS jobs FROM jobs WHERE batch = ? GROUP BY state", id_)
        return Batch(**dict(row), counts={State(each["state"]): each["jobs"] for each in rows})

    def jobs_of(self, owner: str, most: int, state: State | None = None) -> list[Job]:
        wanted = "" if state is None else " AND state = ?"
        rows = self.rows.all(
            f"SELECT * FROM jobs WHERE owner = ?{wanted} ORDER BY created_at DESC, rowid DESC LIMIT ?",
            *(owner, *([] if state is None else [state]), most),
        )
        return [self._job(row) for row in rows]

    def jobs_in(self, batch: str) -> list[Job]:
        return [self._job(row) for row in self.rows.all("SELECT * FROM jobs WHERE batch = ? ORDER BY rowid", batch)]

    def position(self, job: Job) -> int:
        (before,) = self.rows.one(
            "SELECT count(*) FROM jobs WHERE kind = ? AND state = ? AND (created_at, rowid) < "
            "(SELECT created_at, rowid FROM jobs WHERE id = ?)",
            *(job.kind, State.QUEUED, job.id),
        )
        return int(before)

    def counts(self) -> dict[State, int]:
        rows = self.rows.all("SELECT state, count(*) AS jobs FROM jobs GROUP BY state")
        return {State(row["state"]): row["jobs"] for row in rows}

    def cancel(self, id_: str, owner: str) -> Job:
        self.get(id_, owner)
        self._end(id_, State.CANCELLED)
        self.rows.do("UPDATE jobs SET result = NULL WHERE id = ?", id_)
        return self.get(id_, owner)

    def cancel_batch(self, id_: str, owner: str) -> list[Job]:
        self.batch(id_, owner)
        with self.rows.transaction():
            return [self.cancel(job.id, owner) for job in self.jobs_in(id_)]

    def result_file(self, job: Job) -> ResultFile | None:
        path = job.folder / job.result if job.state is State.DONE and job.result else None
        return ResultFile(path) if path and path.is_file() else None

    def clear_folder(self, id_: str) -> None:
        shutil.rmtree(self._folder / id_, ignore_errors=True)
        self.rows.do("UPDATE jobs SET size_bytes = 0 WHERE id = ?", id_)

    # --- for whoever works --------------------------------------------------------------------------------------------

    def take(self, kind: str) -> Job | None:
        with self.rows.transaction():
            return self._begun(self._turns.next(kind))

    def take_suspect(self, kind: str) -> Job | None:
        with self.rows.transaction():
            return self._begun(self._turns.next_suspect(kind))

    def look(self, at_work: Collection[str]) -> Look:
        """Those of which something is still there, or that are at work: another process has cancelled them."""
        rows = self.rows.all(
            f"SELECT id FROM jobs WHERE state = ? AND (size_bytes > 0 OR id IN ({','.join('?' * len(at_work))}))",
            *(State.CANCELLED, *at_work),
        )
        deaths, self._deaths = self._deaths, 0
        return Look([row["id"] for row in rows], deaths=deaths)

    def advance(self, id_: str, done: int, total: int | None) -> None:
        self.rows.do("UPDATE jobs SET done = ?, total = ? WHERE id = ? AND state = ?", done, total, id_, State.RUNNING)

    def finish(self, id_: str, result: str, media_type: str, notes: Mapping[str, Any]) -> bool:
        if has_ended := self._end(id_, State.DONE, result=result, media_type=media_type, notes=json.dumps(notes)):
            folder = self._folder / id_
            keep_only(folder, result)
            self.rows.do("UPDATE jobs SET size_bytes = ? WHERE id = ?", size_of(folder), id_)
        return has_ended

    def fail(self, id_: str, failure: Failure) -> bool:
        return self._end(id_, State.FAILED, failure_code=failure.code, failure_detail=failure.detail)

    def put_back(self, id_: str) -> None:
        self.rows.do(
            "UPDATE jobs SET state = ?, attempts = attempts - 1 WHERE id = ? AND state = ?",
            *(State.QUEUED, id_, State.RUNNING),
        )

    def clear(self) -> int:
        return forget_before(self.rows, self._folder, self.clock() - self._limits.keep_s)

    # --- for whoever tells of ends ------------------------------------------------------------------------------------

    def due(self, most: int) -> Sequence[Delivery]:
        return due(self.rows, self.clock(), most)

    def forget(self, delivery: Delivery) -> None:
        forget(self.rows, delivery)

    def postpone(self, delivery: Delivery) -> bool:
        return postpone(self.rows, delivery, self.clock())

    # --- within -------------------------------------------------------------------------------------------------------

    def _insert(
        self,
        id_: str,
        new: NewJob,
        owner: str,
        size_bytes: int,
        *,
        batch: str | None = None,
        webhook: str | None = None,
    ) -> None:
        self.rows.do(
            "INSERT INTO jobs (id, kind, owner, state, options, name, created_at, size_bytes, batch, webhook, "
            "traceparent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(id_, new.kind, owner, State.QUEUED, json.dumps(new.options), new.name, self.clock()),
            *(size_bytes, batch, webhook, new.traceparent),
        )

    def _begun(self, row: sqlite3.Row | None) -> Job | None:
        if row is None:
            return None
        self.rows.do("UPDATE jobs SET state = ?, attempts = attempts + 1 WHERE id = ?", State.RUNNING, row["id"])
        return self.get(row["id"], row["owner"])

    def _end(self, id_: str, state: State, **fields: str) -> bool:
        """False where it has ended already: the first word holds."""
        names = "".join(f", {name} = ?" for name in fields)
        now, size_bytes = self.clock(), size_of(self._folder / id_)
        with self.rows.transaction():
            ended = self.rows.do(
                f"UPDATE jobs SET state = ?, ended_at = ?, size_bytes = ?{names} WHERE id = ? AND state IN (?, ?)",
                *(state, now, size_bytes, *fields.values(), id_, *WAITING),
            )
            if ended:
                end(self.rows, id_, now)
        return bool(ended)

    def _job(self, row: sqlite3.Row) -> Job:
        folder = self._folder / row["id"]
        read = {
            "state": State(row["state"]),
            "options": json.loads(row["options"]),
            "notes": json.loads(row["notes"]),
        }
        return Job(**{**dict(row), **read}, folder=folder)
