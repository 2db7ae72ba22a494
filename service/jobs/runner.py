"""Works jobs off, a few of each kind at once, and lets them be cancelled. Knows no HTTP, and not what the work is."""

import asyncio
import contextlib
import logging
import os
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from service.errors import Draining, Failure, ModelFailed, StorageFull, Unavailable
from service.jobs.folders import check_disk
from service.jobs.job import Batch, Job, State, StoreLimits
from service.jobs.store import JobStore
from service.telemetry.log import FIELDS

logger = logging.getLogger(__name__)

CLEAR_INTERVAL_S = 60.0

LOOK_INTERVAL_S = 0.25
"""For what other processes have added or cancelled, and whether the one in charge is gone."""

RETRY_INTERVAL_S = 5.0
"""Until the disk is tried again."""

MOST_TRIES = 20
"""Of a job for which there was no room in memory, or on the device: then there will be none."""


@dataclass(frozen=True)
class Done:
    """What became of a job."""

    result: str
    """The name of a file in its folder, which is whole."""
    media_type: str
    notes: Mapping[str, Any]


Advance = Callable[[int, int | None], None]
"""Is told how far a job is, and of how much, None as long as nobody knows. May take a moment: it writes to disk."""


@dataclass(frozen=True)
class Kind:
    """How jobs of one kind are done."""

    work: Callable[[Job, Advance], Awaitable[Done]]
    """May be cancelled at any moment, and begun again. Raises a Failure where the job cannot be done."""
    at_once: int


