"""What an ONNX file says of itself, and the one file that the store keeps of it. Runs nothing, and knows no torch.

What is taken: one input that is a picture, the operators of the ONNX standard, and weights in the file or in files
beside it, which are moved into it. Everything else is refused with the reason.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import onnx
from google.protobuf.message import DecodeError  # onnx brings protobuf, not its stubs
from onnx import external_data_helper, helper

from service.configuration_errors import BadGraph
from service.models.store.card import Layout

STANDARD_DOMAINS = frozenset({"", "ai.onnx"})

PICTURE_TYPES = frozenset({"float32", "float16", "uint8"})

CHANNELS = 3

MAX_PROTOBUF_BYTES = (1 << 31) - 1
"""More than this, one file cannot hold."""

PASSING_ON = frozenset({"Cast", "Identity", "Squeeze", "Unsqueeze", "Transpose", "Reshape", "Resize", "Slice"})
"""Operators that leave a value in the range that it was in."""


@dataclass(frozen=True)
class Tensor:
    """An input or an output; None in `shape` is a size that the graph leaves open."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sizes = "x".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.name} ({sizes} {self.dtype})"


@dataclass(frozen=True)
class Graph:
    """The interface of an ONNX file that is taken."""

    picture: Tensor
    layout: Layout
    outputs: tuple[Tensor, ...]
    ends_in: dict[str, str]
    """The operator that decides the range of each output's values, by the output's name."""

    @property
    def size(self) -> tuple[int | None, int | None]:
        """(width, height) of the picture."""
        rows = self.picture.shape[2:] if self.layout == "nchw" else self.picture.shape[1:3]
        return rows[1], rows[0]


def pack(source: Path, target: Path, max_bytes: int) -> Graph:
    """Write the file as one, `target`, and say what it is. Raises BadGraph with what is wrong with it."""
    model = _load(source, max_bytes)
    graph = _describe(model, source)
    beside = _files_beside(model, source)
    size_bytes = source.stat().st_size + sum(path.stat().st_size for path in beside)
    if size_bytes > min(max_bytes, MAX_PROTOBUF_BYTES):
        raise BadGraph(f"{source}: {size_bytes} bytes with its weights, more than SILHOUETTE_MAX_MODEL_BYTES allows")
    if not beside:
        shutil.copyfile(source, target)
        return graph
    try:
        external_data_helper.load_external_data_for_model(model, str(source.parent))
    except (ValueError, OSError, onnx.checker.ValidationError) as error:
        raise BadGraph(f"{source}: the weights beside it cannot be read: {' '.join(str(error).split())}") from error
    target.write_bytes(model.SerializeToString(deterministic=True))
    return graph


def _load(source: Path, max_bytes: int) -> Any:
    """Without the weights that are in other files."""
    if source.stat().st_size > max_bytes:
        raise BadGraph(f"{source}: {source.stat().st_size} bytes, more than SILHOUETTE_MAX_MODEL_BYTES allows")
    try:
        return onnx.load(source, load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise BadGraph(f"{source} is not an ONNX file: {' '.join(str(error).split())}") from error


def _files_beside(model: Any, source: Path) -> list[Path]:
    """The files that hold its weights. Raises BadGraph for one that is not in the folder of `source`."""
    names = {
        entry.value
        for tensor in external_data_helper._get_all_tensors(model)
        if external_data_helper.uses_external_data(tensor)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return [_beside(source, name) for name in sorted(names)]


def _beside(source: Path, name: str) -> Path:
    folder, path = source.resolve().parent, source.parent / name
    is_plain = not PurePosixPath(name).is_absolute() and "\\" not in name
    if not is_plain or path.is_symlink() or not path.resolve().is_relative_to(folder):
        raise BadGraph(f"{source}: keeps weights in {name!r}, which is not in its own folder")
    if not path.is_file():
        raise BadGraph(f"{source}: its weights are in {name!r}, which is missing beside it")
    return path


def _describe(model: Any, source: Path) -> Graph:
    graph = model.graph
    _refuse_custom_operators(model, source)
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [_tensor(entry) for entry in graph.input if entry.name not in constants]
    picture = _picture(inputs, source)
    outputs = tuple(_tensor(entry) for entry in graph.output)
    makers = {name: node for node in graph.node for name in node.output}
    ends_in = {output.name: _decider(output.name, makers) for output in outputs}
    return Graph(picture, _layout(picture), outputs, ends_in)


def _refuse_custom_operators(model: Any, source: Path) -> None:
    own = {(function.domain, function.name) for function in model.functions}
    bodies = [model.graph.node, *(function.node for function in model.functions)]
    used = {(node.domain, node.op_type) for body in bodies for node in _all_nodes(body)}
    custom = sorted(f"{domain}.{name}" for domain, name in used - own if domain not in STANDARD_DOMAINS)
    if custom:
        raise BadGraph(f"{source}: has operators that are not of the ONNX standard: {', '.join(custom)}")


def _all_nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    """With those of the bodies of loops and branches."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in [attribute.g, *attribute.graphs]:
                yield from _all_nodes(graph.node)


def _tensor(entry: Any) -> Tensor:
    kind = entry.type.tensor_type
    dtype = "nothing" if not kind.elem_type else str(helper.tensor_dtype_to_np_dtype(kind.elem_type))
    return Tensor(entry.name, dtype, tuple(size.dim_value or None for size in kind.shape.dim))


def _picture(inputs: Sequence[Tensor], source: Path) -> Tensor:
    if len(inputs) != 1:
        raise BadGraph(f"{source}: one input is wanted, a picture; it has {', '.join(map(str, inputs)) or 'none'}")
    picture = inputs[0]
    is_batch = len(picture.shape) == 4 and picture.dtype in PICTURE_TYPES
    if not is_batch or not {CHANNELS, None} & set(picture.shape[1::2]):  # the second and the fourth may be the colours
        raise BadGraph(f"{source}: its input {picture} is no batch of RGB pictures")
    if picture.shape[0] not in (None, 1):
        raise BadGraph(f"{source}: takes {picture.shape[0]} pictures at once: export it for one, or for any number")
    return picture


def _layout(picture: Tensor) -> Layout:
    return "nhwc" if picture.shape[3] == CHANNELS and picture.shape[1] != CHANNELS else "nchw"


def _decider(name: str, makers: dict[str, Any]) -> str:
    """The operator from which the values of a tensor come; empty where the graph does not say."""
    while (node := makers.get(name)) is not None and node.op_type in PASSING_ON and node.input:
        name = node.input[0]
    return str(node.op_type) if node is not None else ""
