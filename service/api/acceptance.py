"""What all that is accepted now and done later has in common: a place for its files, and what is said of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response

from service.api.asker import Asker
from service.api.request_headers import prefers_async
from service.api.state import Service
from service.jobs import Batch, Job, NewFolder

APPLIED = {"Preference-Applied": "respond-async"}


@contextlib.asynccontextmanager
async def place_for(asker: Asker, service: Service) -> AsyncIterator[NewFolder]:
    """For what is asked for, gone again unless it became a job or a batch.

    Raises TooManyJobs or StorageFull before anything is read, RequestInProgress for a key that is being read, and
    JobsAway.
    """
    with service.keys_in_progress.using(asker.owner, asker.key):
        if asker.key is None:  # or else it may be there already
            await asyncio.to_thread(service.jobs.store.check_room)
        with await asyncio.to_thread(service.jobs.store.new_folder) as place:
            yield place


def say_where(path: str, request: Request, response: Response) -> None:
    """Where to ask how far it is, and that the preference was heard."""
    response.headers["Location"] = path
    if prefers_async(request.headers):
        response.headers.update(APPLIED)


def times_of(subject: Job | Batch, service: Service) -> dict[str, Any]:
    """When it came, when it ended, and when it is forgotten, with its results."""
    ended_at = subject.ended_at
    return {
        "created_at": _date_of(subject.created_at),
        "ended_at": None if ended_at is None else _date_of(ended_at),
        "expires_at": None if ended_at is None else _date_of(ended_at + service.settings.job_retention_s),
    }


def _date_of(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
