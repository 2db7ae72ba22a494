"""Times the networks on a CUDA device, with and without CUDA graphs, and the whole service on it."""

import argparse
import asyncio
import io
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.harness.command import argument_parser, counts, ending_in_one_line, names
from service.cli.console import say
from service.configuration_errors import ConfigurationError, RecordingFailed
from service.models.inputs import fit
from service.models.labels import Scores
from service.models.segmenters import SEGMENTERS
from service.models.segmenters.base import Pixels, TorchSegmenter
from service.models.segmenters.devices import Device
from service.models.store import Checkpoint, ModelCard, ModelStore
from service.settings import read_settings

MODELS = ("u2net", "selfie", "deeplab-voc")
BATCHES = (1, 2, 4, 8, 16)
CONCURRENCIES = (1, 4, 16)
SERVED = "u2net"
MEGABYTE = 1_000_000

EPILOG = """\
The first table has a row for each model, size of batch and way to launch: kernel by kernel, or as a CUDA graph. "ms" is
the median of a whole batch, from pixels in main memory to scores in main memory, and images/s follows from it. "up",
"network" and "down" are its parts, each waited for, so that they add up to more. "device MB" is what torch holds on the
device after that batch. "off by" is the mean difference from float32 on the CPU in the worst picture of the batch, as a
share of what its scores span: beyond 0.01 it is more than rounding. Each model is measured in processes of its own.

The second table is the whole service: 1080p JPEG to PNG cutouts with u2net, by the number of clients. Pictures are
decoded and encoded on the CPU, which may well be what limits it.

examples:
  python -m benchmarks.speed.gpu
  a quick look:  python -m benchmarks.speed.gpu --models u2net --batches 1,8 --seconds 0.5 --no-service
"""


@dataclass(frozen=True)
class Row:
    """What one model did with one size of batch; times are medians."""

    model: str
    graphs: bool
    batch: int
    batch_ms: float
    up_ms: float
    network_ms: float
    down_ms: float
    device_mb: float
    off_by: float

    @property
    def images_per_s(self) -> float:
        return 1000 * self.batch / self.batch_ms


@dataclass(frozen=True)
class Served:
    """What the service did for so many clients."""

    clients: int
    graphs: bool
    requests_per_s: float
    p50_ms: float
    p95_ms: float
    lost: int
    """Refused, failed or never answered."""


class Bench:
    """One model on one device, and what float32 on the CPU says of two pictures."""

    def __init__(
        self, family: type[TorchSegmenter], checkpoint: Checkpoint, device: Device, largest: int, seconds: float
    ) -> None:
        self._model, self._device, self._seconds = checkpoint.card.name, device, seconds
        self._pictures = pictures(checkpoint.card)
        self._exact = family.load(checkpoint, Device.find("cpu")).predict(self._pictures)
        self._segmenter = family.load(checkpoint, device)
        self._segmenter.expect(largest)

    def measure(self, batch: int) -> Row:
        """The two pictures take turns in the batch, so that scores in wrong places show."""
        images = [self._pictures[index % 2] for index in range(batch)]
        off_by = max(difference(ours, self._exact[i % 2]) for i, ours in enumerate(self._segmenter.predict(images)))
        batch_ms = statistics.median(self._repeated(lambda: [_ms(lambda: self._segmenter.predict(images))])[0])
        up, network, down = map(statistics.median, self._repeated(lambda: self._parts_ms(images)))
        graphs = self._device.capture is not None
        held_mb = self._device.memory_bytes() / MEGABYTE
        return Row(self._model, graphs, batch, batch_ms, up, network, down, held_mb, off_by)

    def _repeated(self, measure: Callable[[], list[float]]) -> list[tuple[float, ...]]:
        """Each figure of `measure` over and over, after once to warm up."""
        measure()
        started, found = time.perf_counter(), [measure()]
        while time.perf_counter() - started < self._seconds:
            found.append(measure())
        return list(zip(*found, strict=True))

    @torch.inference_mode()
    def _parts_ms(self, images: Sequence[Pixels]) -> list[float]:
        """Up, network, down."""
        staging, launched = self._segmenter.staging, list[torch.Tensor]()
        assert staging is not None  # expected on a GPU

        def up() -> None:
            staging.upload(images)
            self._device.mark()()

        def network() -> None:
            launched.append(staging.launch(self._segmenter.compute, len(images)))
            self._device.mark()()

        return [_ms(up), _ms(network), _ms(lambda: staging.download(launched[0]))]


def _ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def pictures(card: ModelCard) -> list[Pixels]:
    """Two with different answers, at the model's input size."""
    from PIL import Image
    from skimage import data

    astronaut = Image.fromarray(data.astronaut())
    return [fit(picture, card)[0] for picture in (astronaut, astronaut.transpose(Image.Transpose.ROTATE_180))]


def difference(ours: Scores, exact: Scores) -> float:
    """The mean one, as a share of what the exact scores span."""
    return float(np.abs(ours - exact).mean() / np.ptp(exact))


def measure_model(model: str, device: str, cuda_graphs: bool, batches: Sequence[int], seconds: float) -> list[Row]:
    """A row for each size, the smallest first. Raises ConfigurationError where the weights were not pulled."""
    store = ModelStore(read_settings().model_store)
    card = store.card(model)
    checkpoint = Checkpoint(card.model_copy(update={"precision": "fp32"}), store.verify(card))
    bench = Bench(SEGMENTERS[card.family], checkpoint, staged_device(device, cuda_graphs), max(batches), seconds)
    return [bench.measure(batch) for batch in sorted(batches)]


