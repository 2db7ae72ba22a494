"""The tensors of the Open Inference Protocol, version 2: out of a request, and into an answer. Knows no HTTP.

A body is JSON, or JSON and the raw bytes of its tensors behind it, in their order; then its length is told apart. In
raw bytes an element of BYTES is its length, 4 bytes little-endian, and itself. UINT8 is row by row.
"""

import base64
import binascii
import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import to_json

from service.errors import BadOption, MalformedJson, MissingImage
from service.errors.wording import wording_of

BINARY_SIZE, SHARED_MEMORY = "binary_data_size", "shared_memory_region"
LENGTH = struct.Struct("<I")

WANTED = "a picture as BYTES with one element, or its pixels as UINT8 of shape [height, width, 3]"

NUMBERS = np.frombuffer(b"".join(b"%3d," % number for number in range(256)), np.uint8).reshape(256, 4)
"""How each level is written in JSON; of one width, so that a picture is written in one go."""


class InputTensor(BaseModel):
    """One tensor of a request: its numbers in the JSON, or as bytes behind it."""

    name: str = ""
    datatype: str
    shape: list[int]
    parameters: dict[str, Any] = {}
    data: Any = None


class RequestedOutput(BaseModel):
    """A result that is wanted, and in which form."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(BaseModel):
    """The JSON of a request; what else is in it is of no use here."""

    id: str | None = None
    parameters: dict[str, Any] = {}
    inputs: list[InputTensor] = Field(min_length=1)
    outputs: list[RequestedOutput] | None = None

    def is_binary(self, output: str) -> bool:
        """Whether an output is wanted as raw bytes; its own parameter wins over that of the request."""
        asked = {each.name: each.parameters for each in self.outputs or ()}.get(output, {})
        return bool(asked.get("binary_data", self.parameters.get("binary_data_output", False)))


@dataclass(frozen=True)
class Asked:
    """A request, and the one picture in it."""

    request: InferRequest
    image: bytes
    has_batch: bool
    """Whether the picture came in a batch of one, as the answer then does."""


def read_request(body: bytes, json_bytes: int | None) -> Asked:
    """`json_bytes` of the body are JSON; None: all. Raises MalformedJson, MissingImage or BadOption."""
    if json_bytes is not None and json_bytes > len(body):
        raise MalformedJson(f"Inference-Header-Content-Length is {json_bytes}, and the body has {len(body)} bytes")
    head, rest = (body, b"") if json_bytes is None else (body[:json_bytes], body[json_bytes:])
    try:
        request = InferRequest.model_validate_json(head)
    except ValidationError as error:
        first = error.errors()[0]
        raise MalformedJson(f"{'.'.join(map(str, first['loc'])) or 'the body'}: {wording_of(first)}") from error
    if len(request.inputs) > 1:
        raise BadOption(f"one input, {WANTED}; there are {len(request.inputs)}")
    _check_forms(request.outputs or ())
    return _read_picture(request, rest)


def _check_forms(outputs: Sequence[RequestedOutput]) -> None:
    """Raises BadOption for an output that the client would look for where it is not, or take for another thing."""
    for output in outputs:
        if SHARED_MEMORY in output.parameters:
            raise BadOption(f"{output.name}: shared memory is not written; take the tensor itself")
        if output.parameters.get("classification"):
            raise BadOption(f"{output.name}: no classification, as it is a map of pixels; leave `class_count` out")


def _read_picture(request: InferRequest, rest: bytes) -> Asked:
    tensor = request.inputs[0]
    raw = _raw_bytes(tensor, rest)
    match tensor.datatype, tensor.shape:
        case "BYTES", shape if prod(shape) == 1:
            image = _element(raw) if raw is not None else _decoded(tensor.data)
            return Asked(request, image, has_batch=len(shape) > 1)
        case "UINT8", [height, width, 3] | [1, height, width, 3] if height > 0 and width > 0:
            return Asked(request, _as_file(_array(tensor, raw, height, width)), has_batch=len(tensor.shape) == 4)
        case ("BYTES", [count, *_]) | ("UINT8", [count, _, _, _]) if count > 1:
            raise BadOption(f"one picture a request: the input is a batch of {count}")
        case datatype, shape:
            raise BadOption(f"the input is {WANTED}, not {datatype} of shape {shape}")


def _raw_bytes(tensor: InputTensor, rest: bytes) -> bytes | None:
    """Of the tensor, behind the JSON; None where it is in the JSON."""
    size = tensor.parameters.get(BINARY_SIZE)
    if SHARED_MEMORY in tensor.parameters:
        raise BadOption("shared memory is not read; send the tensor itself")
    if size is None:
        return None
    if size != len(rest):
        raise BadOption(f"{BINARY_SIZE} is {size}, and {len(rest)} bytes follow the JSON")
    return rest


def _element(raw: bytes) -> bytes:
    """The one element of a BYTES tensor."""
    if len(raw) < LENGTH.size or LENGTH.unpack_from(raw)[0] != len(raw) - LENGTH.size:
        raise BadOption("an element of BYTES is its length, 4 bytes little-endian, and then itself; this is not")
    return _not_empty(raw[LENGTH.size :])


def _decoded(given: Any) -> bytes:
    """The one element of a BYTES tensor in JSON, where a picture has to be base64."""
    while isinstance(given, list) and len(given) == 1:
        given = given[0]
    if not isinstance(given, str):
        raise MissingImage("the input has no data: a picture in JSON is one string, as base64")
    try:
        return _not_empty(
            base64.b64decode(given.partition(",")[2] if given.startswith("data:") else given, validate=True)
        )
    except (binascii.Error, ValueError) as error:
        raise BadOption("a picture in JSON is base64, and this is not; send it as binary data") from error


def _not_empty(image: bytes) -> bytes:
    if not image:
        raise MissingImage("the input is empty")
    return image


def _array(tensor: InputTensor, raw: bytes | None, height: int, width: int) -> NDArray[np.uint8]:
    """(height, width, 3). Raises BadOption where there are more or fewer values, or others than 0 to 255."""
    try:
        values = np.asarray(tensor.data, np.uint8) if raw is None else np.frombuffer(raw, np.uint8)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadOption("the data of a UINT8 tensor are numbers from 0 to 255") from error
    if values.size != height * width * 3:
        raise BadOption(f"shape {tensor.shape} has {height * width * 3} values, and the data {values.size}")
    return values.reshape(height, width, 3)


def _as_file(pixels: NDArray[np.uint8]) -> bytes:
    """As every picture comes; a bitmap is written as fast as memory is."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "BMP")
    return out.getvalue()


