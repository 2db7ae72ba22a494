"""Runs an ONNX graph as it was published: OpenVINO on a CPU, onnxruntime's CUDA provider on a GPU.

OpenVINO reads ONNX itself. Where it has no wheel (Intel Macs, musl), onnxruntime takes its place if it is installed.
Both are imported when a graph is opened: a service without such models has no use for them.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from service.errors import ConfigurationError, MissingExtra
from service.models.segmenters.devices import Device

Array = NDArray[Any]

Answers = Mapping[str, Array]
"""By the name of the output, of one picture, without the batch."""


class RunningGraph(Protocol):
    """A graph on a device, for pictures of one size."""

    def infer(self, image: Array) -> Answers:
        """Of one picture as the graph takes it, without the batch."""


Output = str | int
"""Its name, or its place among the graph's."""


def open_graph(path: Path, shape: Sequence[int], output: Output | None, device: Device) -> RunningGraph:
    """For pictures of `shape`, without the batch; `output` is the only one that is computed, or all where it is None.

    Raises MissingExtra where no runtime is installed for the device, and ConfigurationError for a graph that it cannot
    run.
    """
    on_cpu = device.torch_device.type == "cpu"
    if on_cpu and importlib.util.find_spec("openvino"):
        return OpenVinoGraph(path, shape, output)
    if importlib.util.find_spec("onnxruntime"):
        return OnnxRuntimeGraph(path, output, device)
    raise MissingExtra(
        "ONNX models need OpenVINO on a CPU and onnxruntime on a GPU, and neither is installed: "
        f"run `python -m pip install '.[{'onnx' if on_cpu else 'onnx-gpu'}]'` in Silhouette's folder"
    )


class OpenVinoGraph:
    """On a CPU, in float32."""

    def __init__(self, path: Path, shape: Sequence[int], output: Output | None) -> None:
        import openvino

        core = openvino.Core()
        model = core.read_model(path)
        chosen = model.outputs if output is None else [model.output(output)]
        kept = openvino.Model(chosen, model.get_parameters(), "graph")
        kept.reshape([1, *shape])
        self._dtype = kept.input().get_element_type().to_dtype()
        self._names = [port.get_any_name() for port in chosen]
        self._request = core.compile_model(kept, "CPU", _settings(torch.get_num_threads())).create_infer_request()

    def infer(self, image: Array) -> Answers:
        answered = self._request.infer([image[np.newaxis].astype(self._dtype)])
        return {name: _alone(answered[index]) for index, name in enumerate(self._names)}


def _settings(threads: int) -> dict[str, Any]:
    """float32, whatever the processor would rather take: answers are not to differ by machine."""
    return {
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,
    }


class OnnxRuntimeGraph:
    """On a GPU, or on a CPU that OpenVINO does not know; in float32."""

    def __init__(self, path: Path, output: Output | None, device: Device) -> None:
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
        known = [entry.name for entry in self._session.get_outputs()]
        self._names = known if output is None else [known[output] if isinstance(output, int) else output]

    def infer(self, image: Array) -> Answers:
        answered = self._session.run(self._names, {self._input: image[np.newaxis].astype(self._dtype)})
        return {name: _alone(answer) for name, answer in zip(self._names, answered, strict=True)}


DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
"""onnxruntime's names of what a picture may be."""


def _provider(device: Device) -> tuple[str, dict[str, Any]]:
    if device.torch_device.type == "cpu":
        return "CPUExecutionProvider", {}
    return "CUDAExecutionProvider", {"device_id": device.torch_device.index or 0}


def _alone(answer: Array) -> Array:
    """(1, ...) -> (...), a copy: the runtime writes the next answer into the same memory."""
    return np.array(answer[0] if answer.ndim > 2 else answer)
