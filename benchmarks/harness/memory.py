"""Watches the memory of a server's processes over time, and says whether one of them grows; or this process's peak."""

import contextlib
import math
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.harness.servers import Server
from service.workers.process_tree import kill

MEGABYTE = 1_000_000
SAMPLE_INTERVAL_S = 1.0

MIN_AVAILABLE_BYTES = 1_000 * MEGABYTE
"""A server that leaves less than this of the machine's memory is killed, before the kernel chooses whom to kill."""


@dataclass
class Memory:
    """Resident memory of each process of a tree, over time. Pages that processes share are counted for each."""

    samples: dict[int, list[tuple[float, int]]] = field(default_factory=dict)
    """By process id: (seconds since the start, bytes)."""
    peak_bytes: int = 0
    """Of the whole tree at one moment."""
    peak_pss_bytes: float = math.nan
    """The same with shared pages counted once; NaN where the kernel does not tell."""
    ran_out: bool = False
    """The server was killed because it left too little of the machine's memory."""

    def add(self, at_s: float, rss_bytes: Mapping[int, int]) -> None:
        for pid, count in rss_bytes.items():
            self.samples.setdefault(pid, []).append((at_s, count))
        self.peak_bytes = max(self.peak_bytes, sum(rss_bytes.values()))


@contextlib.contextmanager
def watched(server: Server, interval_s: float = SAMPLE_INTERVAL_S) -> Iterator[Memory]:
    """Samples the memory of the server's processes until the block ends."""
    memory, done = Memory(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(server, memory, done, interval_s), daemon=True)
    watcher.start()
    try:
        yield memory
    finally:
        done.set()
        watcher.join()


def _watch(server: Server, memory: Memory, done: threading.Event, interval_s: float) -> None:
    started = time.monotonic()
    while not done.wait(interval_s):
        processes = server.processes()
        memory.add(time.monotonic() - started, rss_bytes(processes))
        memory.peak_pss_bytes = max(pss_bytes(processes), memory.peak_pss_bytes)
        if psutil.virtual_memory().available < MIN_AVAILABLE_BYTES:
            memory.ran_out = True
            kill(processes)
            return


def pss_bytes(processes: Sequence[psutil.Process]) -> float:
    """Proportional set size of all: a page that n processes share counts 1/n in each. NaN where Linux is not there."""
    total = math.nan
    for process in processes:
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            kilobytes = int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
            total = kilobytes * 1024 + (0.0 if math.isnan(total) else total)
    return total


def peak_bytes(work: Callable[[], object]) -> int:
    """What `work` adds to the resident memory of this process at its highest. Linux only."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = _status_bytes("VmRSS")
    work()
    return _status_bytes("VmHWM") - before


def _status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1]) * 1024


def rss_bytes(processes: Sequence[psutil.Process]) -> dict[int, int]:
    """Resident memory of each now, by its id; those that have ended are left out."""
    found = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found[process.pid] = process.memory_info().rss
    return {pid: count for pid, count in found.items() if count}  # 0: a zombie


@dataclass(frozen=True)
class Slope:
    """How fast a process grows, by least squares."""

    mb_per_minute: float
    error: float
    """Standard error of that figure: requests of different sizes make memory go up and down anyway."""


def slope(samples: Sequence[tuple[float, int]], after_s: float) -> Slope | None:
    """Of the samples (seconds, bytes) from `after_s` on; None where there are fewer than three."""
    late = [(at_s / 60, count / MEGABYTE) for at_s, count in samples if at_s >= after_s]
    if len(late) < 3:
        return None
    minutes, megabytes = zip(*late, strict=True)
    line = statistics.linear_regression(minutes, megabytes)
    residual = sum((y - line.intercept - line.slope * x) ** 2 for x, y in late) / (len(late) - 2)
    spread = sum((x - statistics.fmean(minutes)) ** 2 for x in minutes)
    return Slope(line.slope, (residual / spread) ** 0.5)