@dataclass
class JobRunner:
    """One in each process. For the event loop alone."""

    folder: Path | None
    """None: one that goes when the service does."""
    limits: StoreLimits
    kinds: Mapping[str, Kind]
    ready: asyncio.Event
    """Nothing is begun before."""
    is_shared: bool = False
    """The folder is that of several processes: one of them takes charge and does the jobs of all; when it dies, another
    goes on with them."""
    is_in_charge: bool = False
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _current: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _at_work: Counter[str] = field(default_factory=Counter)
    """How many of each kind."""
    _suspected: set[str] = field(default_factory=set)
    """Kinds that may have jobs which were at work when the service died."""
    _beginning: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a job is taken, so that none is that nobody works on."""
    _clear_at_s: float = 0.0
    _is_stopping: bool = False
    _own_folder: "tempfile.TemporaryDirectory[str] | None" = None
    _store: JobStore | None = None

    def __post_init__(self) -> None:
        """Raises ConfigurationError where the folder of jobs is of no use."""
        self._suspected.update(self.kinds)
        self.is_in_charge = not self.is_shared
        if self.folder is not None:
            self._store = JobStore(self.folder, self.limits, is_shared=self.is_shared)

    @property
    def store(self) -> JobStore:
        """Made when it is first wanted, where its folder was not named."""
        if self._store is None:
            self._own_folder = tempfile.TemporaryDirectory(prefix="silhouette-", ignore_cleanup_errors=True)
            self._store = JobStore(Path(self._own_folder.name), self.limits)
        return self._store

    def unfinished(self) -> Mapping[str, int]:
        """How many jobs wait, and how many are at work; of several processes the one in charge tells it."""
        counts: Mapping[State, int] = self._store.counts() if self._store and self.is_in_charge else {}
        return {state.value: counts.get(state, 0) for state in (State.QUEUED, State.RUNNING)}

    def wake(self) -> None:
        """There is a new job."""
        self._came.set()

    async def cancel(self, id_: str, owner: str) -> Job:
        """Ends it, whatever it is at. Raises UnknownJob."""
        job = await asyncio.to_thread(self.store.cancel, id_, owner)
        await self._delete([job])
        return job

    async def cancel_batch(self, id_: str, owner: str) -> Batch:
        """Ends all of its jobs. Raises UnknownBatch."""
        await self._delete(await asyncio.to_thread(self.store.cancel_batch, id_, owner))
        return self.store.batch(id_, owner)

    async def run(self) -> None:
        """Until `stop`."""
        await self.ready.wait()
        while not self._is_stopping:
            self._came.clear()
            interval_s = LOOK_INTERVAL_S if self.is_shared else CLEAR_INTERVAL_S
            try:
                if await self._takes_charge():
                    await self._begin_what_can_be()
            except (OSError, sqlite3.Error, StorageFull):  # a full disk, which need not stay so
                logger.exception("jobs cannot be read or written")
                interval_s = RETRY_INTERVAL_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._came.wait(), interval_s)

    async def stop(self) -> None:
        """The jobs that are at work wait again; where jobs outlive the service, the next one goes on with them."""
        self._is_stopping = True
        self._came.set()
        async with self._beginning:
            stopped = list(self._current)
        await self._drop(stopped)
        for id_ in stopped:
            self.store.put_back(id_)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    async def _takes_charge(self) -> bool:
        if not self.is_in_charge and await asyncio.to_thread(self.store.take_charge):
            self.is_in_charge = True
            logger.info("in charge of jobs", extra={FIELDS: {"pid": os.getpid()}})
        return self.is_in_charge

    async def _begin_what_can_be(self) -> None:
        await self._clear_now_and_then()
        if self._store is not None:
            await self._delete(await asyncio.to_thread(self._store.cancelled, list(self._current)))
        for name in self.kinds:
            while await self._begin(name):
                continue

    async def _begin(self, name: str) -> bool:
        """With the next job of the kind; False where there is none, or no place for it."""
        async with self._beginning:
            job = None if self._is_stopping else await self._take(name)
            if job is None:
                return False
            task = self._current[job.id] = asyncio.create_task(self._attend(job, self.kinds[name]))
            self._at_work[name] += 1

            def end(_: "asyncio.Task[None]") -> None:
                del self._current[job.id]
                self._at_work[name] -= 1
                self._came.set()

            task.add_done_callback(end)
            return True

    async def _take(self, name: str) -> Job | None:
        """Those that were at work when the service died come first, and each of them alone: one of them may be why, and
        it must not take others along."""
        if self._store is None:
            return None
        if name in self._suspected and not self._at_work[name]:
            if job := await asyncio.to_thread(self._store.take_suspect, name):
                return job
            self._suspected.discard(name)
        if name in self._suspected or self._at_work[name] >= self.kinds[name].at_once:
            return None
        return await asyncio.to_thread(self._store.take, name)

    async def _clear_now_and_then(self) -> None:
        now_s = time.monotonic()
        if self._store is not None and now_s >= self._clear_at_s:
            self._clear_at_s = now_s + CLEAR_INTERVAL_S
            await asyncio.to_thread(self._store.clear)

    async def _delete(self, jobs: Sequence[Job]) -> None:
        """What is there of them; what may be at work is for the process in charge to end."""
        await self._drop(job.id for job in jobs)
        for job in jobs:
            if self.is_in_charge or job.state is not State.CANCELLED:
                await asyncio.to_thread(self.store.clear_folder, job)

    async def _drop(self, ids: Iterable[str]) -> None:
        tasks = [self._current[id_] for id_ in ids if id_ in self._current]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _attend(self, job: Job, kind: Kind) -> None:
        began_s = time.monotonic()
        outcome = "internal_error"
        try:
            done = await self._patiently(job, kind)
            await asyncio.to_thread(self.store.finish, job.id, done.result, done.media_type, done.notes)
            outcome = "done"
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except Draining:
            outcome = "put back"
            self.store.put_back(job.id)
        except Failure as failure:
            outcome = failure.code
            await asyncio.to_thread(self.store.fail, job.id, failure)
        except Exception:
            logger.exception("job failed", extra={FIELDS: {"job": job.id}})
            await asyncio.to_thread(self.store.fail, job.id, ModelFailed("the cause is in the service's log"))
        finally:
            seconds = round(time.monotonic() - began_s, 1)
            told = {"job": job.id, "kind": job.kind, "outcome": outcome, "seconds": seconds}
            asked = {"trace_id": job.trace_id} if job.trace_id else {}
            logger.info("job", extra={FIELDS: told | asked})

    async def _patiently(self, job: Job, kind: Kind) -> Done:
        """What becomes of it, once there is room for it. Raises a Failure."""
        advance = partial(self.store.advance, job.id)
        for _ in range(MOST_TRIES):
            try:
                return await kind.work(job, advance)
            except Draining:
                raise
            except Unavailable as busy:
                await asyncio.sleep(busy.retry_after_s)
            except OSError as error:
                check_disk(error)
                raise
        return await kind.work(job, advance)
