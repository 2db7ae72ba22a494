"""How queue and workers are at one moment, as the supervisor tells its fronts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from service.queue.asking import TicketQueue
from service.queue.schedule import Lane
from service.telemetry.metrics import WorkerStatus
from service.workers.pool import Pool


@dataclass(frozen=True)
class State:
    """Of the queue and of the workers."""

    depth: Mapping[str, int]
    """Waiting tickets of all fronts, by lane."""
    oldest_wait_s: float
    expected_wait_s: Mapping[str, float]
    """Of a ticket that came now, by lane."""
    has_started: bool
    """Whether every worker was ready once."""
    ready_count: int
    trouble: str | None
    workers: Sequence[WorkerStatus]

    @classmethod
    def unknown(cls) -> Self:
        """Before the supervisor has said anything."""
        nothing = dict.fromkeys(map(str, Lane), 0)
        return cls(nothing, 0.0, nothing, False, 0, None, [])

    @classmethod
    def of(cls, queue: TicketQueue, pool: Pool, *, has_started: bool) -> Self:
        depth = {lane.value: queue.depth(lane) for lane in Lane}
        expected_wait_s = {lane.value: queue.expected_wait_s(lane) for lane in Lane}
        oldest_wait_s = queue.oldest_wait_s()
        return cls(depth, oldest_wait_s, expected_wait_s, has_started, pool.ready_count, pool.trouble, pool.status())

    @classmethod
    def told(cls, facts: Mapping[str, Any]) -> Self:
        """What `facts` says, on the other side."""
        return cls(**{**facts, "workers": [WorkerStatus(**worker) for worker in facts["workers"]]})

    def facts(self) -> dict[str, Any]:
        return asdict(self)
