"""How much CPU time processes have had."""

import contextlib
from collections.abc import Iterable

import psutil


def cpu_s(processes: Iterable[psutil.Process]) -> float:
    """Of all together, in user and system mode."""
    return sum(cpu_s_by_pid(processes).values())


def cpu_s_by_pid(processes: Iterable[psutil.Process]) -> dict[int, float]:
    """Of each by itself; those that have ended are left out."""
    found = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            found[process.pid] = times.user + times.system
    return found
