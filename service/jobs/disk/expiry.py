"""What ended long ago is forgotten."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from service.jobs.disk.database import Database


def forget_before(rows: Database, folder: Path, moment: float) -> int:
    """Jobs that ended before, with their results, and batches that have none left; how many jobs there were."""
    old = [row["id"] for row in rows.all("SELECT id FROM jobs WHERE ended_at < ?", moment)]
    for id_ in old:
        shutil.rmtree(folder / id_, ignore_errors=True)
    with rows.transaction():
        _forget(rows, "jobs", old)
        gone = rows.all("SELECT id FROM batches WHERE id NOT IN (SELECT batch FROM jobs WHERE batch NOT NULL)")
        _forget(rows, "batches", (row["id"] for row in gone))
    return len(old)


def _forget(rows: Database, table: str, ids: Iterable[str]) -> None:
    for id_ in ids:
        rows.do(f"DELETE FROM {table} WHERE id = ?", id_)
        rows.do("DELETE FROM idempotency_keys WHERE id = ?", id_)
