"""The checks of `gpu_check.py`, each in a process of its own: what it found goes to a file, how it went is its exit."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.harness.builds import REPOSITORY
from benchmarks.harness.load import Load, Tally, multipart, run_load
from benchmarks.harness.memory import MEGABYTE, watched
from benchmarks.harness.photos import photos
from benchmarks.harness.servers import Server, silhouette
from benchmarks.speed.gpu import Row, apart
from benchmarks.speed.gpu_check import FAILED, SKIPPED
from benchmarks.speed.stages import ask, median_bar
from service.models.segmenters import SEGMENTERS
from service.models.segmenters.devices import Device
from service.models.store import ModelStore
from service.settings import read_settings

SERVED = "u2net"
SECONDS = 0.5
"""For each figure of a network."""

BATCHES, CPU_BATCHES = (1, 2, 4, 8, 16), (1, 2)
MOST_OFF = 0.01
"""Mean difference from float32 on the CPU, as a share of what scores span: half precision is at 0.002."""

CLIENTS, CPU_CLIENTS = (1, 4, 16), (1, 4)
LOAD_S = 6.0
REQUESTS, CPU_REQUESTS = 15, 5
KILLED_WITHIN_S = 45.0
"""A new worker loads its models and records its graphs."""

BATCH_TOO_LARGE, BATCH_THAT_FITS = 32, 2
ROOM_BYTES = 64e6
"""Left on the device beyond the weights: less than a batch that is too large needs."""


class Failed(Exception):
    """The check found what should not be."""


class NothingToCheck(Exception):
    """Not on such a device."""


@dataclass
class Findings:
    """What a check has to say, for people and for programs."""

    lines: list[str] = field(default_factory=list)
    figures: list[Any] = field(default_factory=list)


def gpu_tests(device: str, found: Findings) -> None:
    """`pytest -m gpu`."""
    if device == "cpu":
        raise NothingToCheck("the tests in tests/gpu need a CUDA device")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/gpu", "-q", "-p", "no:cacheprovider", "-W", "default"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    lines = done.stdout.strip().splitlines()
    found.lines += [line for line in lines if line.startswith("FAILED")] + lines[-1:]
    if done.returncode:
        raise Failed("tests failed")


def networks(device: str, found: Findings) -> None:
    """Every model beside the CPU's answers, by size of batch, with and without CUDA graphs."""
    store = ModelStore(read_settings().model_store)
    for model in (name for name in store.names() if store.is_pulled(store.card(name))):
        for graphs in (False, True) if device != "cpu" else (False,):
            rows = apart(model, device, graphs, BATCHES if device != "cpu" else CPU_BATCHES, SECONDS)
            found.figures += map(asdict, rows)
            found.lines += map(_network_line, rows)
            if not rows:
                raise Failed(f"no CUDA graphs of {model} could be recorded")
            if max(row.off_by for row in rows) > MOST_OFF:
                raise Failed(f"{model} answers otherwise than on the CPU")


def _network_line(row: Row) -> str:
    launched = "graphs" if row.graphs else "kernels"
    return (
        f"{row.model:12} batch {row.batch:2}, {launched:7} {row.images_per_s:7.1f} images/s {row.batch_ms:8.2f} ms "
        f"(up {row.up_ms:.2f}, network {row.network_ms:.2f}, down {row.down_ms:.2f})  {row.device_mb:5.0f} MB  "
        f"off by {row.off_by:.4f}"
    )


def served(device: str, found: Findings) -> None:
    """The whole service: start, the stages of a cutout, answers a second, memory; and what a second worker brings."""
    on_cpu = device == "cpu"
    with silhouette(SERVED, device=device) as server:
        start_s = server.age_s()
        bar = median_bar("1080p", list(ask(server, "1080p", CPU_REQUESTS if on_cpu else REQUESTS)))
        found.lines.append(f"ready after {start_s:.1f} s")
        found.lines.append("stages, ms: " + ", ".join(f"{name} {ms:.1f}" for name, ms in bar.parts_ms.items()))
        found.figures.append({"start_s": start_s, "stages_ms": bar.parts_ms})
        for clients in CPU_CLIENTS if on_cpu else CLIENTS:
            _under_load(server, clients, found)
    if not on_cpu:  # which has one a core already
        with silhouette(SERVED, device=device, workers="2") as server:
            found.lines.append("two workers on the device:")
            _under_load(server, max(CLIENTS), found)


