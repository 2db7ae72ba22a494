"""One request's claim to the pixel threads, from its first stage to its last. Knows no picture and no HTTP."""

from collections.abc import Sequence
from typing import Protocol

from service.queue.schedule import Lane
from service.telemetry.stopwatch import Stopwatch


class Abandoned(Exception):
    """Nobody waits for this work any more. Raised on the thread, between two parts of a stage."""


class Booking(Protocol):
    """The room in memory of one request's pictures."""

    @property
    def peer(self) -> str:
        """Whose request it is."""

    def book_pixels(self, count: int) -> bool:
        """False where they do not fit now. Raises QueueFull where they cannot fit however long one waits."""

    def lets_others_go_first(self, count: int) -> bool:
        """Whether they do not fit for this one alone: whoever asks has more than its share already."""

    def hold(self) -> None:
        """A thread begins to work on them: they stay booked until `release`, whatever becomes of the request."""

    def release(self) -> None: ...


class Claim:
    """What is known of one request, which goes through its stages one after the other."""

    def __init__(
        self,
        kind: str,
        stages: Sequence[str],
        deadline: float,
        lane: Lane,
        watch: Stopwatch,
        booking: Booking | None = None,
    ) -> None:
        self.kind = kind
        """Requests of one kind take about the same time for a megapixel."""
        self.stages = tuple(stages)
        """That it may go through, in their order."""
        self.deadline = deadline
        """On the event loop's clock, in seconds."""
        self.lane = lane
        self.watch = watch
        self.booking = booking
        self.megapixels: float | None = None
        """None as long as nobody has looked."""
        self.stages_done = 0
        self.started_at: float | None = None
        """When a thread began with the stage that it is in; None between stages."""
        self.number = 0
        """In the order in which requests came to the threads."""
        self.turn = 0
        """In the order in which they go, see `FairTurns`."""
        self.has_yielded = False
        self.is_abandoned = False

    @property
    def peer(self) -> str:
        """Whose request it is; nobody's where it came by no network."""
        return "" if self.booking is None else self.booking.peer

    def begin(self, stage: str) -> None:
        """Those before it are done, or were not needed."""
        self.stages_done = self.stages.index(stage)

    def end_stage(self) -> None:
        """The thread has ended."""
        self.started_at = None
        self.stages_done += 1

    @property
    def has_begun(self) -> bool:
        return bool(self.stages_done) or self.started_at is not None

    @property
    def stages_left(self) -> Sequence[str]:
        """That which it is in, or comes to next, and all after it."""
        return self.stages[self.stages_done :]

    def abandon(self) -> None:
        """Nobody waits any more: what runs ends at its next part, and nothing comes after it."""
        self.is_abandoned = True
        self.stages = self.stages[: self.stages_done + (self.started_at is not None)]

    def check_wanted(self) -> None:
        """Raises Abandoned. Called on pixel threads, between the parts of a stage."""
        if self.is_abandoned:
            raise Abandoned
