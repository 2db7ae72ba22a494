"""What crosses the socket: packed as it is read, and everything else refused with a reason."""

import contextlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadOption, MalformedMessage
from service.models.labels import Size
from service.stream.protocol import (
    MAX_HEADER_BYTES,
    Background,
    Frame,
    FrameHeader,
    Result,
    ResultPart,
    Update,
    pack,
    read_hello,
    read_message,
    unpack,
)

HELLO = {"type": "hello", "width": 640, "height": 480}
FRAME = {"seq": 7, "timestamp_ms": 12.5, "format": "jpeg"}


def told(**changes: Any) -> str:
    return json.dumps({name: value for name, value in (HELLO | changes).items() if value is not ...})


@given(st.dictionaries(st.text(max_size=20), st.integers() | st.text(max_size=20), max_size=5), st.binary(max_size=99))
def test_what_is_packed_is_unpacked(header: dict[str, Any], payload: bytes) -> None:
    found, rest = unpack(pack(header, payload))
    assert (found, bytes(rest)) == (header, payload)


@given(st.binary(max_size=64))
def test_no_bytes_raise_anything_but_malformed_message(message: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        assert isinstance(read_message(message, 0.0), Frame | Background)


def test_a_hello_has_the_defaults_of_the_protocol() -> None:
    hello = read_hello(told())
    assert hello.size == Size(640, 480)
    assert (hello.model, hello.effect, hello.output, hello.smoothing) == (None, "remove-background", "matte", 0.9)


@pytest.mark.parametrize(
    "changes",
    [
        {"width": ...},
        {"width": 0},
        {"width": 20_000},
        {"width": "wide"},
        {"output": "film"},
        {"effect": "sparkle"},
        {"smoothing": 1.5},
        {"smoothing": -0.1},
        {"max_fps": 0},
        {"max_fps": float("inf")},
        {"colour": "red"},
    ],
)
def test_a_hello_with_a_wrong_field_names_it(changes: dict[str, Any]) -> None:
    with pytest.raises(BadOption, match=next(iter(changes))):
        read_hello(told(**changes))


@pytest.mark.parametrize("message", ["", "{", "[]", "7", '"hello"', b"{}", told(type="update"), "[" * 100_000])
def test_what_is_no_hello_is_malformed(message: str | bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_hello(message)


def test_a_frame_keeps_its_number_its_time_and_its_bytes() -> None:
    frame = read_message(pack(FRAME, b"picture"), 3.0)
    assert isinstance(frame, Frame)
    assert (frame.header.seq, frame.header.timestamp_ms, frame.header.format) == (7, 12.5, "jpeg")
    assert (bytes(frame.payload), frame.arrived_at) == (b"picture", 3.0)


def test_a_background_is_told_from_a_frame() -> None:
    found = read_message(pack({"type": "background", "format": "png"}, b"picture"), 0.0)
    assert isinstance(found, Background)
    assert (found.header.format, bytes(found.payload)) == ("png", b"picture")


@pytest.mark.parametrize(
    "header",
    [
        FRAME | {"seq": -1},
        FRAME | {"seq": "one"},
        FRAME | {"format": "gif"},
        FRAME | {"more": 1},
        {"seq": 1},
        {"type": "background", "format": "rgb"},
        {"type": "film"},
        FRAME | {"timestamp_ms": float("nan")},
    ],
)
def test_a_wrong_header_is_malformed(header: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        read_message(pack(header, b"picture"), 0.0)


def test_a_header_that_is_longer_than_it_may_be_or_than_the_message_is_malformed() -> None:
    for message in (pack({"a": "x" * MAX_HEADER_BYTES}, b""), struct.pack("<I", 9) + b"{}", b"\1\0"):
        with pytest.raises(MalformedMessage):
            unpack(message)


def test_an_update_names_only_what_changes() -> None:
    update = read_message('{"type": "update", "output": "both"}', 0.0)
    assert isinstance(update, Update)
    assert (update.output, update.effect, update.options, update.smoothing) == ("both", None, None, None)
    with pytest.raises(MalformedMessage, match="update"):
        read_message(told(), 0.0)


def test_the_parts_of_a_result_lie_one_after_the_other_as_its_header_says() -> None:
    parts = [
        ResultPart("matte", "gray8", Size(2, 3), b"matte!"),
        ResultPart("composite", "jpeg", Size(64, 48), b"picture"),
    ]
    header = FrameHeader(seq=7, timestamp_ms=1.5, format="jpeg")
    found, payload = unpack(Result(header, parts, True, 4, {"infer": 1.2345}).packed())
    assert (found["seq"], found["timestamp_ms"], found["dropped"], found["scene_cut"]) == (7, 1.5, 4, True)
    assert found["ms"] == {"infer": 1.23}
    assert found["parts"] == [
        {"kind": "matte", "format": "gray8", "width": 2, "height": 3, "bytes": 6},
        {"kind": "composite", "format": "jpeg", "width": 64, "height": 48, "bytes": 7},
    ]
    assert bytes(payload) == b"matte!picture"
