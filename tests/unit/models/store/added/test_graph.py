"""ONNX files as they come from strangers: what is taken, and what is refused and why."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from service.configuration_errors import BadGraph
from service.models.store.added.graph import pack

PLENTY_BYTES = 1 << 20


def graph_file(path: Path, *, shape: Any = (1, 3, 8, 8), dtype: int = TensorProto.FLOAT, domain: str = "") -> Path:
    """One 1x1 convolution, then one operator of `domain`."""
    weight = numpy_helper.from_array(np.ones((2, 3, 1, 1), np.float32), "weight")
    nodes = [
        helper.make_node("Conv", ["picture", "weight"], ["convolved"]),
        helper.make_node("Sigmoid", ["convolved"], ["mask"], domain=domain),
    ]
    ends = helper.make_tensor_value_info("picture", dtype, shape), helper.make_tensor_value_info("mask", 1, None)
    graph = helper.make_graph(nodes, "tiny", [ends[0]], [ends[1]], [weight])
    onnx.save(helper.make_model(graph), path)
    return path


def with_weights_in(path: Path, location: str) -> Path:
    """The same file, which says that its weights are elsewhere."""
    model = onnx.load(graph_file(path))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "24")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    path.write_bytes(model.SerializeToString())
    return path


def refused(path: Path, max_bytes: int = PLENTY_BYTES) -> str:
    with pytest.raises(BadGraph) as failed:
        pack(path, path.parent / "packed", max_bytes)
    assert not (path.parent / "packed").exists()
    assert len(str(failed.value).splitlines()) == 1
    return str(failed.value)


def test_a_graph_says_what_it_takes_and_what_its_answers_come_from(tmp_path: Path) -> None:
    graph = pack(graph_file(tmp_path / "a.onnx", shape=("n", 3, "h", 640)), tmp_path / "packed", PLENTY_BYTES)
    assert (graph.layout, graph.size) == ("nchw", (640, None))
    assert graph.ends_in == {"mask": "Sigmoid"}
    assert str(graph.picture) == "picture (?x3x?x640 float32)"


def test_a_file_of_its_own_is_kept_as_it_is(tmp_path: Path) -> None:
    path = graph_file(tmp_path / "a.onnx")
    pack(path, tmp_path / "packed", PLENTY_BYTES)
    assert (tmp_path / "packed").read_bytes() == path.read_bytes()


def test_weights_beside_the_file_are_put_into_it(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(np.full(6, 7, np.float32).tobytes())
    pack(with_weights_in(tmp_path / "a.onnx", "weights.bin"), tmp_path / "packed", PLENTY_BYTES)
    (tmp_path / "weights.bin").unlink()
    (weight,) = onnx.load(tmp_path / "packed").graph.initializer
    assert (numpy_helper.to_array(weight) == 7).all()


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "inner/../../secret.bin", "link.bin"])
def test_weights_outside_of_its_folder_are_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(24))
    folder = tmp_path / "model"
    (folder / "inner").mkdir(parents=True)
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    assert f"{location!r}, which is not in its own folder" in refused(with_weights_in(folder / "a.onnx", location))


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    assert "'weights.bin', which is missing" in refused(with_weights_in(tmp_path / "a.onnx", "weights.bin"))


def test_weights_that_end_too_early_are_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(8))
    assert "weights" in refused(with_weights_in(tmp_path / "a.onnx", "weights.bin"))


def test_what_is_too_large_is_refused_with_the_setting(tmp_path: Path) -> None:
    path = graph_file(tmp_path / "a.onnx")
    assert "SILHOUETTE_MAX_MODEL_BYTES" in refused(path, path.stat().st_size - 1)


def test_weights_beside_the_file_count(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(4096))
    path = with_weights_in(tmp_path / "a.onnx", "weights.bin")
    assert "SILHOUETTE_MAX_MODEL_BYTES" in refused(path, path.stat().st_size + 4095)


def test_operators_beyond_the_standard_are_named(tmp_path: Path) -> None:
    path = graph_file(tmp_path / "a.onnx", domain="com.example")
    assert "not of the ONNX standard: com.example.Sigmoid" in refused(path)


def test_operators_inside_of_a_branch_are_looked_at(tmp_path: Path) -> None:
    model = onnx.load(graph_file(tmp_path / "a.onnx"))
    inner = helper.make_node("Secret", ["picture"], ["y"], domain="com.example")
    branch = helper.make_graph([inner], "inner", [], [helper.make_tensor_value_info("y", 1, None)])
    model.graph.node.append(helper.make_node("If", ["mask"], ["z"], then_branch=branch, else_branch=branch))
    onnx.save(model, tmp_path / "a.onnx")
    assert "com.example.Secret" in refused(tmp_path / "a.onnx")


def test_functions_that_a_file_defines_itself_are_taken(tmp_path: Path) -> None:
    """torch's exporter writes such."""
    model = onnx.load(graph_file(tmp_path / "a.onnx", domain="own"))
    body = [helper.make_node("Sigmoid", ["x"], ["y"])]
    standard = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "Sigmoid", ["x"], ["y"], body, standard))
    onnx.save(model, tmp_path / "a.onnx")
    pack(tmp_path / "a.onnx", tmp_path / "packed", PLENTY_BYTES)


@pytest.mark.parametrize("write", [lambda path: path.write_bytes(b"not a graph" * 50), lambda path: path.touch()])
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, write: Callable[[Path], Any]) -> None:
    write(tmp_path / "a.onnx")
    assert "a.onnx" in refused(tmp_path / "a.onnx")


@pytest.mark.parametrize(
    ("shape", "dtype", "reason"),
    [
        ((1, 4, 8, 8), TensorProto.FLOAT, "no batch of RGB pictures"),
        ((1, 3, 8), TensorProto.FLOAT, "no batch of RGB pictures"),
        ((1, 3, 8, 8), TensorProto.INT64, "no batch of RGB pictures"),
        ((2, 3, 8, 8), TensorProto.FLOAT, "takes 2 pictures at once"),
    ],
)
def test_an_input_that_is_no_picture_is_refused(tmp_path: Path, shape: Any, dtype: int, reason: str) -> None:
    assert reason in refused(graph_file(tmp_path / "a.onnx", shape=shape, dtype=dtype))


def test_one_input_is_wanted(tmp_path: Path) -> None:
    model = onnx.load(graph_file(tmp_path / "a.onnx"))
    model.graph.input.append(helper.make_tensor_value_info("points", TensorProto.FLOAT, (1, 2)))
    onnx.save(model, tmp_path / "a.onnx")
    assert "one input is wanted, a picture; it has picture (1x3x8x8 float32), points (1x2 float32)" in refused(
        tmp_path / "a.onnx"
    )
