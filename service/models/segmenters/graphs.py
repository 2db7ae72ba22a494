"""Runs an ONNX graph as it was published: OpenVINO on a CPU, onnxruntime's CUDA provider on a GPU.

OpenVINO reads ONNX itself. Where it has no wheel (Intel Macs, musl), onnxruntime takes its place if it is installed.
Both are imported when a graph is opened: a service without such models has no use for them.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from service.configuration_errors import ConfigurationError, MissingExtra
from service.models.engines.compiled import CompiledNetwork, is_installed
from service.models.segmenters.devices import Device
from service.models.store.card import Precision
from service.models.store.int8_ranges import Span

if TYPE_CHECKING:
    import openvino

Array = NDArray[Any]


class RunningGraph(Protocol):
    """One output of a graph on a device, for pictures of one size."""

    def infer(self, image: Array) -> Array:
        """Of one picture as the graph takes it, without the batch."""


Output = str | int
"""Its name, or its place among the graph's."""


def open_graph(
    path: Path,
    shape: Sequence[int],
    output: Output,
    device: Device,
    precision: Precision = "fp32",
    spans: Mapping[str, Span] | None = None,
) -> RunningGraph:
    """For pictures of `shape`, without the batch; with `spans`, see `engines/eight_bits.py`, in eight bits.

    Raises MissingExtra where no runtime is installed for the device, and ConfigurationError for a graph that it cannot
    run.
    """
    on_cpu = device.torch_device.type == "cpu"
    if on_cpu and is_installed():
        return OpenVinoGraph(path, shape, output, precision, spans)
    if importlib.util.find_spec("onnxruntime"):
        return OnnxRuntimeGraph(path, output, device)
    wanted = "openvino or onnxruntime" if on_cpu else "the extra `onnx-gpu`"
    raise MissingExtra(f"ONNX models need {wanted}, which cannot be imported: install it with pip")


class OpenVinoGraph:
    """On a CPU."""

    def __init__(
        self,
        path: Path,
        shape: Sequence[int],
        output: Output,
        precision: Precision,
        spans: Mapping[str, Span] | None = None,
    ) -> None:
        try:
            model = read_graph(path, shape, output)
            if spans is not None:
                _quantize(model, spans)
            self._network = CompiledNetwork(model, torch.get_num_threads(), precision)
        except RuntimeError as error:
            raise ConfigurationError(f"OpenVINO cannot run {path.name}: {' '.join(str(error).split())}") from error
        self._dtype = model.input().get_element_type().to_dtype()

    def infer(self, image: Array) -> Array:
        return _alone(self._network.infer(image[np.newaxis].astype(self._dtype)))


def _quantize(model: "openvino.Model", spans: Mapping[str, Span]) -> None:
    from service.models.engines.eight_bits import quantize

    quantize(model, spans)


def read_graph(path: Path, shape: Sequence[int], output: Output) -> "openvino.Model":
    """For pictures of one size, without what only other outputs need, and with all computed that is constant.

    Raises RuntimeError for a graph that OpenVINO cannot read.
    """
    from service.models.engines.library import ov, passes

    whole = ov.Core().read_model(path)
    model = ov.Model([whole.output(output)], whole.get_parameters(), "graph")
    model.reshape([1, *shape])
    folding = passes.Manager()
    folding.register_pass(passes.ConstantFolding())
    folding.run_passes(model)
    return model


class OnnxRuntimeGraph:
    """On a GPU, or on a CPU that OpenVINO does not know; in float32."""

    def __init__(self, path: Path, output: Output, device: Device) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        provider = _provider(device)
        # What it does not have, or cannot start, it leaves out and goes on with the CPU.
        is_there = provider[0] in onnxruntime.get_available_providers()
        self._session = onnxruntime.InferenceSession(str(path), options, providers=[provider] if is_there else [])
        if self._session.get_providers()[0] != provider[0]:
            raise ConfigurationError(f"onnxruntime cannot use {device.torch_device}: install the extra `onnx-gpu`")
        (picture,) = self._session.get_inputs()
        self._input, self._dtype = picture.name, DTYPES[picture.type]
        self._output = self._session.get_outputs()[output].name if isinstance(output, int) else output

    def infer(self, image: Array) -> Array:
        (answer,) = self._session.run([self._output], {self._input: image[np.newaxis].astype(self._dtype)})
        return _alone(answer)


DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
"""onnxruntime's names of what a picture may be."""


def _provider(device: Device) -> tuple[str, dict[str, Any]]:
    if device.torch_device.type == "cpu":
        return "CPUExecutionProvider", {}
    return "CUDAExecutionProvider", {"device_id": device.torch_device.index or 0}


def _alone(answer: Array) -> Array:
    """Without the batch, which some maps of labels are answered without."""
    return np.asarray(answer[0] if answer.ndim > 2 else answer)
