"""How many workers there are, and what each one loads, computes on and may use. Decided once, at startup."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from service.configuration_errors import DeviceNotFound
from service.models.store import Checkpoint
from service.settings import Settings
from service.workers import precision
from service.workers.machine import available_cores, available_memory_bytes

if TYPE_CHECKING:
    from service.models.segmenters.base import Segmenter

CPU_WORKERS = 8
"""On so many cores each has a worker, whatever the memory; on more, as many as there is memory for, and the other cores
become their threads. Two workers of one thread give more images than one of two: `benchmarks/speed/streams.py`."""

WORKER_BYTES = 800_000_000
"""What one takes with the models that are loaded by default and one more: 360 MB with u2net in int8 alone (measured
there as well), 650 MB in fp32."""

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
    traces_url: str | None = None
    """Where it tells of its runs."""
    takes_ahead: bool = False
    """While one batch is computed, the next is brought to it, if it is full: the time between two batches is more than
    nothing beside that of one on a GPU."""

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
    plans = _plans(settings, models, families)
    return [replace(plan, traces_url=settings.traces_url) for plan in plans]


def _plans(settings: Settings, models: Sequence[Checkpoint], families: SegmenterFamilies) -> list[WorkerPlan]:
    if settings.pool == "ray":
        return [_plan_replica(settings, models, families)] * most_replicas(settings)
    devices = _devices(settings.device)
    if devices == ["cpu"]:
        return _plan_cpu_workers(settings, models, families)
    batch_size = settings.max_batch_size or CUDA_BATCH_SIZE
    models, graphs = precision.on_cuda(models), settings.cuda_graphs
    plans = [WorkerPlan(device, 1, 1, batch_size, models, families, graphs, takes_ahead=True) for device in devices]
    return plans * (settings.workers or 1)


def _plan_cpu_workers(
    settings: Settings, models: Sequence[Checkpoint], families: SegmenterFamilies
) -> list[WorkerPlan]:
    models = precision.on_cpu(models, settings.precision, precision.usable_cpu_flags())
    cores = available_cores()
    workers, threads = _share_cores(cores, settings.workers, settings.threads_per_worker)
    most_threads = settings.threads_per_worker or max(threads, cores)
    return [WorkerPlan("cpu", threads, most_threads, settings.max_batch_size or 1, models, families)] * workers


def most_replicas(settings: Settings) -> int:
    return max(settings.ray_min_replicas, settings.ray_max_replicas or 0)


def _plan_replica(settings: Settings, models: Sequence[Checkpoint], families: SegmenterFamilies) -> WorkerPlan:
    """A replica has one GPU of its node, or so many threads as it would have on this machine. What its node has is
    seen there: a GPU that is named need not be here.
    """
    if settings.device.startswith("cuda") or _devices(settings.device) != ["cpu"]:
        batch_size, on_cuda = settings.max_batch_size or CUDA_BATCH_SIZE, precision.on_cuda(models)
        return WorkerPlan("cuda:0", 1, 1, batch_size, on_cuda, families, settings.cuda_graphs)
    models = precision.on_cpu(models, settings.precision, precision.usable_cpu_flags())
    _, threads = _share_cores(available_cores(), most_replicas(settings), settings.threads_per_worker)
    return WorkerPlan("cpu", threads, threads, settings.max_batch_size or 1, models, families)


def _share_cores(cores: int, workers: int | None, threads: int | None) -> tuple[int, int]:
    """(workers, threads of each)."""
    workers = workers or max(1, min(cores // (threads or 1), most_cpu_workers()))
    return workers, threads or max(1, cores // workers)


def most_cpu_workers(memory_bytes: int | None = None) -> int:
    """Where nobody says how many: those beyond CPU_WORKERS take no more than half of the memory."""
    memory_bytes = available_memory_bytes() if memory_bytes is None else memory_bytes
    return max(CPU_WORKERS, memory_bytes // 2 // WORKER_BYTES)


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
