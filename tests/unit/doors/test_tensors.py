"""The tensors of the Open Inference Protocol, taken apart and put together."""

import base64
import json
import struct
from typing import Any

import numpy as np
import pytest

from service.doors.inference.tensors import Asked, OutputTensor, as_text, pack, read_request, unpack, write_answer
from service.errors import Failure
from tests.pictures import encoded, painted, pixels

PHOTO = encoded(painted())


def asked(tensor: dict[str, Any], raw: bytes = b"", **more: Any) -> Asked:
    head = json.dumps({"inputs": [{"name": "image", **tensor}], **more}).encode()
    return read_request(head + raw, len(head) if raw else None)


def test_a_picture_comes_as_one_element_of_raw_bytes() -> None:
    raw = struct.pack("<I", len(PHOTO)) + PHOTO
    tensor = {"datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(raw)}}
    assert asked(tensor, raw).image == PHOTO
    assert not asked(tensor, raw).has_batch
    assert asked({**tensor, "shape": [1, 1]}, raw).has_batch


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_picture_in_json_is_base64(prefix: str, nested: bool) -> None:
    text = prefix + base64.b64encode(PHOTO).decode()
    tensor = {"datatype": "BYTES", "shape": [1, 1] if nested else [1], "data": [[text]] if nested else [text]}
    assert asked(tensor).image == PHOTO


@pytest.mark.parametrize("shape", [[120, 200, 3], [1, 120, 200, 3]])
@pytest.mark.parametrize("way", ["raw", "flat", "nested"])
def test_pixels_come_as_they_are(shape: list[int], way: str) -> None:
    levels = pixels(PHOTO)
    tensor: dict[str, Any] = {"datatype": "UINT8", "shape": shape}
    if way == "raw":
        found = asked({**tensor, "parameters": {"binary_data_size": levels.nbytes}}, levels.tobytes())
    else:
        found = asked({**tensor, "data": levels.reshape(shape if way == "nested" else -1).tolist()})
    assert np.array_equal(pixels(found.image), levels)
    assert found.has_batch == (len(shape) == 4)


WRONG: dict[str, tuple[dict[str, Any], bytes]] = {
    "a batch of 2": ({"datatype": "BYTES", "shape": [2], "data": ["aaaa", "aaaa"]}, b""),
    "not FP32": ({"datatype": "FP32", "shape": [2, 2, 3], "data": [0.5] * 12}, b""),
    "shape .* has 12 values, and the data 11": ({"datatype": "UINT8", "shape": [2, 2, 3], "data": [0] * 11}, b""),
    "numbers from 0 to 255": ({"datatype": "UINT8", "shape": [2, 2, 3], "data": [256] * 12}, b""),
    "of shape \\[2, 2, 4\\]": ({"datatype": "UINT8", "shape": [2, 2, 4], "data": [0] * 16}, b""),
    "not UINT8 of shape \\[2, 2\\]": ({"datatype": "UINT8", "shape": [2, 2], "data": [0] * 4}, b""),
    "of shape \\[0, 2, 3\\]": ({"datatype": "UINT8", "shape": [0, 2, 3], "data": []}, b""),
    "has no data": ({"datatype": "BYTES", "shape": [1]}, b""),
    "is empty": ({"datatype": "BYTES", "shape": [1], "data": [""]}, b""),
    "is base64": ({"datatype": "BYTES", "shape": [1], "data": ["not base64"]}, b""),
    "4 bytes little-endian": (
        {"datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 3}},
        b"abc",
    ),
    "and 3 bytes follow": ({"datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 4}}, b"abc"),
    "shared memory": ({"datatype": "BYTES", "shape": [1], "parameters": {"shared_memory_region": "a"}}, b""),
    "inputs.0.shape: it is missing": ({"datatype": "BYTES"}, b""),
}


@pytest.mark.parametrize(("said", "tensor", "raw"), [(said, *sent) for said, sent in WRONG.items()])
def test_what_is_no_picture_is_refused_with_the_reason(said: str, tensor: dict[str, Any], raw: bytes) -> None:
    with pytest.raises(Failure, match=said):
        asked(tensor, raw)


def test_two_inputs_are_refused() -> None:
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": ["aaaa"]}
    with pytest.raises(Failure, match="one input"):
        read_request(json.dumps({"inputs": [tensor, tensor]}).encode(), None)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"inputs": []}', b"\xff"])
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Failure):
        read_request(body, None)
    with pytest.raises(Failure):
        read_request(body, 1000)


def test_an_output_says_itself_whether_it_is_wanted_raw() -> None:
    tensor = {"datatype": "BYTES", "shape": [1], "data": ["aaaa"]}
    outputs = [{"name": "labels", "parameters": {"binary_data": False}}, {"name": "matte"}]
    request = asked(tensor, parameters={"binary_data_output": True}, outputs=outputs).request
    assert not request.is_binary("labels")
    assert request.is_binary("matte")
    assert not asked(tensor).request.is_binary("matte")


def test_every_level_is_written_as_a_number() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert json.loads(b"[" + as_text(levels) + b"]") == list(range(256))


def test_an_answer_has_its_raw_tensors_behind_its_json() -> None:
    packed = pack((2, 3), [bytes(6), b"1,2,3,4,5,6", bytes(range(24))])
    size, (first, second, third) = unpack(packed, 3)
    outputs = [
        OutputTensor("labels", size, first, is_binary=True),
        OutputTensor("matte", size, second, is_binary=False),
        OutputTensor("cutout", [*size, 4], third, is_binary=True),
    ]
    body, json_bytes = write_answer({"id": "7"}, outputs)
    assert body[json_bytes:] == bytes(6) + bytes(range(24))
    assert json.loads(body[:json_bytes]) == {
        "id": "7",
        "outputs": [
            {"name": "labels", "datatype": "UINT8", "shape": [2, 3], "parameters": {"binary_data_size": 6}},
            {"name": "matte", "datatype": "UINT8", "shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]},
            {"name": "cutout", "datatype": "UINT8", "shape": [2, 3, 4], "parameters": {"binary_data_size": 24}},
        ],
    }


def test_an_answer_without_raw_tensors_is_json_alone() -> None:
    body, json_bytes = write_answer({"model_name": "m"}, [OutputTensor("matte", [1, 1], b"9", is_binary=False)])
    assert json_bytes is None
    assert json.loads(body)["outputs"][0]["data"] == [9]
