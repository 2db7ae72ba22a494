"""What was added under which idempotency key."""

from service.errors import KeyReused
from service.jobs.disk.database import Database
from service.jobs.job import IdempotencyKey


def promised(rows: Database, owner: str, key: IdempotencyKey | None) -> str | None:
    """The job or the batch that was added under this key. Raises KeyReused where something else was asked for."""
    if key is None:
        return None
    row = rows.one("SELECT * FROM idempotency_keys WHERE owner = ? AND key = ?", owner, key.key)
    if row is None:
        return None
    if row["fingerprint"] != key.fingerprint:
        raise KeyReused(f"{key.key!r} was sent with something else before; a new request needs a new key")
    return str(row["id"])


def promise(rows: Database, owner: str, key: IdempotencyKey | None, id_: str) -> None:
    """From now on the key stands for this job or batch."""
    if key is not None:
        rows.do("INSERT INTO idempotency_keys VALUES (?, ?, ?, ?)", owner, key.key, key.fingerprint, id_)
