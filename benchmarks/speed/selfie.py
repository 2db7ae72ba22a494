"""What one video frame costs the selfie model on one thread, step by step, beside its goal and another runtime."""

import contextlib
import io
import statistics
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from skimage import data
from torch import Tensor

from benchmarks.harness.command import argument_parser, ending_in_one_line
from service.models.inputs import fit
from service.models.labels import Prediction, Scores, Size
from service.models.segmenters import SEGMENTERS
from service.models.segmenters.base import TorchSegmenter
from service.models.segmenters.devices import Device
from service.models.store import ModelCard, ModelStore
from service.pixels.decode import Photo
from service.pixels.matting import matte
from service.settings import read_settings
from service.workers.allocator import keep_blocks

FRAME = Size(640, 480)
GOAL_MS = 8.0
PERSON = (1,)
MS_PER_S = 1000

Step = Callable[[], object]

EPILOG = """\
Prints the milliseconds of each step: the median, and the fastest, which a busy machine disturbs less.
--cpu-time counts only what the thread itself computed; for machines that do something else at the same time.
With onnxruntime installed, the same network is measured there too.
"""


def load() -> tuple[TorchSegmenter, ModelCard]:
    """Raises ConfigurationError where the model was not pulled."""
    store = ModelStore(read_settings().model_store)
    card = store.card("selfie")
    return SEGMENTERS[card.family].load(store.checkpoint(card), Device.find("cpu", threads=1)), card


def steps(segmenter: TorchSegmenter, card: ModelCard) -> dict[str, Step]:
    """What happens to a frame between its decoded pixels and its matte, in order; `whole frame` is all of it."""
    frame = Image.fromarray(data.astronaut()).resize(FRAME)
    pixels, box = fit(frame, card)
    uploaded = segmenter.upload([pixels])
    batch = segmenter.prepare(uploaded)
    scores = segmenter.predict([pixels])[0]

    def matte_of(scores_: Scores) -> object:
        return matte(Prediction(card.output.head, scores_, box, FRAME, card.class_table), PERSON, Photo(frame), "off")

    return {
        "resize to the network's input": lambda: fit(frame, card),
        "normalise": lambda: segmenter.prepare(uploaded),
        "network": lambda: segmenter.forward(batch),
        "8-bit matte at the frame's size": lambda: matte_of(scores),
        "whole frame": lambda: matte_of(segmenter.predict([fit(frame, card)[0]])[0]),
    }


def onnxruntime_step(network: torch.nn.Module, batch: Tensor) -> Step:
    """The same network in onnxruntime, on one thread. Raises ImportError where it is not installed."""
    import onnxruntime

    file = io.BytesIO()
    with torch.backends.mkldnn.flags(enabled=False), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the newer exporter needs one more package
        torch.onnx.export(network, (batch.contiguous(),), file, dynamo=False)  # type: ignore[arg-type]  # its stubs lag
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    feeds = {session.get_inputs()[0].name: batch.contiguous().numpy()}
    return lambda: session.run(None, feeds)


def measure(steps: dict[str, Step], rounds: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Milliseconds of each step in each round. The steps take turns, so that what else happens meets all of them."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            started = clock()
            step()
            taken[name].append((clock() - started) * MS_PER_S)
    return taken


def print_steps(taken: dict[str, list[float]]) -> None:
    table = Table("one thread, 640x480", "median ms", "fastest ms", "goal", box=None)
    for name, values in taken.items():
        median = statistics.median(values)
        goal = f"{GOAL_MS:g} ms: {'met' if median <= GOAL_MS else 'missed'}" if name == "whole frame" else ""
        table.add_row(name, f"{median:.2f}", f"{min(values):.2f}", goal)
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2 where the model was not pulled."""
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--rounds", type=int, default=300, metavar="N", help="default: 300")
    parser.add_argument("--cpu-time", action="store_true", help="time that the thread computed, instead of passed")
    chosen = parser.parse_args(arguments)
    keep_blocks()  # as a worker does
    with ending_in_one_line("selfie"):
        segmenter, card = load()
    with torch.inference_mode():
        candidates = steps(segmenter, card)
        with contextlib.suppress(ImportError):
            small = np.asarray(Image.fromarray(data.astronaut()).resize((256, 256)))
            batch = segmenter.prepare(segmenter.upload([small]))
            candidates["the network in onnxruntime"] = onnxruntime_step(segmenter.network, batch)
        measure(candidates, 10, time.perf_counter)  # the first calls pick kernels
        print_steps(measure(candidates, chosen.rounds, time.thread_time if chosen.cpu_time else time.perf_counter))


if __name__ == "__main__":
    main()
