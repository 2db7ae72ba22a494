"""benchmarks/speed/gpu.py, as far as it goes without a GPU."""

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.speed.gpu import Bench, network_table, staged_device
from service.models.store import ModelStore
from tests.fakes import ClassesSegmenter, make_store


def test_a_row_tells_the_times_of_a_batch_and_its_parts_and_how_exact_it_is(tmp_path: Path) -> None:
    store = ModelStore(make_store(tmp_path))
    checkpoint = store.checkpoint(store.card("tiny-classes"))
    device = staged_device("cpu", cuda_graphs=False)
    row = Bench(ClassesSegmenter, checkpoint, device, largest=4, seconds=0.01).measure(3)
    assert (row.model, row.batch, row.graphs) == ("tiny-classes", 3, False)
    assert min(row.batch_ms, row.up_ms, row.network_ms, row.down_ms) > 0
    assert row.images_per_s == pytest.approx(3000 / row.batch_ms)
    assert row.off_by < 1e-4
    console = Console(width=120)
    with console.capture() as printed:
        console.print(network_table("this machine", [row]))
    assert "tiny-classes      3  kernels" in printed.get()
