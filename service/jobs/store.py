"""Work that outlives a connection, kept on disk: who asked for what, how far it is, and where its result lies.

Knows no HTTP, and not what the work is: `kind` says whose it is. A row in SQLite (with a write-ahead log) and a folder
a job: whoever is killed, whatever the database said before still holds, and no job takes another along.
"""

import fcntl
import json
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from service.configuration_errors import ConfigurationError
from service.errors import Failure, TooManyJobs, UnknownJob

MOST_ATTEMPTS = 3
"""A job that was at work each time when the service died is likely to be why."""

OWN_FOLDER = "silhouette-jobs"
"""Below the one that was named: what lies there and belongs to no job is deleted."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, options TEXT NOT NULL,
    created_at REAL NOT NULL, ended_at REAL, done INTEGER NOT NULL DEFAULT 0, total INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0, failure_code TEXT, failure_detail TEXT, result TEXT, media_type TEXT,
    notes TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, created_at);
"""


class State(StrEnum):
    """Of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True)
class Job:
    """What is known of one."""

    id: str
    kind: str
    owner: str
    """The name of the key that asked for it; empty where the service has no keys."""
    state: State
    options: Mapping[str, Any]
    """As its kind understands them."""
    created_at: float
    """Seconds since 1970, as all times here."""
    ended_at: float | None
    done: int
    """How far it is, of `total`, in units of its kind: frames of a film."""
    total: int | None
    """None as long as nobody knows."""
    attempts: int
    failure_code: str | None
    failure_detail: str | None
    result: Path | None
    media_type: str | None
    notes: Mapping[str, Any]
    """What else is to be said of the result."""
    folder: Path
    """Of its own; gone when the job is."""


class JobStore:
    """All jobs of one service. Threads may share it. Times come from `clock`, so that tests bring their own."""

    def __init__(self, folder: Path, keep_s: float, most_waiting: int, clock: Callable[[], float] = time.time) -> None:
        """Raises ConfigurationError where the folder cannot be written to, or another service works with it."""
        self._folder = folder / OWN_FOLDER
        self._keep_s = keep_s
        self._most_waiting = most_waiting
        self._clock = clock
        self._lock = threading.RLock()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._owned = (folder / "in-use").open("w")
            fcntl.flock(self._owned, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._database = sqlite3.connect(folder / "jobs.sqlite", check_same_thread=False, isolation_level=None)
        except BlockingIOError as error:
            self._owned.close()
            raise ConfigurationError(f"{folder} has the jobs of another service that is running") from error
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"jobs cannot be kept in {folder}: {error}") from error
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.executescript(SCHEMA)
        self._take_up_again()

    def close(self) -> None:
        with self._lock:
            self._database.close()
            self._owned.close()

    # --- for whoever asks ---------------------------------------------------------------------------------------------

    def new_folder(self) -> "NewFolder":
        """For what a job is to work on, before it is one."""
        self.check_room()
        id_ = secrets.token_urlsafe(12)
        folder = self._folder / id_
        folder.mkdir()
        return NewFolder(id_, folder)

    def check_room(self) -> None:
        """Raises TooManyJobs."""
        (waiting,) = self._one("SELECT count(*) FROM jobs WHERE state IN (?, ?)", State.QUEUED, State.RUNNING)
        if waiting >= self._most_waiting:
            raise TooManyJobs(f"{waiting} jobs wait or are at work, which is the most this service takes")

    def add(self, place: "NewFolder", kind: str, owner: str, options: Mapping[str, Any]) -> Job:
        """Queued from now on, whatever becomes of this process. Raises TooManyJobs."""
        with self._lock:
            self.check_room()
            self._do(
                "INSERT INTO jobs (id, kind, owner, state, options, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                *(place.id, kind, owner, State.QUEUED, json.dumps(options), self._clock()),
            )
            place.is_kept = True
        return self.get(place.id, owner)

    def get(self, id_: str, owner: str) -> Job:
        """Raises UnknownJob, also for somebody else's: nobody learns what others have."""
        row = self._one("SELECT * FROM jobs WHERE id = ? AND owner = ?", id_, owner)
        if row is None:
            raise UnknownJob(f"there is no job {id_!r}, or not any more")
        return self._job(row)

    def cancel(self, id_: str, owner: str) -> Job:
        """Cancelled, or as it was where it has ended already, but without a result in either case.

        Raises UnknownJob. Its folder goes with `clear_folder`, when nobody works there any more.
        """
        self.get(id_, owner)
        self._end(id_, State.CANCELLED)
        self._do("UPDATE jobs SET result = NULL WHERE id = ?", id_)
        return self.get(id_, owner)

    def clear_folder(self, job: Job) -> None:
        """All that it was made of, and its result."""
        shutil.rmtree(job.folder, ignore_errors=True)

    # --- for whoever works --------------------------------------------------------------------------------------------

    def take(self, kind: str) -> Job | None:
        """The oldest that waits, running from now on; None where none does."""
        with self._lock:
            row = self._one(
                "SELECT id, owner FROM jobs WHERE kind = ? AND state = ? ORDER BY created_at LIMIT 1",
                kind,
                State.QUEUED,
            )
            if row is None:
                return None
            self._do("UPDATE jobs SET state = ?, attempts = attempts + 1 WHERE id = ?", State.RUNNING, row["id"])
            return self.get(row["id"], row["owner"])

    def advance(self, id_: str, done: int, total: int | None) -> None:
        """How far it is. Nothing where it has been cancelled."""
        self._do("UPDATE jobs SET done = ?, total = ? WHERE id = ? AND state = ?", done, total, id_, State.RUNNING)

    def finish(self, id_: str, result: str, media_type: str, notes: Mapping[str, Any]) -> None:
        """`result` is the name of a file in its folder."""
        self._end(id_, State.DONE, result=result, media_type=media_type, notes=json.dumps(notes))

    def fail(self, id_: str, failure: Failure) -> None:
        self._end(id_, State.FAILED, failure_code=failure.code, failure_detail=failure.detail)

    def put_back(self, id_: str) -> None:
        """The service stops in the middle of it: that is not the job's fault."""
        self._do(
            "UPDATE jobs SET state = ?, attempts = attempts - 1 WHERE id = ? AND state = ?",
            *(State.QUEUED, id_, State.RUNNING),
        )

    def clear(self) -> int:
        """Forgets jobs that ended long ago, with their results; how many there were."""
        old = self._all("SELECT id FROM jobs WHERE ended_at < ?", self._clock() - self._keep_s)
        for row in old:
            shutil.rmtree(self._folder / row["id"], ignore_errors=True)
            self._do("DELETE FROM jobs WHERE id = ?", row["id"])
        return len(old)

    # --- within -------------------------------------------------------------------------------------------------------

    def _take_up_again(self) -> None:
        """What was running when the service died waits again, unless it was there each time."""
        for row in self._all("SELECT id, attempts FROM jobs WHERE state = ?", State.RUNNING):
            if row["attempts"] >= MOST_ATTEMPTS:
                detail = f"the service died {row['attempts']} times while it worked on this"
                self._end(row["id"], State.FAILED, failure_code="job_crashed", failure_detail=detail)
            else:
                self._do("UPDATE jobs SET state = ? WHERE id = ?", State.QUEUED, row["id"])
        known = {row["id"] for row in self._all("SELECT id FROM jobs")}
        for folder in self._folder.iterdir():
            if folder.is_dir() and folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def _end(self, id_: str, state: State, **fields: str) -> None:
        """Nothing where it has ended already: the first word holds."""
        names = "".join(f", {name} = ?" for name in fields)
        self._do(
            f"UPDATE jobs SET state = ?, ended_at = ?{names} WHERE id = ? AND state IN (?, ?)",
            *(state, self._clock(), *fields.values(), id_, State.QUEUED, State.RUNNING),
        )

    def _job(self, row: sqlite3.Row) -> Job:
        folder = self._folder / row["id"]
        known = {
            name: value for name, value in dict(row).items() if name not in ("options", "notes", "state", "result")
        }
        return Job(
            **known,
            state=State(row["state"]),
            options=json.loads(row["options"]),
            notes=json.loads(row["notes"]),
            result=folder / row["result"] if row["result"] else None,
            folder=folder,
        )

    def _do(self, statement: str, *values: object) -> None:
        with self._lock:
            self._database.execute(statement, values)

    def _one(self, statement: str, *values: object) -> Any:
        with self._lock:
            return self._database.execute(statement, values).fetchone()

    def _all(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()


@dataclass
class NewFolder:
    """A place for what a job is to work on; gone again unless the job was added."""

    id: str
    path: Path
    is_kept: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.is_kept:
            shutil.rmtree(self.path, ignore_errors=True)
