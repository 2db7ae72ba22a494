"""What of this machine the service may use: cores and memory, which a container or a systemd unit may limit."""

import math
import os
from pathlib import Path

import psutil

CGROUPS, MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def available_cores(root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """The cores this process may use, at least 1: its affinity, and the quota of a container or a systemd unit, which
    os.cpu_count() does not know.
    """
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([affine, *(_quota_cores(cgroup / "cpu.max") or affine for cgroup in _cgroups(root, membership))])


def available_memory_bytes(root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """The memory this process may come to take: the machine's, or the limit of a container or a systemd unit."""
    whole = psutil.virtual_memory().total
    return min([whole, *(_limit_bytes(cgroup / "memory.max") or whole for cgroup in _cgroups(root, membership))])


def _cgroups(root: Path, membership: Path) -> list[Path]:
    """Of cgroup v2, this process's and all around it, whose limits bind it, too. `root` alone where nothing is told."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    cgroup = root if ".." in own else root / own  # outside of what this container sees
    return [folder for folder in (cgroup, *cgroup.parents) if folder.is_relative_to(root)]


def _quota_cores(cpu_max: Path) -> int | None:
    """Rounded up; None where there is no quota."""
    try:
        quota_us, period_us = cpu_max.read_text().split()
        return max(1, math.ceil(int(quota_us) / int(period_us)))
    except (OSError, ValueError, ZeroDivisionError):  # no cgroup v2 here, or the quota is "max"
        return None


def _limit_bytes(memory_max: Path) -> int | None:
    """None where there is no limit."""
    try:
        return int(memory_max.read_text())
    except (OSError, ValueError):  # no cgroup v2 here, or the limit is "max"
        return None
