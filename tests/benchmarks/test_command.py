"""How a benchmark ends that is cut off: with what it has started."""

import contextlib
import signal
from collections.abc import Iterator

import pytest

from benchmarks.harness.command import INTERRUPTED, ending_in_one_line


@contextlib.contextmanager
def server(stopped: list[str]) -> Iterator[None]:
    try:
        yield
    finally:
        stopped.append("server")


def test_a_benchmark_that_is_terminated_stops_its_servers_as_at_ctrl_c() -> None:
    before, stopped = signal.getsignal(signal.SIGTERM), list[str]()
    with pytest.raises(SystemExit) as end, ending_in_one_line("benchmark"), server(stopped):
        signal.raise_signal(signal.SIGTERM)
    assert (end.value.code, stopped) == (INTERRUPTED, ["server"])
    assert signal.getsignal(signal.SIGTERM) is before
