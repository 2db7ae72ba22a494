"""Conversion of published files to safetensors."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from service.configuration_errors import BadCard, BadWeights
from service.models.store.convert import CONVERTERS, convert
from service.models.store.store import sha256_of
from tests.weights import model_card, original


def test_a_conversion_gives_the_pinned_bytes_every_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    convert("selfie", original("selfie"), first)
    convert("selfie", original("selfie"), second)
    assert sha256_of(first) == sha256_of(second) == model_card("selfie").converted.sha256


@pytest.mark.parametrize("family", CONVERTERS)
@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"\x1c\x00\x00\x00TFL3 and nothing more"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, family: str, content: bytes) -> None:
    file = tmp_path / "download"
    file.write_bytes(content)
    with pytest.raises(BadWeights, match="download"):
        convert(family, file, tmp_path / "model.safetensors")


def test_another_graph_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    file, target = tmp_path / "other.onnx", tmp_path / "model.safetensors"
    file.write_bytes(graph_of_one_convolution().SerializeToString())
    with pytest.raises(BadWeights, match="has 1 convolutions; we know a graph of 119"):
        convert("u2net", file, target)
    assert not target.exists()


def graph_of_one_convolution() -> onnx.ModelProto:
    weight = numpy_helper.from_array(np.zeros((1, 3, 1, 1), np.float32), "weight")
    bias = numpy_helper.from_array(np.zeros(1, np.float32), "bias")
    node = helper.make_node("Conv", ["image", "weight", "bias"], ["map"])
    return helper.make_model(helper.make_graph([node], "other", [], [], [weight, bias]))


def test_an_unknown_family_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadCard, match="'unet'; there are u2net, u2netp, selfie, deeplab, onnx"):
        convert("unet", tmp_path / "download", tmp_path / "model.safetensors")
