"""The rows: one file of SQLite with a write-ahead log. Whoever is killed, whatever was committed still holds."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from service.jobs.folders import check_disk

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, options TEXT NOT NULL,
    created_at REAL NOT NULL, ended_at REAL, done INTEGER NOT NULL DEFAULT 0, total INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0, failure_code TEXT, failure_detail TEXT, result TEXT, media_type TEXT,
    notes TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, created_at);
CREATE TABLE IF NOT EXISTS batches (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, created_at REAL NOT NULL, ended_at REAL, webhook TEXT
);
CREATE TABLE IF NOT EXISTS idempotency_keys (
    owner TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (owner, key)
);
CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, owner TEXT NOT NULL, url TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL
);
"""

LATER_COLUMNS = {
    "batch": "TEXT",
    "name": "TEXT NOT NULL DEFAULT ''",
    "size_bytes": "INTEGER NOT NULL DEFAULT 0",
    "webhook": "TEXT",
    "traceparent": "TEXT NOT NULL DEFAULT ''",
}
"""Of `jobs`, which the first releases did not have: their files are taken over as they are."""

LATER_SCHEMA = "CREATE INDEX IF NOT EXISTS jobs_by_batch ON jobs (batch, state);"


BUSY_TIMEOUT_S = 30.0
"""For another process to end its transaction, of some milliseconds: it may have to wait for a core, or for a disk."""


class Database:
    """Threads may share it; processes have one each. Whatever is done raises StorageFull where the disk is full."""

    def __init__(self, path: Path) -> None:
        """Raises sqlite3.Error."""
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(SCHEMA)
        known = {row["name"] for row in self.all("PRAGMA table_info(jobs)")}
        for name, kind in LATER_COLUMNS.items():
            if name not in known:
                self.do(f"ALTER TABLE jobs ADD COLUMN {name} {kind}")
        self._connection.executescript(LATER_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within, or nothing; nobody else comes between. One within another is part of it."""
        with self._lock:
            if self._depth:
                yield
                return
            self._execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
                self._execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # of a full disk SQLite has taken it back itself
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def do(self, statement: str, *values: object) -> int:
        """How many rows it changed."""
        with self._lock:
            return self._execute(statement, *values).rowcount

    def one(self, statement: str, *values: object) -> Any:
        with self._lock:
            return self._execute(statement, *values).fetchone()

    def all(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._execute(statement, *values).fetchall()

    def _execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            check_disk(error)
            raise
