"""Who is still to be told of an end: a row a webhook."""

import secrets
from collections.abc import Sequence

from service.jobs.deliveries import DELAYS_S, Delivery
from service.jobs.disk.database import Database


def announce(rows: Database, subject: str, owner: str, url: str, now: float) -> None:
    """From now on, until it was heard."""
    rows.do(
        "INSERT INTO deliveries (id, subject, owner, url, due_at) VALUES (?, ?, ?, ?, ?)",
        *(f"msg_{secrets.token_urlsafe(16)}", subject, owner, url, now),
    )


def due(rows: Database, now: float, most: int) -> Sequence[Delivery]:
    """The oldest first."""
    columns = "id, subject, owner, url, attempts"
    found = rows.all(f"SELECT {columns} FROM deliveries WHERE due_at <= ? ORDER BY due_at LIMIT ?", now, most)
    return [Delivery(**dict(row)) for row in found]


def forget(rows: Database, delivery: Delivery) -> None:
    """It was heard, or is given up."""
    rows.do("DELETE FROM deliveries WHERE id = ?", delivery.id)


def postpone(rows: Database, delivery: Delivery, now: float) -> bool:
    """Until its next try; False where that was the last one."""
    if delivery.attempts >= len(DELAYS_S):
        forget(rows, delivery)
        return False
    rows.do(
        "UPDATE deliveries SET attempts = attempts + 1, due_at = ? WHERE id = ?",
        *(now + DELAYS_S[delivery.attempts], delivery.id),
    )
    return True
