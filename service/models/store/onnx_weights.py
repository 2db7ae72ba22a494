"""Reads the convolutions of an ONNX graph. ONNX lays weights out as torch does, and lists nodes as they run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError  # onnx brings protobuf, not its stubs
from onnx import numpy_helper

from service.configuration_errors import BadWeights
from service.models.store.weights import Convolution


def read_onnx(path: Path) -> list[Convolution]:
    """Every `Conv` of the graph, in execution order.

    Raises BadWeights where the file is not ONNX, or a convolution lacks a constant weight or bias.
    """
    try:
        return list(_convolutions(onnx.load(path).graph))
    except (DecodeError, KeyError, ValueError) as error:
        raise BadWeights(f"{path} is not an ONNX file that we can read: {error}") from error


def _convolutions(graph: Any) -> Iterator[Convolution]:
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Conv":
            weight, bias = (numpy_helper.to_array(constants[name]) for name in node.input[1:])
            yield Convolution(weight, bias)
