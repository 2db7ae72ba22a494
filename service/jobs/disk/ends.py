"""What follows from the end of a job: that of its batch, and that somebody is told."""

from service.jobs.disk.database import Database
from service.jobs.disk.deliveries import announce
from service.jobs.job import State

WAITING = (State.QUEUED, State.RUNNING)


def end(rows: Database, id_: str, now: float) -> None:
    """Of a job that has just ended, within the same transaction."""
    job = rows.one("SELECT owner, batch, webhook FROM jobs WHERE id = ?", id_)
    if job["webhook"]:
        announce(rows, id_, job["owner"], job["webhook"], now)
    if job["batch"]:
        _end_batch(rows, job["batch"], now)


def _end_batch(rows: Database, id_: str, now: float) -> None:
    """Where that was its last job."""
    (left,) = rows.one("SELECT count(*) FROM jobs WHERE batch = ? AND state IN (?, ?)", id_, *WAITING)
    if left:
        return
    rows.do("UPDATE batches SET ended_at = ? WHERE id = ?", now, id_)
    batch = rows.one("SELECT owner, webhook FROM batches WHERE id = ?", id_)
    if batch["webhook"]:
        announce(rows, id_, batch["owner"], batch["webhook"], now)
