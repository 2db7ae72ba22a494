"""Reads the convolutions of a TFLite graph, as float32 whatever they are stored as."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tflite import BuiltinOperator, Model, TensorType

from service.configuration_errors import BadWeights
from service.models.store.weights import Array, Convolution

TORCH_LAYOUT = {
    BuiltinOperator.CONV_2D: (0, 3, 1, 2),  # from (out, height, width, in)
    BuiltinOperator.DEPTHWISE_CONV_2D: (3, 0, 1, 2),  # from (1, height, width, channels)
    # The only custom operator that our graphs have is MediaPipe's transposed convolution, to torch's
    # (in, out, height, width) from (out, height, width, in).
    BuiltinOperator.CUSTOM: (3, 0, 1, 2),
}

STORED_AS = {
    TensorType.FLOAT32: np.float32,
    TensorType.FLOAT16: np.float16,
    TensorType.INT32: np.int32,
    TensorType.UINT8: np.uint8,
}


def read_tflite(path: Path) -> list[Convolution]:
    """Every convolution of the graph, in execution order.

    Raises BadWeights where the file is not TFLite, is cut short, or stores weights in a type that our graphs lack.
    """
    content = path.read_bytes()
    if not Model.ModelBufferHasIdentifier(content, 0):
        raise BadWeights(f"{path} is not a TFLite file")
    try:
        return list(_convolutions(Model.GetRootAs(content, 0)))
    except (struct.error, KeyError, ValueError) as error:
        raise BadWeights(f"{path} is not a TFLite file that we can read: {error}") from error


def _convolutions(model: Any) -> Iterator[Convolution]:
    graph = model.Subgraphs(0)
    widened: dict[int, int] = {}  # a float32 tensor -> the half precision constant that the graph makes it from
    for operator in (graph.Operators(index) for index in range(graph.OperatorsLength())):
        kind = _kind(model, operator)
        if kind == BuiltinOperator.DEQUANTIZE:
            widened[operator.Outputs(0)] = operator.Inputs(0)
        elif kind in TORCH_LAYOUT:
            _, weight, bias = (widened.get(index, index) for index in operator.InputsAsNumpy().tolist())
            yield Convolution(_constant(model, weight).transpose(TORCH_LAYOUT[kind]), _constant(model, bias))


def _kind(model: Any, operator: Any) -> int:
    """Files older than TensorFlow 2.4 have the code in the deprecated field only; the larger of the two is right."""
    code = model.OperatorCodes(operator.OpcodeIndex())
    return max(int(code.BuiltinCode()), int(code.DeprecatedBuiltinCode()))


def _constant(model: Any, index: int) -> Array:
    """The tensor's real values: (stored - zero point) * scale where it is quantised."""
    tensor = model.Subgraphs(0).Tensors(index)
    content = model.Buffers(tensor.Buffer()).DataAsNumpy()
    values = content.view(STORED_AS[tensor.Type()]).reshape(tensor.ShapeAsNumpy()).astype(np.float64)
    quantization = tensor.Quantization()
    if quantization is not None and quantization.ScaleLength():
        values = (values - quantization.ZeroPoint(0)) * quantization.Scale(0)
    real: Array = values.astype(np.float32)
    return real
