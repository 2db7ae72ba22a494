"""ONNX graphs in eight bits: calibrated by `silhouette models quantize`, beside themselves in float32."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from PIL import Image
from skimage import data
from torch import Tensor, nn

from service.cli import main
from service.configuration_errors import CannotQuantize, ConfigurationError
from service.models.engines.eight_bits import check_is_float32, quantize
from service.models.inputs import fit
from service.models.segmenters import FAMILIES
from service.models.segmenters.devices import Device
from service.models.segmenters.graphs import read_graph
from service.models.segmenters.onnx import measure_spans
from service.models.store import Checkpoint, ModelStore
from service.models.store.card import Precision
from service.workers.precision import on_cpu
from tests.known_families import SmallUNet
from tests.networks import export
from tests.processor import needs_int8

SIDE = 96

MOST_MEAN_DIFFERENCE = 0.02
"""As a share of the range of the answers. Three pictures gave .002 to .004 (AMD EPYC with AVX2, 2026-11-28)."""

Silhouette = Callable[..., tuple[int, str]]


class Detailed(SmallUNet):
    """With what files write in pieces: Swish, once as torch does it."""

    def __init__(self) -> None:
        super().__init__()
        self.between = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        between = self.between(pictures)
        return super().forward(between * torch.sigmoid(between)).sigmoid()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for name, take in {"astronaut": data.astronaut, "cat": data.chelsea, "coffee": data.coffee}.items():
        Image.fromarray(take()).resize((240, 180)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def silhouette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Silhouette:
    """Runs `silhouette models ...` beside an empty store: how it ended, and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(tmp_path / "store"))
    (tmp_path / "store").mkdir()

    def run(*arguments: str | Path) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            main(["models", *map(str, arguments)])
        return int(left.value.code or 0), capsys.readouterr().err

    return run


@pytest.fixture
def store(silhouette: Silhouette, tmp_path: Path) -> ModelStore:
    """With `mine`, which was added and not calibrated."""
    file = export(Detailed(), tmp_path / "net.onnx", SIDE, SIDE)
    status, said = silhouette("add", file, "--name", "mine", "--like", "birefnet")
    assert status == 0, said
    return ModelStore(tmp_path / "store")


def probabilities(checkpoint: Checkpoint, picture: Image.Image) -> NDArray[np.float32]:
    pixels, _ = fit(picture, checkpoint.card)
    (scores,) = FAMILIES["onnx"].load(checkpoint, Device.find("cpu")).predict([pixels])
    return scores


def planned(store: ModelStore, precision: Precision) -> Checkpoint:
    """As workers get it."""
    (checkpoint,) = on_cpu([store.checkpoint(store.card("mine"))], f"mine={precision}", frozenset({"avx2"}))
    return checkpoint


@needs_int8
def test_a_calibrated_graph_answers_nearly_the_same_in_eight_bits(
    silhouette: Silhouette, store: ModelStore, pictures: Path
) -> None:
    status, said = silhouette("quantize", "mine", "--images", pictures, "--provenance", "two of scikit-image")
    assert status == 0, said
    assert "from 2 pictures" in said
    exact, quantized = planned(store, "fp32"), planned(store, "int8")
    assert (exact.card.label, quantized.card.label) == ("mine@1", "mine@1+int8")
    assert quantized.int8_ranges is not None
    assert quantized.int8_ranges.provenance == "two of scikit-image"
    with Image.open(pictures / "coffee.png") as picture:
        found, expected = probabilities(quantized, picture), probabilities(exact, picture)
    assert 0 < np.abs(found - expected).mean() < MOST_MEAN_DIFFERENCE * np.ptp(expected)


def test_a_graph_that_was_never_calibrated_cannot_be_asked_for_in_eight_bits(store: ModelStore) -> None:
    with pytest.raises(ConfigurationError, match="run `silhouette models quantize mine`"):
        planned(store, "int8")


def test_ranges_of_another_graph_are_refused(store: ModelStore) -> None:
    checkpoint = store.checkpoint(store.card("mine"))
    spans = measure_spans(checkpoint, [np.zeros((SIDE, SIDE, 3), np.uint8)])
    graph = read_graph(checkpoint.weights, (3, SIDE, SIDE), 0)
    with pytest.raises(CannotQuantize, match="of another graph, which has 'elsewhere'"):
        quantize(graph, {**spans, "elsewhere": (0.0, 1.0)})


def test_a_graph_whose_convolutions_see_nothing_of_each_other_stays_in_float32(
    silhouette: Silhouette, pictures: Path, tmp_path: Path
) -> None:
    """It would be rounded, and be no quicker."""
    file = export(nn.Conv2d(3, 1, 3, padding=1), tmp_path / "net.onnx", SIDE, SIDE)
    assert silhouette("add", file, "--name", "mine", "--like", "birefnet")[0] == 0
    status, said = silhouette("quantize", "mine", "--images", pictures)
    assert status == 2
    assert "mine stays in fp32: none of its convolutions sees what another one gave" in said
    assert not (tmp_path / "store" / "mine" / "int8.json").exists()


@pytest.mark.parametrize(
    ("nodes", "dtype", "why"),
    [
        (
            [
                helper.make_node("QuantizeLinear", ["picture", "step", "zero"], ["levels"]),
                helper.make_node("DequantizeLinear", ["levels", "step", "zero"], ["rounded"]),
                helper.make_node("Conv", ["rounded", "weights"], ["mask"]),
            ],
            TensorProto.FLOAT,
            "eight bits already",
        ),
        ([helper.make_node("Conv", ["picture", "weights"], ["mask"])], TensorProto.FLOAT16, "computes in f16"),
    ],
)
def test_a_graph_that_is_not_in_float32_is_refused(
    nodes: list[NodeProto], dtype: int, why: str, tmp_path: Path
) -> None:
    picture, mask = (
        helper.make_tensor_value_info(name, dtype, [1, channels, SIDE, SIDE])
        for name, channels in (("picture", 3), ("mask", 1))
    )
    constants = [
        helper.make_tensor("weights", dtype, [1, 3, 1, 1], [1.0, 1.0, 1.0]),
        helper.make_tensor("step", TensorProto.FLOAT, [], [0.02]),
        helper.make_tensor("zero", TensorProto.UINT8, [], [128]),
    ]
    graph = helper.make_graph(nodes, "small", [picture], [mask], initializer=constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "small.onnx")
    with pytest.raises(CannotQuantize, match=why):
        check_is_float32(read_graph(tmp_path / "small.onnx", (3, SIDE, SIDE), 0))
