"""benchmarks/gpu.py, as far as it goes without a GPU."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console

from benchmarks.gpu import Bench, network_table
from service.models.segmenters.devices import Device
from service.models.store import ModelStore
from tests.fakes import ClassesSegmenter, make_store
from tests.unit.models.segmenters.test_cuda_graphs import StandIn
from tests.weights import REPOSITORY


@pytest.mark.skipif(torch.cuda.device_count() > 0, reason="this machine has a CUDA device")
def test_without_a_cuda_device_it_says_so_in_one_line() -> None:
    script = REPOSITORY / "benchmarks" / "gpu.py"
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == "gpu: device 'cuda' is not on this machine, which has 0 CUDA devices\n"


@pytest.mark.parametrize("graphs", [True, False])
def test_a_row_tells_the_times_of_a_batch_and_its_parts_and_how_exact_it_is(tmp_path: Path, graphs: bool) -> None:
    store = ModelStore(make_store(tmp_path))
    checkpoint = store.checkpoint(store.card("tiny-classes"))
    device = Device(torch.device("cpu"), torch.float32, staged=True, capture=StandIn() if graphs else None)
    row = Bench(ClassesSegmenter, checkpoint, device, largest=4, seconds=0.01).measure(3)
    assert (row.model, row.batch, row.graphs) == ("tiny-classes", 3, graphs)
    assert min(row.batch_ms, row.up_ms, row.network_ms, row.down_ms) > 0
    assert row.images_per_s == pytest.approx(3000 / row.batch_ms)
    assert row.off_by < 1e-4
    console = Console(width=120)
    with console.capture() as printed:
        console.print(network_table("this machine", [row]))
    assert f"tiny-classes      3  {'graphs' if graphs else 'kernels'}" in printed.get()
