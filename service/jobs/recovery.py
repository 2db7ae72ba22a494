"""What a process has left that died while it worked on jobs, or took some in."""

import shutil
from collections.abc import Callable
from pathlib import Path

from service.errors import JobCrashed
from service.jobs.database import Database
from service.jobs.job import State
from service.jobs.locks import is_locked

MOST_ATTEMPTS = 5
"""A job that was at work each time when the service died is likely to be why. With 3, one of 60 that were not was given
up where the service was killed every 3 seconds and a job took one."""


def queue_again(rows: Database, fail: Callable[[str, JobCrashed], None]) -> None:
    """What was at work waits again, unless it was there each time."""
    for row in rows.all("SELECT id, attempts FROM jobs WHERE state = ?", State.RUNNING):
        if row["attempts"] >= MOST_ATTEMPTS:
            fail(row["id"], JobCrashed(f"the service died {row['attempts']} times while it worked on this"))
        else:
            rows.do("UPDATE jobs SET state = ? WHERE id = ?", State.QUEUED, row["id"])


def delete_unknown(rows: Database, folder: Path) -> None:
    """Folders below that belong to no job, and that nobody fills any more.

    In a transaction: folders of a batch have their names before its rows are seen, but not before its own begins.
    """
    with rows.transaction():
        unlocked = [each for each in folder.iterdir() if each.is_dir() and not is_locked(each)]
        known = {row["id"] for row in rows.all("SELECT id FROM jobs")}
        for each in unlocked:
            if each.name not in known:
                shutil.rmtree(each, ignore_errors=True)
