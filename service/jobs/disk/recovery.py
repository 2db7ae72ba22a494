"""What a process has left that died while it worked on jobs, or took some in."""

import shutil
from collections.abc import Callable
from pathlib import Path

from service.errors import JobCrashed
from service.jobs.disk.database import Database
from service.jobs.job import State
from service.jobs.locks import is_locked
from service.jobs.store import MOST_ATTEMPTS


def queue_again(rows: Database, fail: Callable[[str, JobCrashed], object]) -> int:
    """What was at work waits again, unless it was there each time; how many there were."""
    found = rows.all("SELECT id, attempts FROM jobs WHERE state = ?", State.RUNNING)
    for row in found:
        if row["attempts"] >= MOST_ATTEMPTS:
            fail(row["id"], JobCrashed(f"the service died {row['attempts']} times while it worked on this"))
        else:
            rows.do("UPDATE jobs SET state = ? WHERE id = ?", State.QUEUED, row["id"])
    return len(found)


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
