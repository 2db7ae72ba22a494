"""Each network as torch computes it, as OpenVINO does, and as the service does in int8: CPU time of one image on one
thread.

They take turns, so that what else the machine does hits all alike: believe the ratios, medians of the rounds'.

    python -m benchmarks.speed.engines u2net selfie deeplab-voc --rounds 6
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.harness.command import argument_parser
from benchmarks.harness.machine import machine
from service.models.engines.compiled import CompiledNetwork
from service.models.labels import Scores
from service.models.segmenters import SEGMENTERS
from service.models.segmenters.base import Pixels, RunningNetwork, TorchSegmenter
from service.models.segmenters.devices import Device
from service.models.store import Checkpoint, ModelStore
from service.models.store.card import Precision
from service.settings import read_settings
from service.workers.precision import BF16_INSTRUCTIONS, usable_cpu_flags

TORCH = "torch fp32"

Predict = Callable[[Sequence[Pixels]], list[Scores]]


def engines(checkpoint: Checkpoint) -> Iterator[tuple[str, Predict]]:
    """By what is printed of them; torch is the first. The service's int8 may be OpenVINO's."""
    device = Device.find("cpu", threads=1)
    yield TORCH, load(checkpoint, "fp32", replace(device, is_compiled_for=False)).predict
    if device.is_compiled_for:
        yield "OpenVINO fp32", load(checkpoint, "fp32", device).predict
        if usable_cpu_flags() & BF16_INSTRUCTIONS:
            yield "OpenVINO bf16", load(checkpoint, "bf16", device).predict
        if checkpoint.int8_ranges is not None:
            in_torch = load(checkpoint, "int8", replace(device, is_compiled_for=False))
            graph = in_torch.graph_within(checkpoint.int8_ranges)
            yield "OpenVINO int8", predicting(CompiledNetwork(graph, 1, "int8"))
            yield "service int8", load(checkpoint, "int8", device).predict


def predicting(network: RunningNetwork) -> Predict:
    return lambda images: list(network.infer(np.stack(images)))


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
    ways = dict(engines(checkpoint))
    for predict in ways.values():
        predict([image])
    taken = np.array([[cpu_ms(lambda p=p: p([image])) for p in ways.values()] for _ in range(rounds)])  # type: ignore[misc]
    ratios = np.median(taken / taken[:, :1], axis=0)
    for name, fastest, ratio in zip(ways, taken.min(axis=0), ratios, strict=True):
        print(f"{checkpoint.card.name:12} {name:14} {fastest:7.1f} ms at best, {ratio:.2f} of torch's")


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--rounds", type=int, default=6)
    chosen = parser.parse_args()
    print(machine())
    store = ModelStore(read_settings().model_store)
    for name in chosen.models:
        measure(store.checkpoint(store.card(name)), chosen.rounds)


if __name__ == "__main__":
    main()
