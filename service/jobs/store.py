"""What keeps jobs: who asked for what, how far it is, and where its result lies. On disk, or in Redis.

Knows no HTTP, and not what the work is: `kind` says whose it is. Threads may share a store.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from service.errors import Failure
from service.jobs.deliveries import Delivery
from service.jobs.job import Batch, IdempotencyKey, Job, NewFolder, NewJob, State

MOST_ATTEMPTS = 5
"""A job that was at work each time when a process died is likely to be why. With 3, one of 60 that were not was given
up where the service was killed every 3 seconds and a job took one."""


@dataclass(frozen=True)
class ResultFile:
    """Where this machine has a result."""

    path: Path
    is_copy: bool = False
    """Made for one reader, who lets go of it."""

    def let_go(self) -> None:
        """It was read."""
        if self.is_copy:
            self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Look:
    """What others have done since the last one."""

    lost: Collection[str] = ()
    """Jobs that are not at work here any more, or must not be: they were cancelled, or another machine has them."""
    suspected: Collection[str] = ()
    """Kinds of which a job waits that was at work at a death."""
    deaths: int = 0
    """Jobs whose machine was found dead just now."""


class JobStore(Protocol):
    """All jobs of a service, or of several. What is kept elsewhere raises JobsAway in each of these."""

    clock: Callable[[], float]
    """Of this machine; what a store elsewhere notes has that one's own time."""

    @property
    def is_shared(self) -> bool:
        """Others may add, cancel and do jobs as well, so that it has to be looked at now and then."""

    @property
    def trouble(self) -> str | None:
        """Why jobs can be neither added nor read now."""

    def take_charge(self) -> bool:
        """Whether jobs are for this process to do, until `close`; False while they are for another one."""

    def close(self) -> None: ...

    # --- for whoever asks ---------------------------------------------------------------------------------------------

    def new_folder(self) -> NewFolder:
        """For what a job, or a batch of them, is to work on, before it is one. Raises StorageFull."""

    def check_room(self, jobs: int = 1, size_bytes: int = 0) -> None:
        """Raises TooManyJobs or StorageFull where so many more do not fit."""

    def add(
        self,
        place: NewFolder,
        new: NewJob,
        owner: str,
        key: IdempotencyKey | None = None,
        webhook: str | None = None,
    ) -> Job:
        """Queued from now on, whatever becomes of this process; the job that is there where it has been added before.

        Raises TooManyJobs, StorageFull, KeyReused, or TooManyBytes for more than the store keeps of one job.
        """

    def add_batch(
        self,
        place: NewFolder,
        jobs: Sequence[tuple[Path, NewJob]],
        owner: str,
        key: IdempotencyKey | None = None,
        webhook: str | None = None,
    ) -> Batch:
        """A job for each, all or none; its path is a folder in `place` that becomes its own. Raises as `add`."""

    def get(self, id_: str, owner: str) -> Job:
        """Raises UnknownJob, also for somebody else's: nobody learns what others have."""

    def batch(self, id_: str, owner: str) -> Batch:
        """Raises UnknownBatch, also for somebody else's."""

    def jobs_of(self, owner: str, most: int, state: State | None = None) -> list[Job]:
        """The newest first."""

    def jobs_in(self, batch: str) -> list[Job]:
        """In the order in which they were asked for."""

    def position(self, job: Job) -> int:
        """How many jobs of its kind came before it and wait as well."""

    def counts(self) -> Mapping[State, int]:
        """How many jobs there are in each state; where they are elsewhere, at the last `look`."""

    def result_file(self, job: Job) -> ResultFile | None:
        """None where there is no result, or not any more."""

    def cancel(self, id_: str, owner: str) -> Job:
        """Cancelled, or as it was where it has ended already, but without a result in either case.

        Raises UnknownJob. Its folder goes with `clear_folder`, when nobody works there any more.
        """

    def cancel_batch(self, id_: str, owner: str) -> list[Job]:
        """Its jobs, each as `cancel` leaves it. Raises UnknownBatch."""

    def clear_folder(self, id_: str) -> None:
        """All that it was made of, and its result."""

    # --- for whoever works --------------------------------------------------------------------------------------------

    def look(self, at_work: Collection[str]) -> Look:
        """`at_work` are the jobs that this process does, and goes on with."""

    def take(self, kind: str) -> Job | None:
        """The next one that waits, running from now on, its owners in turns; None where none does."""

    def take_suspect(self, kind: str) -> Job | None:
        """The same of those that were at work at a death, the one that was so least often."""

    def advance(self, id_: str, done: int, total: int | None) -> None:
        """How far it is. Nothing where it has been cancelled."""

    def finish(self, id_: str, result: str, media_type: str, notes: Mapping[str, Any]) -> bool:
        """`result` is the name of a file in its folder, which is whole. What else is there goes.

        False where it has ended before, or another machine has it: then nothing is written. Raises StorageFull.
        """

    def fail(self, id_: str, failure: Failure) -> bool:
        """False as in `finish`."""

    def put_back(self, id_: str) -> None:
        """The service stops in the middle of it: that is not the job's fault."""

    def clear(self) -> int:
        """Forgets jobs that ended long ago, with their results; how many there were."""

    # --- for whoever tells of ends ------------------------------------------------------------------------------------

    def due(self, most: int) -> Sequence[Delivery]:
        """Webhooks whose time has come, the oldest first. Of several machines one gets each of them."""

    def forget(self, delivery: Delivery) -> None:
        """It was heard, or nobody knows its subject any more."""

    def postpone(self, delivery: Delivery) -> bool:
        """Until its next try; False where that was the last one."""