def _under_load(server: Server, clients: int, found: Findings) -> None:
    """Raises Failed where somebody got no answer."""
    with watched(server) as memory:
        tally = _load(server, clients, LOAD_S)
    peak_mb, p50_ms = memory.peak_bytes / MEGABYTE, 1000 * tally.latency_s(0.5)
    on_device_mb = _device_mb(server)
    found.lines.append(
        f"{clients:2} clients: {tally.goodput:.2f} answers/s, p50 {p50_ms:.0f} ms, "
        f"{peak_mb:.0f} MB, {on_device_mb:.0f} MB on the device"
    )
    found.figures.append(
        {"clients": clients, "answers_per_s": tally.goodput, "p50_ms": p50_ms, "peak_mb": peak_mb}
        | {"device_mb": on_device_mb, "statuses": tally.statuses}
    )
    if tally.lost:
        raise Failed(f"not every request was answered: {tally.statuses}, {tally.broken} broken")


def killed_worker(device: str, found: Findings) -> None:
    """Whoever waits while a worker dies is answered all the same, and another one takes its place."""
    with silhouette(SERVED, device=device, workers="1") as server:
        (worker,) = (pid for pid, role in server.roles().items() if role.startswith("worker"))
        started = time.monotonic()
        tally = asyncio.run(_load_and_kill(server, worker))
        seconds = time.monotonic() - started
        alive = [pid for pid, role in server.roles().items() if role.startswith("worker") and pid != worker]
    found.lines.append(f"statuses {tally.statuses}; all answered {seconds:.1f} s after the first was asked")
    found.figures.append({"statuses": tally.statuses, "seconds": seconds})
    if set(tally.statuses) != {200} or tally.broken or not alive:
        raise Failed("a killed worker was not made good")


async def _load_and_kill(server: Server, worker: int) -> Tally:
    tally = Tally()
    load = asyncio.create_task(run_load(Load(server.port, [_request()], 4, 2.0, KILLED_WITHIN_S), tally))
    await asyncio.sleep(0.5)
    os.kill(worker, signal.SIGKILL)
    await load
    return tally


def out_of_memory(device: str, found: Findings) -> None:
    """A batch that does not fit is told from other failures, and the next one is computed."""
    place = Device.find(device, cuda_graphs=False)
    if place.torch_device.type == "cpu":
        raise NothingToCheck("a CPU has no memory of its own")
    store = ModelStore(read_settings().model_store)
    card = store.card(SERVED)
    segmenter = SEGMENTERS[card.family].load(store.checkpoint(card), place)
    image = np.zeros((card.input.height, card.input.width, 3), np.uint8)
    with limited(place):
        try:
            segmenter.predict([image] * BATCH_TOO_LARGE)
        except torch.OutOfMemoryError as full:
            said = place.diagnose(full)
        else:
            raise Failed(f"{BATCH_TOO_LARGE} images fitted into {ROOM_BYTES / 1e6:.0f} MB")
    found.lines.append(f"a batch of {BATCH_TOO_LARGE}: {said}")
    if said != "memory":
        raise Failed("a full device was not recognised")
    found.lines.append(f"a batch of {BATCH_THAT_FITS}: {len(segmenter.predict([image] * BATCH_THAT_FITS))} answers")


@contextlib.contextmanager
def limited(device: Device) -> Iterator[None]:
    """To what is held there now and `ROOM_BYTES`."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device.torch_device).total_memory
    torch.cuda.set_per_process_memory_fraction((device.memory_bytes() + ROOM_BYTES) / total, device.torch_device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device.torch_device)


def _load(server: Server, clients: int, seconds: float) -> Tally:
    tally = Tally()
    asyncio.run(run_load(Load(server.port, [_request()], clients, seconds), tally))
    return tally


def _request() -> bytes:
    return multipart("/remove-background", "image", photos("1080p")[0], {"model": SERVED, "format": "png"})


def _device_mb(server: Server) -> float:
    """Of all workers, as `/metrics` has it; 0 on a CPU."""
    lines = server.get("/metrics").splitlines()
    values = (line.rpartition(" ")[2] for line in lines if line.startswith("silhouette_device_memory_bytes"))
    return sum(map(float, values)) / MEGABYTE


CHECKS: Mapping[str, Callable[[str, Findings], None]] = {
    "tests": gpu_tests,
    "networks": networks,
    "served": served,
    "killed worker": killed_worker,
    "out of memory": out_of_memory,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where the check failed, with 77 where there is nothing to check on such a device."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--device", required=True, metavar="cuda[:N]|cpu")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or a server would outlive a check that is cut off
    found, code = Findings(), 0
    try:
        CHECKS[chosen.check](chosen.device, found)
    except NothingToCheck as nothing:
        found.lines.append(str(nothing))
        code = SKIPPED
    except Exception as failure:  # whatever it is, the other checks go on
        found.lines.append(f"{type(failure).__name__}: {failure}")
        code = FAILED
    chosen.out.write_text(json.dumps(asdict(found)), encoding="utf-8")
    sys.exit(code)


if __name__ == "__main__":
    main()
