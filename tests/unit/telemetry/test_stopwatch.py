"""Stages are timed in one order, whatever order they ran in."""

from service.telemetry.stopwatch import Stopwatch, server_timing


def test_a_stage_that_runs_twice_is_added_up_and_stages_come_in_order() -> None:
    watch = Stopwatch()
    watch.add("encode", 1.0)
    watch.add("decode", 2.0)
    watch.add("decode", 0.5)
    assert server_timing(watch.elapsed_ms) == "decode;dur=2.5, encode;dur=1.0"