def staged_device(name: str, cuda_graphs: bool) -> Device:
    """Where batches are staged and torch computes, even on a CPU, which thus goes the way of a GPU."""
    return replace(Device.find(name, cuda_graphs=cuda_graphs), staged=True, is_compiled_for=False)


def apart(model: str, device: str, cuda_graphs: bool, batches: Sequence[int], seconds: float) -> list[Row]:
    """`measure_model` in a process of its own, so that nothing else has memory on the device.

    Without rows where no graphs can be recorded.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        try:
            return process.submit(measure_model, model, device, cuda_graphs, batches, seconds).result()
        except RecordingFailed as failure:
            say(f"gpu: no CUDA graphs of {model}: {failure}")
            return []


def measure_service(device: str, cuda_graphs: bool, clients: Sequence[int], seconds: float) -> list[Served]:
    """One service, asked by each number of clients in turn. Raises ConfigurationError where it does not start."""
    from benchmarks.harness.load import Load, Tally, multipart, run_load
    from benchmarks.harness.servers import silhouette

    ask = multipart("/remove-background", "image", photo(), {"model": SERVED, "format": "png"})
    found = []
    with silhouette(SERVED, device=device, cuda_graphs=str(cuda_graphs).lower()) as server:
        asyncio.run(run_load(Load(server.port, [ask], max(clients), seconds=0.001), Tally()))  # to warm up
        for count in clients:
            tally = Tally()
            asyncio.run(run_load(Load(server.port, [ask], count, seconds), tally))
            p50_ms, p95_ms = 1000 * tally.latency_s(0.5), 1000 * tally.latency_s(0.95)
            found.append(Served(count, cuda_graphs, tally.goodput, p50_ms, p95_ms, tally.lost))
    return found


def photo() -> bytes:
    """A 1080p JPEG."""
    from PIL import Image
    from skimage import data

    out = io.BytesIO()
    Image.fromarray(data.astronaut()).resize((1920, 1080), box=(0, 0, 512, 288)).save(out, "JPEG", quality=90)
    return out.getvalue()


def _launched(cuda_graphs: bool) -> str:
    return "graphs" if cuda_graphs else "kernels"


def network_table(title: str, rows: Sequence[Row]) -> Table:
    table = Table(title=title, box=None, title_justify="left")
    for heading in ("model", "batch", "launched as", "images/s", "ms", "up", "network", "down", "device MB", "off by"):
        table.add_column(heading, justify="left" if heading in ("model", "launched as") else "right")
    for row in sorted(rows, key=lambda row: (row.model, row.batch, row.graphs)):
        times = (f"{ms:.2f}" for ms in (row.batch_ms, row.up_ms, row.network_ms, row.down_ms))
        found = (f"{row.images_per_s:.1f}", *times, f"{row.device_mb:.0f}", f"{row.off_by:.4f}")
        table.add_row(row.model, str(row.batch), _launched(row.graphs), *found)
    return table


def service_table(rows: Sequence[Served]) -> Table:
    table = Table(title=f"the service, {SERVED}, 1080p JPEG to PNG cutout", box=None, title_justify="left")
    for heading in ("clients", "launched as", "requests/s", "p50 ms", "p95 ms", "lost"):
        table.add_column(heading, justify="left" if heading == "launched as" else "right")
    for row in sorted(rows, key=lambda row: (row.clients, row.graphs)):
        figures = (f"{row.requests_per_s:.2f}", f"{row.p50_ms:.0f}", f"{row.p95_ms:.0f}")
        table.add_row(str(row.clients), _launched(row.graphs), *figures, str(row.lost))
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--device", default="cuda", metavar="cuda[:N]", help="default: cuda")
    parser.add_argument("--models", type=names, default=MODELS, metavar="NAME,...", help=f"default: {','.join(MODELS)}")
    parser.add_argument("--batches", type=counts, default=BATCHES, metavar="N,...", help=f"default: {BATCHES}")
    parser.add_argument("--seconds", type=float, default=2.0, metavar="N", help="for each figure; default: 2")
    parser.add_argument("--no-service", dest="service", action="store_false", help="leave the second table out")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every figure to OUT")
    return parser


def run(chosen: argparse.Namespace) -> None:
    """Raises ConfigurationError where the device is not there, weights are missing or the service does not start."""
    device = Device.find(chosen.device).torch_device
    if device.type != "cuda":
        raise ConfigurationError(f"{chosen.device} is no CUDA device")
    networks = [
        row
        for model in chosen.models
        for graphs in (False, True)
        for row in apart(model, str(device), graphs, chosen.batches, chosen.seconds)
    ]
    title = f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    Console().print(network_table(title, networks), "")
    served = []
    if chosen.service:
        for graphs in (False, True):
            served += measure_service(str(device), graphs, CONCURRENCIES, 5 * chosen.seconds)
        Console().print(service_table(served))
    if chosen.json:
        figures = {"device": title, "networks": list(map(asdict, networks)), "service": list(map(asdict, served))}
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2, and one line that says why, where there is no CUDA device or something else is missing."""
    with ending_in_one_line("gpu"):
        run(_parser().parse_args(arguments))


if __name__ == "__main__":
    main()
