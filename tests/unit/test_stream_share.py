"""Live frames and requests share the workers, each side half of the time where both want it."""

from service.schedule import Lane, LiveShare
from tests.unit.test_schedule import Waiting

FRAME_S, REQUEST_S = 0.01, 0.25


def shares(frames: int, requests: int, turns: int) -> tuple[float, float]:
    """Seconds that each side got of so many turns, with so many always waiting on each."""
    share, live_s, requests_s = LiveShare(), 0.0, 0.0
    for _ in range(turns):
        if share.is_due([Waiting(lane=Lane.LIVE)] * frames, [Waiting()] * requests):
            share.took(Lane.LIVE, FRAME_S)
            live_s += FRAME_S
        else:
            share.took(Lane.INTERACTIVE, REQUEST_S)
            requests_s += REQUEST_S
    return live_s, requests_s


def test_where_both_always_wait_each_side_gets_half_of_the_time() -> None:
    live_s, requests_s = shares(frames=4, requests=60, turns=1000)
    assert abs(live_s - requests_s) <= REQUEST_S + FRAME_S
    assert live_s > 5


def test_a_side_that_is_alone_gets_everything() -> None:
    live_s, requests_s = shares(frames=1, requests=0, turns=10)
    assert live_s > 9 * FRAME_S
    assert requests_s == 0.0
    assert shares(frames=0, requests=1, turns=10) == (0.0, 10 * REQUEST_S)


def test_what_a_side_had_while_it_was_alone_is_not_held_against_it() -> None:
    share = LiveShare()
    for _ in range(100):
        assert share.is_due([Waiting(lane=Lane.LIVE)], [])
        share.took(Lane.LIVE, FRAME_S)
    assert not share.is_due([], [Waiting()])
    assert share.is_due([Waiting(lane=Lane.LIVE)], [Waiting()])
