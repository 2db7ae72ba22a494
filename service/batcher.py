"""Groups waiting images into batches. Knows nothing of HTTP, torch or processes.

What it guarantees: every ticket is answered exactly once, with scores or with a failure; a ticket that expired or whose
client left is dropped before a worker sees it; a batch is of one model; the oldest ticket goes first.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.errors import DeadlineExceeded, Draining, Failure, ModelCrashed
from service.labels import Scores

MAX_CRASHES = 2
"""A ticket that was on board of so many dying workers is not given to another one."""


@dataclass(frozen=True)
class Outcome:
    """The scores of one image, and where its time went."""

    scores: Scores
    device: str
    queue_ms: float
    infer_ms: float


@dataclass(eq=False)
class Ticket:
    """One prepared image, its deadline and its answer."""

    model: str
    pixels: NDArray[np.uint8]
    deadline: float
    """On the event loop's clock, in seconds."""
    answer: "asyncio.Future[Outcome]"
    queued_at: float = field(default_factory=time.monotonic)
    crashes: int = 0

    def fail(self, failure: Failure) -> None:
        if not self.answer.done():
            self.answer.set_exception(failure)

    def succeed(self, outcome: Outcome) -> None:
        if not self.answer.done():
            self.answer.set_result(outcome)


Batch = Sequence[Ticket]
"""Tickets of one model that run together; never empty."""


class Batcher:
    """The queue between requests and workers. Lives on one event loop; it needs no locks."""

    def __init__(self, max_batch_size: int, max_queue_delay_s: float) -> None:
        self._max_batch_size = max_batch_size
        self._max_queue_delay_s = max_queue_delay_s
        self._waiting: deque[Ticket] = deque()
        self._arrived = asyncio.Condition()
        self._closed = False

    @property
    def depth(self) -> int:
        """Tickets that no worker has taken yet."""
        return sum(not ticket.answer.done() for ticket in self._waiting)

    async def predict(self, model: str, pixels: NDArray[np.uint8], deadline: float) -> Outcome:
        """The outcome for one image, as soon as a worker has it.

        Raises DeadlineExceeded when the loop's clock reaches `deadline`, Draining after `close`, and what the worker
        failed with. Cancelling this call drops the ticket.
        """
        if self._closed:
            raise Draining
        ticket = Ticket(model, pixels, deadline, asyncio.get_running_loop().create_future())
        self._waiting.append(ticket)
        await self._announce()
        try:
            async with asyncio.timeout_at(deadline):
                return await ticket.answer
        except TimeoutError as error:
            raise DeadlineExceeded from error

    async def take(self) -> Batch:
        """The next batch, for a worker that is free. Waits for one. Raises Draining when none will come any more."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._has_work() or self._closed)
        if not self._waiting:
            raise Draining
        if self._max_queue_delay_s and self._oldest_group_size() < self._max_batch_size:
            await self._wait_for_more()
        return self._cut() or await self.take()

    async def give_back(self, batch: Batch, crashed: bool = True) -> None:
        """Tickets whose worker died go to the front, in their order; those that saw two crashes fail instead."""
        for ticket in batch:
            ticket.crashes += crashed
            if ticket.crashes >= MAX_CRASHES:
                ticket.fail(ModelCrashed())
        self._waiting.extendleft(ticket for ticket in reversed(batch) if not ticket.answer.done())
        await self._announce()

    async def close(self, failure: Failure) -> None:
        """Take no more tickets, and answer those that wait with `failure`."""
        self._closed = True
        for ticket in self._waiting:
            ticket.fail(failure)
        self._waiting.clear()
        await self._announce()

    async def _announce(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()

    def _has_work(self) -> bool:
        self._drop_answered()
        return bool(self._waiting)

    def _drop_answered(self) -> None:
        """Expired and abandoned tickets are done already: their caller has set or cancelled the answer."""
        if any(ticket.answer.done() for ticket in self._waiting):
            self._waiting = deque(ticket for ticket in self._waiting if not ticket.answer.done())

    def _oldest_group_size(self) -> int:
        return sum(ticket.model == self._waiting[0].model for ticket in self._waiting)

    async def _wait_for_more(self) -> None:
        """Until the oldest ticket has waited `max_queue_delay_s`, or its batch is full."""
        patience_s = self._waiting[0].queued_at + self._max_queue_delay_s - time.monotonic()
        try:
            async with asyncio.timeout(patience_s), self._arrived:
                await self._arrived.wait_for(self._is_full)
        except TimeoutError:
            return

    def _is_full(self) -> bool:
        self._drop_answered()
        return not self._waiting or self._oldest_group_size() >= self._max_batch_size

    def _cut(self) -> list[Ticket]:
        """The oldest ticket and those of its model behind it, at most `max_batch_size`."""
        self._drop_answered()
        batch: list[Ticket] = []
        kept: deque[Ticket] = deque()
        for ticket in self._waiting:
            fits = len(batch) < self._max_batch_size and (not batch or ticket.model == batch[0].model)
            (batch if fits else kept).append(ticket)
        self._waiting = kept
        return batch


def answer(batch: Batch, outcomes: Iterable[Outcome]) -> None:
    """Each ticket its own outcome. Raises ValueError where their numbers differ: nobody gets a neighbour's."""
    for ticket, outcome in list(zip(batch, outcomes, strict=True)):
        ticket.succeed(outcome)
