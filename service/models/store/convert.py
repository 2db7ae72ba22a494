"""Turns a published model file into the safetensors file that the segmenters load. Knows no torch.

The published graphs number their convolutions or name them by accident of an export, so weights are named by the order
in which they run. The lists below are that order, with the names of the modules in `segmenters/`.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from service.configuration_errors import BadCard, BadWeights
from service.models.store.card import ONNX
from service.models.store.onnx_weights import read_onnx
from service.models.store.tflite_weights import read_tflite
from service.models.store.weights import Array, Convolution

StateDict = dict[str, Array]


def convert(family: str, download: Path, target: Path) -> None:
    """Write `download` as safetensors, or an ONNX graph as it is: the same bytes every time, on every machine.

    Raises BadCard for an unknown family, and BadWeights where the file is not the graph that we know.
    """
    if family == ONNX:
        shutil.copyfile(download, target)
        return
    if family not in CONVERTERS:
        raise BadCard(f"no network family is called {family!r}; there are {', '.join([*CONVERTERS, ONNX])}")
    # `save_file` would make the file readable by its owner alone, and the service may run as somebody else.
    target.write_bytes(save(CONVERTERS[family].state_dict(download)))


@dataclass(frozen=True)
class Converter:
    """How the published file of a family is read, and what its convolutions are called, in the order they run."""

    read: Callable[[Path], list[Convolution]]
    layers: tuple[str, ...]

    def state_dict(self, download: Path) -> StateDict:
        """Each layer's `weight` and `bias`, under the names of the torch module."""
        convolutions = self.read(download)
        if len(convolutions) != len(self.layers):
            raise BadWeights(f"{download} has {len(convolutions)} convolutions; we know a graph of {len(self.layers)}")
        state: StateDict = {}
        for layer, convolution in zip(self.layers, convolutions, strict=True):
            # (out, height, width, in): the order that the kernels want, so that workers can map the file as it is.
            # safetensors 0.8 writes memory as it lies, hence a copy: findings/safetensors_numpy_writes_memory_order.sh.
            state[f"{layer}.weight"] = np.ascontiguousarray(convolution.weight.transpose(0, 2, 3, 1))
            state[f"{layer}.bias"] = np.ascontiguousarray(convolution.bias)
        return state


def _u2net_layers() -> tuple[str, ...]:
    heights = {"encoder": (7, 6, 5, 4, 4, 4), "decoder": (4, 4, 5, 6, 7)}  # layers from the top of each U to its bottom
    layers = []
    for path, stages in heights.items():
        for stage, height in enumerate(stages):
            down = [f"encoder.{level}" for level in range(height - 1)]
            up = [f"decoder.{level}" for level in range(height - 1)]
            layers += [f"{path}.{stage}.{layer}" for layer in ("project", *down, "bottom", *up)]
    return (*layers, *(f"sides.{side}" for side in range(6)), "fuse")


def _selfie_layers() -> tuple[str, ...]:
    gate = ("gate.squeeze", "gate.excite")
    gated = (True, False, False, True, True, True, True, True)
    layers = ["encoder.stem"]
    for block, has_gate in enumerate(gated):
        parts = ("expand", "depthwise", *(gate if has_gate else ()), "project")
        layers += [f"encoder.blocks.{block}.{part}" for part in parts]
    layers += ["aspp.project", "aspp.gate"]
    for stage in range(3):
        layers += [f"decoder.{stage}.{part}" for part in ("reduce", *gate, "mix", "depthwise")]
    return (*layers, "head")


def _deeplab_layers() -> tuple[str, ...]:
    # The first block of MobileNetV2 does not expand its channels.
    layers = ["encoder.stem", "encoder.blocks.0.depthwise", "encoder.blocks.0.project"]
    for block in range(1, 17):
        layers += [f"encoder.blocks.{block}.{part}" for part in ("expand", "depthwise", "project")]
    return (*layers, "aspp.local", "aspp.pooled", "aspp.project", "head")


CONVERTERS: dict[str, Converter] = {
    "u2net": Converter(read_onnx, _u2net_layers()),
    "u2netp": Converter(read_onnx, _u2net_layers()),
    "selfie": Converter(read_tflite, _selfie_layers()),
    "deeplab": Converter(read_tflite, _deeplab_layers()),
}
