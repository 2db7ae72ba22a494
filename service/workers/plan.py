"""How many workers there are, and what each one loads, computes on and may use. Decided once, at startup."""

import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service.configuration_errors import DeviceNotFound
from service.models.store import Checkpoint
from service.settings import Settings
from service.workers import precision

if TYPE_CHECKING:
    from service.models.segmenters.base import Segmenter

MAX_CPU_WORKERS = 8
"""More cores become threads of these: each worker costs the memory of its own activations."""

CUDA_BATCH_SIZE = 8

GPU_DRIVER_FILES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""CUDA on Linux, CUDA on Windows' Linux, and ROCm, which answers to CUDA's name in torch."""

COUNT_DEVICES = "import torch; print(torch.cuda.device_count())"
COUNT_TIMEOUT_S = 120.0
"""To import torch from a cold disk, and for a GPU that wakes up."""

SegmenterFamilies = Callable[[], "Mapping[str, type[Segmenter]]"]
"""Called in the worker, so that only workers import torch."""


def built_in_families() -> "Mapping[str, type[Segmenter]]":
    from service.models.segmenters import FAMILIES

    return FAMILIES


@dataclass(frozen=True)
class WorkerPlan:
    """All that one worker process needs to know. Sent once, when it starts."""

    device: str
    threads: int
    """When every worker is busy."""
    most_threads: int
    """When no other is."""
    max_batch_size: int
    models: Sequence[Checkpoint]
    families: SegmenterFamilies = built_in_families
    cuda_graphs: bool = True

    def threads_beside(self, others: int) -> int:
        """When so many other workers are busy: one that works alone also takes the cores of those that do nothing."""
        return max(self.threads, self.most_threads // (1 + others))


def plan_workers(
    settings: Settings, models: Sequence[Checkpoint], families: SegmenterFamilies = built_in_families
) -> list[WorkerPlan]:
    """One plan per worker.

    Raises DeviceNotFound where a device is asked for that this machine does not have, and ConfigurationError where a
    model cannot compute in the precision that is asked for.
    """
    devices = _devices(settings.device)
    if devices == ["cpu"]:
        return _plan_cpu_workers(settings, models, families)
    batch_size = settings.max_batch_size or CUDA_BATCH_SIZE
    models, graphs = precision.on_cuda(models), settings.cuda_graphs
    plans = [WorkerPlan(device, 1, 1, batch_size, models, families, graphs) for device in devices]
    return plans * (settings.workers or 1)


def _plan_cpu_workers(
    settings: Settings, models: Sequence[Checkpoint], families: SegmenterFamilies
) -> list[WorkerPlan]:
    models = precision.on_cpu(models, settings.precision, precision.usable_cpu_flags())
    cores = available_cores()
    workers, threads = _share_cores(cores, settings.workers, settings.threads_per_worker)
    most_threads = settings.threads_per_worker or max(threads, cores)
    return [WorkerPlan("cpu", threads, most_threads, settings.max_batch_size or 1, models, families)] * workers


def _share_cores(cores: int, workers: int | None, threads: int | None) -> tuple[int, int]:
    """(workers, threads of each)."""
    workers = workers or max(1, min(cores // (threads or 1), MAX_CPU_WORKERS))
    return workers, threads or max(1, cores // workers)


def is_surely_cpu(wanted: str) -> bool:
    """True where `SILHOUETTE_DEVICE` means a CPU, as far as can be told without asking torch."""
    return wanted == "cpu" or (wanted == "auto" and not any(Path(file).exists() for file in GPU_DRIVER_FILES))


def _devices(wanted: str) -> list[str]:
    if is_surely_cpu(wanted):
        return ["cpu"]
    count = count_cuda_devices()
    found = [f"cuda:{index}" for index in range(count)]
    if wanted == "auto":
        return found or ["cpu"]
    chosen = found if wanted == "cuda" else [device for device in found if device == wanted]
    if not chosen:
        raise DeviceNotFound(f"SILHOUETTE_DEVICE={wanted}, but this machine has {count} CUDA devices: set cpu or auto")
    return chosen


def count_cuda_devices(question: str = COUNT_DEVICES, timeout_s: float = COUNT_TIMEOUT_S) -> int:
    """Asked in a process of its own: torch costs a second and 200 MB where it is imported.

    Raises DeviceNotFound where there is no answer, or none in time: a driver that is broken may hang for ever.
    """
    command = [sys.executable, "-c", question]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=timeout_s)
        return int(done.stdout)
    except subprocess.TimeoutExpired as error:
        said = f"torch did not say within {timeout_s:g} s which CUDA devices there are: does `nvidia-smi` answer?"
        raise DeviceNotFound(said) from error
    except (subprocess.CalledProcessError, ValueError) as error:
        raise DeviceNotFound("torch cannot say which CUDA devices there are: try `python -c 'import torch'`") from error


def available_cores(root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> int:
    """The cores this process may use, at least 1: its affinity, and the quota of a container or a systemd unit, which
    os.cpu_count() does not know.
    """
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([affine, *(_quota_cores(cgroup / "cpu.max") or affine for cgroup in _cgroups(root, membership))])


def _cgroups(root: Path, membership: Path) -> list[Path]:
    """Of cgroup v2, this process's and all around it, whose quotas bind it, too. `root` alone where nothing is told."""
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
