"""Live frames and requests share the workers, each side half of the time where both want it."""

import asyncio

import numpy as np
import pytest

from service.queue.batcher import Batcher
from service.queue.schedule import BatchPolicy, Lane, LiveShare
from service.telemetry.metrics import Metrics
from tests.unit.queue.test_schedule import Waiting

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


@pytest.mark.anyio
async def test_a_frame_goes_before_the_requests_that_wait_and_the_older_of_two_sessions_goes_first() -> None:
    batcher = Batcher(BatchPolicy(1, None, 0.0), workers=1, metrics=Metrics())
    lanes = [Lane.INTERACTIVE, Lane.BULK, Lane.INTERACTIVE, Lane.LIVE, Lane.LIVE]
    calls = []
    for number, lane in enumerate(lanes):
        pixels = np.full((1, 1, 3), number, np.uint8)
        deadline = asyncio.get_running_loop().time() + 3600
        calls.append(asyncio.create_task(batcher.predict("a", pixels, deadline, lane)))
        await asyncio.sleep(0)
    batcher.pace.observe("a", FRAME_S, 1)
    order = [int((await batcher.take())[0].pixels[0, 0, 0]) for _ in lanes]
    assert order == [3, 0, 4, 2, 1]
    for call in calls:
        call.cancel()
