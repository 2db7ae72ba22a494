"""The queue between requests and workers. Knows nothing of HTTP, torch or processes; `schedule.py` says who is next.

What it guarantees: every ticket is answered exactly once, with scores or with a failure; a ticket that expired or whose
client left is dropped before a worker sees it; what `schedule.py` guarantees.
"""

import asyncio
import time
from collections.abc import Callable, Container, Iterable

import numpy as np
from numpy.typing import NDArray

from service.errors import DeadlineExceeded, Draining, Failure, ModelCrashed
from service.models.store.card import name_of
from service.queue.pace import Pace
from service.queue.schedule import AHEAD, BatchPolicy, Lane, LaneTurns, LiveShare, check_wait
from service.queue.ticket import Batch, Outcome, Ticket
from service.telemetry.metrics import Metrics

SUSPECT_CRASHES = 2
"""A ticket that was on board of so many dying workers runs alone, so that it takes no neighbour along."""


class _All:
    """Contains whatever it is asked for."""

    def __contains__(self, _: object) -> bool:
        return True


EVERY_MODEL: Container[str] = _All()

IsAhead = Callable[[], bool]
"""Whether the worker that waits for a batch has another one to compute first, at this moment."""


def _is_free() -> bool:
    return False


class Batcher:
    """Lives on one event loop, so it needs no locks."""

    def __init__(self, policy: BatchPolicy, workers: int, metrics: Metrics) -> None:
        self.workers = workers
        """That share the waiting: as many as there are at this moment, or would be."""
        self._policy = policy
        self._metrics = metrics
        self._waiting: list[Ticket] = []
        self._on_board: set[Ticket] = set()
        self._turns = LaneTurns()
        self._live_share = LiveShare()
        self._size_limits: dict[str, int] = {}
        self._given_up: dict[str, Failure] = {}
        """Models that no worker will have again, and what is said of them."""
        self._takers: list[IsAhead] = []
        """Of workers that wait for a batch."""
        self._changed = asyncio.Condition()
        self._closed = False
        self.pace = Pace()

    @property
    def waiting(self) -> int:
        """Tickets that no worker has taken yet, of every lane."""
        return sum(not ticket.answer.done() for ticket in self._waiting)

    def depth(self, lane: Lane) -> int:
        """Tickets that no worker has taken yet."""
        return len(self._in_lane(lane))

    def oldest_wait_s(self) -> float:
        now = time.monotonic()
        waits = (now - ticket.queued_at for ticket in self._waiting if not ticket.answer.done())
        return max(waits, default=0.0)

    def expected_wait_s(self, lane: Lane = Lane.BULK) -> float:
        """How long a ticket that came now would wait, judging by what images took so far."""
        waiting_s = sum(self.pace.expected_s(ticket.model) for each in AHEAD[lane] for ticket in self._in_lane(each))
        now = time.monotonic()
        # Pixel threads ask as well, so the set is copied: it may change while it is walked.
        left_s = (
            self.pace.expected_s(ticket.model) - (now - (ticket.started_at or now)) for ticket in list(self._on_board)
        )
        return (waiting_s + sum(max(0.0, seconds) for seconds in left_s)) / self.workers

    def check_deadline(self, deadline: float, lane: Lane) -> None:
        """Raises DeadlineUnreachable where waiting alone would take until after `deadline`."""
        check_wait(deadline, self.expected_wait_s(lane), time.monotonic())

    async def predict(
        self,
        model: str,
        pixels: NDArray[np.uint8],
        deadline: float,
        lane: Lane = Lane.INTERACTIVE,
        traceparent: str = "",
    ) -> Outcome:
        """The outcome for one image, as soon as a worker has it.

        Raises DeadlineUnreachable at once or DeadlineExceeded at `deadline`, Draining after `close`, and what the
        worker failed with. Cancelling this call drops the ticket.
        """
        if self._closed:
            raise Draining
        if failure := self._given_up.get(model):
            raise failure
        if time.monotonic() >= deadline:
            self._metrics.expired.inc()
            raise DeadlineExceeded
        self.check_deadline(deadline, lane)
        answer = asyncio.get_running_loop().create_future()
        ticket = Ticket(model, pixels, deadline, lane, time.monotonic(), answer, traceparent)
        self._waiting.append(ticket)
        await self._announce()
        try:
            async with asyncio.timeout_at(deadline):
                return await ticket.answer
        except TimeoutError as error:
            self._count_unserved(ticket, self._metrics.expired.inc)
            raise DeadlineExceeded from error
        except asyncio.CancelledError:
            self._count_unserved(ticket, self._metrics.abandoned.inc)
            raise

    def _count_unserved(self, ticket: Ticket, count: Callable[[], None]) -> None:
        if ticket.started_at is None:
            count()

    async def take(self, models: Container[str] = EVERY_MODEL, is_ahead: IsAhead = _is_free) -> Batch:
        """The next batch, for a worker that is free and has these models. Waits for one. Raises Draining when none will
        come any more.

        While it `is_ahead`, so the worker has another batch to compute first, it gets one that is full, and that no
        free worker waits for: others would join what is not full meanwhile, or it would be computed sooner elsewhere.
        """
        self._takers.append(is_ahead)
        try:
            return await self._take(models, is_ahead)
        finally:
            self._takers.remove(is_ahead)

    async def _take(self, models: Container[str], is_ahead: IsAhead) -> Batch:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._may_take(models, is_ahead) or self._closed)
            if not self._has_work(models):
                raise Draining
            lane, batch, leaves_at = self._next_batch(models)
            if leaves_at <= time.monotonic():
                return self._board(lane, batch)
            await self._wait_for_more(leaves_at)

    def answer(self, batch: Batch, outcomes: Iterable[Outcome], run_s: float) -> None:
        """Each ticket its own outcome. Raises ValueError where their numbers differ: nobody gets a neighbour's."""
        pairs = list(zip(batch, outcomes, strict=True))
        self._leave(batch)
        self.pace.observe(batch[0].model, run_s, len(batch))
        name = name_of(batch[0].model)
        self._metrics.batch_size.labels(name).observe(len(batch))
        self._metrics.inferred.labels(name).inc(len(batch))
        for ticket, outcome in pairs:
            ticket.succeed(outcome)

    def fail(self, batch: Batch, failure: Failure) -> None:
        self._leave(batch)
        for ticket in batch:
            ticket.fail(failure)

    async def give_back(self, batch: Batch, cause: str, *, crashed: bool = False, alone: bool = False) -> None:
        """To the front of the queue, in their order. With `crashed`, their worker died, and one of them may be why.

        After two crashes a ticket runs alone; if that kills a worker once more, it fails with ModelCrashed.
        """
        self._leave(batch)
        for ticket in batch:
            if crashed and ticket.runs_alone and ticket.crashes >= SUSPECT_CRASHES:
                ticket.fail(ModelCrashed())
            ticket.crashes += crashed
            ticket.runs_alone = ticket.runs_alone or alone or ticket.crashes >= SUSPECT_CRASHES
            if self._closed:
                ticket.fail(Draining())
        again = [ticket for ticket in batch if not ticket.answer.done()]
        self._metrics.requeued.labels(cause).inc(len(again))
        self._waiting[:0] = again
        await self._announce()

    def learn_size_limit(self, model: str, images: int) -> None:
        """From now on no batch of `model` is larger: a device ran out of memory."""
        self._size_limits[model] = min(images, self._size_limits.get(model, images))

    async def give_up(self, models: Iterable[str], failure: Failure) -> None:
        """Answer everybody who waits for one of these or will ask for it: no worker has it any more."""
        self._given_up |= dict.fromkeys(models, failure)
        for ticket in self._waiting:
            if ticket.model in self._given_up:
                ticket.fail(self._given_up[ticket.model])
        await self._announce()

    def take_up(self, models: Iterable[str]) -> None:
        """There are workers that have these."""
        for model in models:
            self._given_up.pop(model, None)

    def refuse_waiting(self, failure: Failure) -> None:
        """Answer everybody who waits: nobody is there to serve them."""
        for ticket in self._waiting:
            ticket.fail(failure)
        self._waiting.clear()

    async def close(self, failure: Failure) -> None:
        """Take no more tickets, and answer those that wait with `failure`."""
        self._closed = True
        self.refuse_waiting(failure)
        await self._announce()

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _has_work(self, models: Container[str]) -> bool:
        self._drop_answered()
        return any(ticket.model in models for ticket in self._waiting)

    def _drop_answered(self) -> None:
        """An expired ticket must not be taken in the moment before its caller hears of it."""
        now = time.monotonic()
        self._waiting = [ticket for ticket in self._waiting if not ticket.answer.done() and ticket.deadline > now]

    def _in_lane(self, lane: Lane) -> list[Ticket]:
        now = time.monotonic()
        alive = (ticket for ticket in self._waiting if not ticket.answer.done() and ticket.deadline > now)
        return [ticket for ticket in alive if ticket.lane is lane]

    def _next_batch(self, models: Container[str]) -> tuple[Lane, list[Ticket], float]:
        """Who runs next as things stand, and when the batch should leave."""
        waiting = {lane: [ticket for ticket in self._in_lane(lane) if ticket.model in models] for lane in Lane}
        interactive, bulk, live = waiting[Lane.INTERACTIVE], waiting[Lane.BULK], waiting[Lane.LIVE]
        is_live = self._live_share.is_due(live, interactive or bulk)
        lane = Lane.LIVE if is_live else self._turns.choose(interactive, bulk)
        candidates = waiting[lane]
        limit = self._size_limits.get(candidates[0].model)
        batch = [candidates[index] for index in self._policy.group(candidates, limit)]
        run_s = self.pace.expected_s(batch[0].model, len(batch))
        return lane, batch, self._policy.leaves_at(batch, run_s, limit)

    def _may_take(self, models: Container[str], is_ahead: IsAhead) -> bool:
        return self._has_work(models) and (not is_ahead() or self._is_more_than_enough(models))

    def _is_more_than_enough(self, models: Container[str]) -> bool:
        """A full batch waits, and nobody who is free waits for it."""
        _, batch, _ = self._next_batch(models)
        limit = self._size_limits.get(batch[0].model)
        return self._policy.is_full(batch, limit) and all(is_ahead() for is_ahead in self._takers)

    async def _wait_for_more(self, leaves_at: float) -> None:
        try:
            async with asyncio.timeout_at(leaves_at), self._changed:
                await self._changed.wait()
        except TimeoutError:
            return

    def _board(self, lane: Lane, batch: list[Ticket]) -> Batch:
        now = time.monotonic()
        for ticket in batch:
            ticket.started_at = now
        self._on_board.update(batch)
        self._waiting = [ticket for ticket in self._waiting if ticket.started_at is None]
        self._live_share.took(lane, self.pace.expected_s(batch[0].model, len(batch)))
        if lane is not Lane.LIVE:
            self._turns.took(lane, self._in_lane(Lane.INTERACTIVE))
        return batch

    def _leave(self, batch: Batch) -> None:
        self._on_board.difference_update(batch)
        for ticket in batch:
            ticket.started_at = None
