"""How a benchmark ends that is cut off: with what it has started."""

import subprocess
import sys

from service.cli.exit_codes import INTERRUPTED
from tests.weights import REPOSITORY

BENCHMARK = """
import contextlib, signal
from benchmarks.harness.command import ending_in_one_line

@contextlib.contextmanager
def server():
    try:
        yield
    finally:
        print("the server is stopped")

signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # as a shell starts it
with ending_in_one_line("benchmark"), server():
    signal.raise_signal(signal.SIGTERM)
"""


def test_a_benchmark_that_is_terminated_stops_its_servers_as_at_ctrl_c() -> None:
    command = [sys.executable, "-c", BENCHMARK]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (INTERRUPTED, "the server is stopped\n", "")
