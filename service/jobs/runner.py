"""Works jobs off, a few of each kind at once, and lets them be cancelled. Knows no HTTP, and not what the work is."""

import asyncio
import contextlib
import logging
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from service.errors import Draining, Failure, JobsAway, ModelFailed, StorageFull, Unavailable
from service.jobs.folders import check_disk
from service.jobs.job import Batch, Job, State
from service.jobs.store import JobStore
from service.telemetry.log import FIELDS

logger = logging.getLogger(__name__)

CLEAR_INTERVAL_S = 60.0

LOOK_INTERVAL_S = 0.25
"""For what other processes have added or cancelled, and whether the one in charge is gone."""

RETRY_INTERVAL_S = 2.0
"""Until a full disk, or a Redis that is away, is tried again."""

TOO_LATE = "too late"
"""The outcome of a job that has ended meanwhile, or that another machine has taken: what was made of it is dropped."""

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

    open_store: Callable[[], JobStore]
    kinds: Mapping[str, Kind]
    ready: asyncio.Event
    """Nothing is begun before."""
    opens_late: bool = False
    """The store is opened when it is first wanted: nothing can be there before."""
    is_in_charge: bool = False
    """Of several processes with one folder, one does the jobs of all; when it dies, another goes on with them. Of
    several machines with one Redis, each does jobs."""
    deaths: int = 0
    """Jobs that were at work when their process or their machine died, as far as this one has noticed."""
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
    _store: JobStore | None = None

    def __post_init__(self) -> None:
        """Raises ConfigurationError where the store is of no use."""
        self._suspected.update(self.kinds)
        if not self.opens_late:
            self._store = self.open_store()
        self.is_in_charge = self._store is None or not self._store.is_shared

    @property
    def store(self) -> JobStore:
        if self._store is None:
            self._store = self.open_store()
        return self._store

    @property
    def trouble(self) -> str | None:
        """Why jobs can be neither added nor read now."""
        return self._store.trouble if self._store else None

    def unfinished(self) -> Mapping[str, int]:
        """How many jobs wait, and how many are at work. Of several processes with one folder the one in charge tells
        it; of several machines with one Redis, each."""
        counts: Mapping[State, int] = self._store.counts() if self._store and self.is_in_charge else {}
        return {state.value: counts.get(state, 0) for state in (State.QUEUED, State.RUNNING)}

    def wake(self) -> None:
        """There is a new job."""
        self._came.set()

    async def cancel(self, id_: str, owner: str) -> Job:
        """Ends it, whatever it is at. Raises UnknownJob."""
        job = await asyncio.to_thread(self.store.cancel, id_, owner)
        if self.is_in_charge or job.state is not State.CANCELLED:  # or else it may be at work, elsewhere
            await self._delete([job.id])
        return job

    async def cancel_batch(self, id_: str, owner: str) -> Batch:
        """Ends all of its jobs. Raises UnknownBatch."""
        jobs = await asyncio.to_thread(self.store.cancel_batch, id_, owner)
        await self._delete([job.id for job in jobs if self.is_in_charge or job.state is not State.CANCELLED])
        return await asyncio.to_thread(self.store.batch, id_, owner)

    async def run(self) -> None:
        """Until `stop`."""
        await self.ready.wait()
        while not self._is_stopping:
            self._came.clear()
            interval_s = LOOK_INTERVAL_S if self._store and self._store.is_shared else CLEAR_INTERVAL_S
            try:
                if await self._takes_charge():
                    await self._begin_what_can_be()
            except JobsAway:  # which its store has told
                interval_s = RETRY_INTERVAL_S
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
            await self._put_back(id_)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()

    async def _takes_charge(self) -> bool:
        if not self.is_in_charge and await asyncio.to_thread(self.store.take_charge):
            self.is_in_charge = True
            logger.info("in charge of jobs", extra={FIELDS: {"pid": os.getpid()}})
        return self.is_in_charge

    async def _begin_what_can_be(self) -> None:
        await self._clear_now_and_then()
        if self._store is not None:
            seen = await asyncio.to_thread(self._store.look, list(self._current))
            self.deaths += seen.deaths
            self._suspected.update(self.kinds.keys() & set(seen.suspected))
            await self._delete(seen.lost)
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

    async def _delete(self, ids: Collection[str]) -> None:
        """What is there of them, and whoever is at work on it."""
        await self._drop(ids)
        for id_ in ids:
            await asyncio.to_thread(self.store.clear_folder, id_)

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
            finish = partial(self.store.finish, job.id, done.result, done.media_type, done.notes)
            outcome = "done" if await _kept(finish) else TOO_LATE
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except Draining:
            outcome = "put back"
            await self._put_back(job.id)
        except Failure as failure:
            outcome = failure.code if await _kept(partial(self.store.fail, job.id, failure)) else TOO_LATE
        except Exception:
            logger.exception("job failed", extra={FIELDS: {"job": job.id}})
            await _kept(partial(self.store.fail, job.id, ModelFailed("the cause is in the service's log")))
        finally:
            seconds = round(time.monotonic() - began_s, 1)
            told = {"job": job.id, "kind": job.kind, "outcome": outcome, "seconds": seconds}
            asked = {"trace_id": job.trace_id} if job.trace_id else {}
            logger.info("job", extra={FIELDS: told | asked})

    async def _put_back(self, id_: str) -> None:
        with contextlib.suppress(JobsAway):  # then another machine finds it when its lease has run out
            await asyncio.to_thread(self.store.put_back, id_)

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


async def _kept(end: Callable[[], bool]) -> bool:
    """What `end` says, once the store is there and has room for it."""
    while True:
        try:
            return await asyncio.to_thread(end)
        except (JobsAway, StorageFull):
            await asyncio.sleep(RETRY_INTERVAL_S)
