"""How many cores are best filled with one network: processes of one thread, streams of one process, or its threads.

Each way takes its turn with all cores, round after round: images a second, and memory with shared pages counted once.
Streams are OpenVINO's; the others compute as the service does, which may be another way. Believe the ratios on a
machine that does nothing else.

    python -m benchmarks.speed.streams u2net --precision int8 --rounds 5
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.harness.command import argument_parser
from benchmarks.harness.machine import machine
from benchmarks.harness.memory import MEGABYTE
from service.models.engines.compiled import compiled
from service.models.segmenters import SEGMENTERS
from service.models.segmenters.base import TorchSegmenter
from service.models.segmenters.devices import Device
from service.models.store import Checkpoint, ModelStore
from service.models.store.card import Precision
from service.settings import read_settings
from service.workers.machine import available_cores

SECONDS = 5.0
Call = Callable[[Any], object]
"""Of (1, h, w, 3) pixels."""


@dataclass(frozen=True)
class Way:
    """So many processes, each with so many streams of so many threads."""

    name: str
    processes: int
    streams: int
    threads: int


def ways(cores: int) -> list[Way]:
    return [
        Way(f"{cores} processes of one thread", cores, 1, 1),
        Way(f"one process of {cores} streams", 1, cores, 1),
        Way(f"one process of {cores} threads", 1, 1, cores),
    ]


@dataclass(frozen=True)
class Found:
    """Of one way in one round."""

    images_per_s: float
    memory_mb: float


def measure(way: Way, model: str, precision: str) -> Found:
    """Starts its processes, lets them begin together, and ends them."""
    child = [sys.executable, "-m", "benchmarks.speed.streams", model, "--precision", precision]
    command = [*child, "--streams", str(way.streams), "--threads", str(way.threads)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(way.processes)
    ]
    for process in children:
        assert process.stdout is not None
        process.stdout.readline()  # it is warm
    with ThreadPoolExecutor(way.processes) as threads:
        answers = threads.map(lambda process: process.communicate("go\n")[0], children)
    found = [json.loads(answer) for answer in answers]
    return Found(sum(each["images_per_s"] for each in found), sum(each["memory_mb"] for each in found))


def be_one(checkpoint: Checkpoint, streams: int, threads: int) -> None:
    """In a child: computes on all streams at once for SECONDS when it is told to, and prints what came of it."""
    size = checkpoint.card.input
    image = np.random.default_rng(0).integers(0, 256, (1, size.height, size.width, 3), np.uint8)
    calls = _calls(checkpoint, streams, threads)
    _rate(calls, image, 0)
    print(flush=True)
    sys.stdin.readline()
    rate = _rate(calls, image, SECONDS)
    print(json.dumps({"images_per_s": rate, "memory_mb": psutil.Process().memory_full_info().pss / MEGABYTE}))


def _calls(checkpoint: Checkpoint, streams: int, threads: int) -> list[Call]:
    """One a stream."""
    if streams == 1:
        return [SEGMENTERS[checkpoint.card.family].load(checkpoint, Device.find("cpu", threads)).predict]
    device = replace(Device.find("cpu", threads=1), is_compiled_for=False)
    segmenter = SEGMENTERS[checkpoint.card.family].load(checkpoint, device)
    assert isinstance(segmenter, TorchSegmenter)
    graph = segmenter.graph_within(checkpoint.int8_ranges)
    segmenter.network.to_empty(device="meta")
    network = compiled(graph, streams * threads, checkpoint.card.precision, streams)
    requests = [network.create_infer_request() for _ in range(streams)]
    return [lambda image, request=request: request.infer([image], share_inputs=True) for request in requests]  # type: ignore[misc]


def _rate(calls: Sequence[Call], image: NDArray[np.uint8], seconds: float) -> float:
    """Images a second of all streams together; each computes at least one."""
    started = time.monotonic()

    def keep_calling(call: Call) -> int:
        count = 0
        while not count or time.monotonic() < started + seconds:
            call(image)
            count += 1
        return count

    with ThreadPoolExecutor(len(calls)) as threads:
        count = sum(threads.map(keep_calling, calls))
    return count / (time.monotonic() - started)


def compare(model: str, precision: str, rounds: int) -> None:
    print(machine())
    chosen = ways(available_cores())
    found = [[measure(way, model, precision) for way in chosen] for _ in range(rounds)]
    for way, values in zip(chosen, zip(*found, strict=True), strict=True):
        ratios = [value.images_per_s / row[0].images_per_s for value, row in zip(values, found, strict=True)]
        memory_mb = max(value.memory_mb for value in values)
        rate = statistics.median(value.images_per_s for value in values)
        print(f"{way.name:28} {rate:6.2f} images/s, {statistics.median(ratios):.2f} of the first, {memory_mb:.0f} MB")


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("model")
    parser.add_argument("--precision", choices=get_args(Precision), default="int8")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streams", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.streams is None:
        compare(chosen.model, chosen.precision, chosen.rounds)
        return
    store = ModelStore(read_settings().model_store)
    card = store.card(chosen.model).model_copy(update={"precision": chosen.precision})
    be_one(store.checkpoint(card), chosen.streams, chosen.threads)


if __name__ == "__main__":
    main()
