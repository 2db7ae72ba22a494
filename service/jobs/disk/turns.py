"""Whose job is next: owners take turns, so that the thousand jobs of one do not keep another's single one waiting."""

from typing import Any

from service.jobs.disk.database import Database
from service.jobs.job import State


class OwnerTurns:
    """Remembers who had a turn when."""

    def __init__(self, rows: Database) -> None:
        self._rows = rows
        self._last: dict[str, int] = {}

    def next(self, kind: str) -> Any:
        """The row of the oldest job that waits of whoever had no turn for longest; None where none waits."""
        waiting = self._rows.all(
            "SELECT owner, min(created_at) AS since FROM jobs WHERE kind = ? AND state = ? GROUP BY owner",
            *(kind, State.QUEUED),
        )
        if not waiting:
            return None
        owner = min(waiting, key=lambda row: (self._last.get(row["owner"], 0), row["since"]))["owner"]
        self._last = {row["owner"]: self._last.get(row["owner"], 0) for row in waiting}
        self._last[owner] = max(self._last.values()) + 1
        return self._rows.one(
            "SELECT id, owner FROM jobs WHERE kind = ? AND state = ? AND owner = ? ORDER BY created_at, rowid LIMIT 1",
            *(kind, State.QUEUED, owner),
        )

    def next_suspect(self, kind: str) -> Any:
        """Of those that were at work when the service died, the row of the one that was so least often."""
        return self._rows.one(
            "SELECT id, owner FROM jobs WHERE kind = ? AND state = ? AND attempts > 0 "
            "ORDER BY attempts, created_at, rowid LIMIT 1",
            *(kind, State.QUEUED),
        )