def as_text(plane: NDArray[np.uint8]) -> bytes:
    """The values as JSON has them, row by row, with commas between: 12 megapixels take 60 ms."""
    return NUMBERS[plane.ravel()].tobytes()[:-1]


@dataclass(frozen=True)
class OutputTensor:
    """UINT8, written already: raw, or as JSON has it."""

    name: str
    shape: Sequence[int]
    written: bytes | memoryview
    is_binary: bool

    def described(self) -> bytes:
        facts: dict[str, Any] = {"name": self.name, "datatype": "UINT8", "shape": self.shape}
        if self.is_binary:
            return to_json({**facts, "parameters": {BINARY_SIZE: len(self.written)}})
        return b"".join((to_json(facts)[:-1], b',"data":[', self.written, b"]}"))


def write_answer(facts: Mapping[str, Any], outputs: Sequence[OutputTensor]) -> tuple[bytes, int | None]:
    """The body, and how much of it is JSON where there are raw bytes behind it."""
    head = b"".join((to_json(facts)[:-1], b',"outputs":[', b",".join(each.described() for each in outputs), b"]}"))
    raw = [each.written for each in outputs if each.is_binary]
    return b"".join((head, *raw)), len(head) if raw else None


def pack(size: tuple[int, int], planes: Sequence[bytes]) -> bytes:
    """(height, width) and planes of any length as one: what an operation hands back is bytes."""
    lengths = struct.pack(f"<II{len(planes)}Q", *size, *(len(plane) for plane in planes))
    return b"".join((lengths, *planes))


def unpack(packed: bytes, count: int) -> tuple[tuple[int, int], list[memoryview]]:
    """What `pack` made one of, without a copy."""
    layout = struct.Struct(f"<II{count}Q")
    height, width, *lengths = layout.unpack_from(packed)
    return (height, width), list(_cut(memoryview(packed)[layout.size :], lengths))


def _cut(rest: memoryview, lengths: Sequence[int]) -> Iterator[memoryview]:
    for length in lengths:
        yield rest[:length]
        rest = rest[length:]
