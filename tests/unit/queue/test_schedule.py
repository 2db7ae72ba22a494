"""Who runs next and when, in a time that the tests make up."""

import math
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from service.models.labels import Size
from service.queue.schedule import INTERACTIVE_RUN, BatchPolicy, Lane, LaneTurns

NOW = 1000.0

SMALL = Size(10, 10)


@dataclass
class Waiting:
    """A ticket without a picture."""

    model: str = "a"
    lane: Lane = Lane.INTERACTIVE
    queued_at: float = NOW
    deadline: float = NOW + 60
    runs_alone: bool = False
    has_yielded: bool = False
    size: Size = SMALL
    times_passed: int = 0
    """By bulk batches; the test's own count."""


def policy(size: int = 4, pixels: int | None = None, delay_s: float = 0.0) -> BatchPolicy:
    return BatchPolicy(size, pixels, delay_s)


def test_a_batch_is_the_oldest_ticket_and_those_of_its_model() -> None:
    waiting = [Waiting("a"), Waiting("b"), Waiting("a"), Waiting("a")]
    assert policy(size=2).group(waiting) == [0, 2]
    assert policy(size=9).group(waiting) == [0, 2, 3]


def test_pictures_of_other_sizes_wait_for_another_batch() -> None:
    waiting = [Waiting(size=Size(20, 10)), Waiting(), Waiting(size=Size(20, 10)), Waiting(size=Size(10, 20))]
    assert policy(size=9).group(waiting) == [0, 2]
    assert policy(size=9).group(waiting[1:]) == [0]


def test_pixels_limit_a_batch_as_well_and_one_image_always_fits() -> None:
    waiting = [Waiting() for _ in range(5)]
    assert policy(size=9, pixels=250).group(waiting) == [0, 1]
    assert policy(size=9, pixels=10).group(waiting) == [0]


def test_what_a_device_was_seen_to_hold_limits_a_batch() -> None:
    assert policy(size=9).group([Waiting() for _ in range(5)], size_limit=3) == [0, 1, 2]


def test_a_suspect_runs_alone_and_is_not_taken_along_by_others() -> None:
    suspect = Waiting(runs_alone=True)
    assert policy().group([suspect, Waiting()]) == [0]
    assert policy().group([Waiting(), suspect, Waiting()]) == [0, 2]
    assert policy(delay_s=9.0).leaves_at([suspect], 0.0) == -math.inf


def test_a_full_batch_leaves_at_once() -> None:
    assert policy(size=2, delay_s=9.0).leaves_at([Waiting(), Waiting()], 0.0) == -math.inf


def test_a_batch_that_is_not_full_waits_for_its_oldest_ticket() -> None:
    group = [Waiting(queued_at=NOW), Waiting(queued_at=NOW + 1)]
    assert policy(delay_s=3.0).leaves_at(group, 0.0) == NOW + 3


def test_a_batch_leaves_early_enough_for_its_first_deadline() -> None:
    group = [Waiting(deadline=NOW + 60), Waiting(deadline=NOW + 2)]
    assert policy(delay_s=9.0).leaves_at(group, expected_run_s=0.5) == NOW + 1.5


def test_interactive_goes_first() -> None:
    assert LaneTurns().choose([Waiting()], [Waiting(lane=Lane.BULK)]) is Lane.INTERACTIVE


def test_bulk_runs_where_nobody_else_waits() -> None:
    assert LaneTurns().choose([], [Waiting(lane=Lane.BULK)]) is Lane.BULK


@given(st.lists(st.integers(0, 3), min_size=20, max_size=60))
def test_bulk_never_starves_and_passes_no_interactive_ticket_twice(arrivals: list[int]) -> None:
    """One batch of one ticket a step; before each, so many interactive tickets arrive. Bulk always waits."""
    turns, interactive, bulk = LaneTurns(), list[Waiting](), [Waiting(lane=Lane.BULK)]
    since_bulk = passed_last_time = 0
    for count in arrivals:
        interactive += [Waiting() for _ in range(count)]
        lane = turns.choose(interactive, bulk)
        if lane is Lane.INTERACTIVE:
            interactive.pop(0)
            since_bulk += 1
        else:
            since_bulk, passed_last_time = 0, len(interactive)
            for ticket in interactive:
                ticket.times_passed += 1
        turns.took(lane, interactive)
        assert since_bulk <= max(INTERACTIVE_RUN, passed_last_time)
        assert all(ticket.times_passed <= 1 for ticket in interactive)


def test_under_constant_load_bulk_gets_its_turn_after_a_run_of_interactive_batches() -> None:
    turns, bulk = LaneTurns(), [Waiting(lane=Lane.BULK)]
    chosen = []
    for _ in range(2 * (INTERACTIVE_RUN + 1)):
        interactive = [Waiting()]  # a new one each time: the last one was served
        lane = turns.choose(interactive, bulk)
        turns.took(lane, [] if lane is Lane.INTERACTIVE else interactive)
        chosen.append(lane)
    assert chosen == 2 * ([Lane.INTERACTIVE] * INTERACTIVE_RUN + [Lane.BULK])
