"""Each network as torch computes it and as OpenVINO does, in each precision: CPU time of one image on one thread.

They take turns, so that what else the machine does hits all alike: believe the ratios, medians of the rounds'.

    python -m benchmarks.speed.engines u2net selfie deeplab-voc --rounds 6
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from benchmarks.harness.machine import machine
from service.models.segmenters import SEGMENTERS
from service.models.segmenters.base import Pixels, TorchSegmenter
from service.models.segmenters.devices import Device
from service.models.store import Checkpoint, ModelStore
from service.models.store.card import Precision
from service.settings import read_settings
from service.workers.precision import BF16_INSTRUCTIONS, usable_cpu_flags

TORCH = "torch fp32"


def engines(checkpoint: Checkpoint) -> Iterator[tuple[str, TorchSegmenter]]:
    """By what is printed of them; torch is the first."""
    device = Device.find("cpu", threads=1)
    yield TORCH, load(checkpoint, "fp32", replace(device, is_compiled_for=False))
    if device.is_compiled_for:
        yield "OpenVINO fp32", load(checkpoint, "fp32", device)
        if usable_cpu_flags() & BF16_INSTRUCTIONS:
            yield "OpenVINO bf16", load(checkpoint, "bf16", device)
        if checkpoint.int8_ranges is not None:
            yield "OpenVINO int8", load(checkpoint, "int8", device)


def load(checkpoint: Checkpoint, precision: Precision, device: Device) -> TorchSegmenter:
    card = checkpoint.card.model_copy(update={"precision": precision})
    return SEGMENTERS[card.family].load(replace(checkpoint, card=card), device)


def cpu_ms(work: Callable[[], object]) -> float:
    """Of all threads of this process."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def measure(checkpoint: Checkpoint, rounds: int) -> None:
    size = checkpoint.card.input
    image: Pixels = np.random.default_rng(0).integers(0, 256, (size.height, size.width, 3), np.uint8)
    segmenters = dict(engines(checkpoint))
    for segmenter in segmenters.values():
        segmenter.predict([image])
    taken = np.array([[cpu_ms(lambda s=s: s.predict([image])) for s in segmenters.values()] for _ in range(rounds)])  # type: ignore[misc]
    ratios = np.median(taken / taken[:, :1], axis=0)
    for name, fastest, ratio in zip(segmenters, taken.min(axis=0), ratios, strict=True):
        print(f"{checkpoint.card.name:12} {name:14} {fastest:7.1f} ms at best, {ratio:.2f} of torch's")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--rounds", type=int, default=6)
    chosen = parser.parse_args()
    print(machine())
    store = ModelStore(read_settings().model_store)
    for name in chosen.models:
        measure(store.checkpoint(store.card(name)), chosen.rounds)


if __name__ == "__main__":
    main()
