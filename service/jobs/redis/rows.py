"""What Redis says of jobs and batches, as the house has it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from service.jobs.job import Batch, Job, State


def pairs(flat: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Names and values, which a script tells as one list."""
    values = iter(flat)
    return zip(values, values, strict=True)


def job_of(told: Mapping[bytes, bytes], folder: Path) -> Job:
    """`folder` is where this machine has its files, if it has any."""
    row = _texts(told)
    return Job(
        id=row["id"],
        kind=row["kind"],
        owner=row["owner"],
        state=State(row["state"]),
        options=json.loads(row["options"]),
        created_at=float(row["created_at"]),
        ended_at=_moment(row),
        done=int(row["done"]),
        total=int(row["total"]) if row.get("total") else None,
        attempts=int(row["attempts"]),
        failure_code=row.get("failure_code"),
        failure_detail=row.get("failure_detail"),
        result=row.get("result") or None,
        media_type=row.get("media_type"),
        notes=json.loads(row["notes"]),
        folder=folder,
        batch=row["batch"] or None,
        name=row["name"],
        size_bytes=int(row["size_bytes"]),
        webhook=row["webhook"] or None,
        traceparent=row["traceparent"],
    )


def batch_of(told: Mapping[bytes, bytes], counts: Mapping[bytes, bytes]) -> Batch:
    row = _texts(told)
    return Batch(
        id=row["id"],
        owner=row["owner"],
        created_at=float(row["created_at"]),
        ended_at=_moment(row),
        webhook=row["webhook"] or None,
        counts=counts_of(counts.items()),
    )


def counts_of(told: Iterable[tuple[bytes, bytes]]) -> dict[State, int]:
    """Without those states that nothing is in."""
    return {State(state.decode()): int(count) for state, count in told if int(count) > 0}


def _texts(told: Mapping[bytes, bytes]) -> dict[str, Any]:
    return {name.decode(): value.decode() for name, value in told.items()}


def _moment(row: Mapping[str, str]) -> float | None:
    return float(row["ended_at"]) if row.get("ended_at") else None
