"""Which tickets run next, and when their batch leaves. Pure: the time is an argument, so tests bring their own.

What it guarantees: a batch is of one model, one size of picture and one lane; the oldest ticket of a lane goes first;
bulk never starves; no interactive ticket is overtaken by more than one bulk batch; where live frames and requests both
wait, each side gets half of the workers' time; a ticket under suspicion runs alone.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from service.errors import DeadlineUnreachable
from service.models.labels import Size

INTERACTIVE_RUN = 4
"""Bulk gets its turn after so many interactive batches, where there are that many."""


class Lane(StrEnum):
    """Somebody waits for an interactive answer; a bulk one may take its time."""

    INTERACTIVE = "interactive"
    BULK = "bulk"
    LIVE = "live"
    """A frame of a camera: the next one is coming already."""


AHEAD = {
    Lane.LIVE: (Lane.LIVE,),
    Lane.INTERACTIVE: (Lane.LIVE, Lane.INTERACTIVE),
    Lane.BULK: (Lane.LIVE, Lane.INTERACTIVE, Lane.BULK),
}
"""The lanes whose work goes first, by one's own."""


def check_wait(deadline: float, wait_s: float, now: float) -> None:
    """Raises DeadlineUnreachable where a wait of `wait_s` alone would take until after `deadline`."""
    if wait_s and now + wait_s > deadline:
        detail = f"the queue is {wait_s:.1f} seconds long, which is past the request's deadline"
        raise DeadlineUnreachable(detail, max(1, math.ceil(wait_s)))


class Yielding(Protocol):
    """What `LaneTurns` needs to know of what waits in an interactive lane."""

    has_yielded: bool
    """Something of the bulk lane went first while this waited."""


class Waiting(Yielding, Protocol):
    """What a schedule needs to know of a ticket."""

    model: str
    lane: Lane
    queued_at: float
    deadline: float
    runs_alone: bool
    """It may harm its neighbours."""

    @property
    def size(self) -> Size: ...


@dataclass(frozen=True)
class BatchPolicy:
    """How tickets are grouped. Times in seconds, on one clock."""

    max_batch_size: int
    max_batch_pixels: int | None
    max_queue_delay_s: float

    def group(self, candidates: Sequence[Waiting], size_limit: int | None = None) -> list[int]:
        """The indices of the tickets that run with the first one; `size_limit` is what a device was seen to hold."""
        first = candidates[0]
        if first.runs_alone:
            return [0]
        alike = [index for index, ticket in enumerate(candidates) if _go_together(first, ticket)]
        return alike[: self._most(first.size, size_limit)]

    def leaves_at(self, group: Sequence[Waiting], expected_run_s: float, size_limit: int | None = None) -> float:
        """When the batch leaves: at once if it is full, or in time for its first deadline, or after the delay."""
        if self.is_full(group, size_limit):
            return -math.inf
        patience_ends = min(ticket.queued_at for ticket in group) + self.max_queue_delay_s
        last_moment = min(ticket.deadline for ticket in group) - expected_run_s
        return min(patience_ends, last_moment)

    def is_full(self, group: Sequence[Waiting], size_limit: int | None = None) -> bool:
        """No further ticket would go with it."""
        return group[0].runs_alone or len(group) >= self._most(group[0].size, size_limit)

    def _most(self, size: Size, size_limit: int | None) -> int:
        """Images of a batch have one size, so a limit in pixels is one in images."""
        limits = [self.max_batch_size]
        if self.max_batch_pixels is not None:
            limits.append(self.max_batch_pixels // (size.width * size.height))
        if size_limit is not None:
            limits.append(size_limit)
        return max(1, min(limits))


def _go_together(first: Waiting, ticket: Waiting) -> bool:
    return (ticket.model, ticket.size) == (first.model, first.size) and not ticket.runs_alone


class LaneTurns:
    """Whose turn it is, with a batch of tickets or with pixels. Call `choose`, then `took` with what was chosen."""

    def __init__(self) -> None:
        self._interactive_batches = 0

    def choose(self, interactive: Collection[Yielding], bulk: Collection[Yielding]) -> Lane:
        """At least one of the lanes must have tickets."""
        if not interactive:
            return Lane.BULK
        owed = self._interactive_batches >= INTERACTIVE_RUN and not any(ticket.has_yielded for ticket in interactive)
        return Lane.BULK if bulk and owed else Lane.INTERACTIVE

    def took(self, lane: Lane, interactive: Collection[Yielding]) -> None:
        """Something of `lane` left, and `interactive` are still waiting."""
        if lane is Lane.INTERACTIVE:
            self._interactive_batches += 1
            return
        self._interactive_batches = 0
        for ticket in interactive:
            ticket.has_yielded = True


class LiveShare:
    """Live frames on one side, requests on the other: half of the time each, as long as both have something waiting.

    A side that did not wait the whole time owes nothing for what it had then: so a frame of a lone camera goes first.
    Sessions are fair to each other by themselves: each has one frame waiting at most, and the oldest goes first.
    """

    def __init__(self) -> None:
        self._ahead_s = 0.0
        """By how much the live side had more than the requests."""

    def is_due(self, live: Collection[Waiting], requests: Collection[Waiting]) -> bool:
        """Whether a live frame goes next. One side at least must have something waiting."""
        if not live or not requests:
            self._ahead_s = 0.0
            return bool(live)
        return self._ahead_s <= 0.0

    def took(self, lane: Lane, run_s: float) -> None:
        """A batch of `lane` left that will take a worker `run_s`."""
        self._ahead_s += run_s if lane is Lane.LIVE else -run_s
