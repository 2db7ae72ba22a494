"""Holds the live sessions. The protocol is in `docs/stream.md`; this is a client of its own."""

import contextlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from scripts.recorder.answers import Answer
from scripts.recorder.questions import Session
from scripts.recorder.server import Running

TIMEOUT_S = 60.0
"""For one message; what does not come within it is a silence, which is an answer as well."""

LENGTH = struct.Struct("<I")

UNTOLD_FIELDS = ("session", "request_id")
"""New in each session."""

CLOSED_BY_US, CUT_OFF = 1000, 1006
"""1006 is what RFC 6455 has for a connection that ended without a close."""


def talk(running: Running, question: Session, pictures: Path) -> Answer:
    """Every message of the session and its close code. Frames go one by one, so that none is ever dropped."""
    parts: dict[str, bytes] = {}
    with _connected(running, question) as socket:
        try:
            for number, step in enumerate(question.steps):
                _send(socket, step, number, pictures)
                parts |= _told(socket.recv(TIMEOUT_S), f"{number:02d}")
        except TimeoutError:
            return Answer(CLOSED_BY_US, {}, {**parts, f"{number:02d}-silence": b""})
        except ConnectionClosed as closed:
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (CUT_OFF, "")
            return Answer(code, {"reason": reason}, parts)
    return Answer(CLOSED_BY_US, {}, parts)


def held_session(running: Running) -> contextlib.AbstractContextManager[ClientConnection]:
    """A camera that has its place once its hello is answered, and keeps it."""
    socket = _connected(running, Session("held", ()))
    socket.send(json.dumps({"type": "hello", "width": 320, "height": 240}))
    socket.recv(TIMEOUT_S)
    return socket


def _connected(running: Running, question: Session) -> ClientConnection:
    url = f"ws://127.0.0.1:{running.port}/stream"
    headers = dict(question.headers)
    return connect(url, additional_headers=headers, max_size=None, compression=None, ping_interval=None)


def _send(socket: ClientConnection, step: Mapping[str, Any], number: int, pictures: Path) -> None:
    if not step:
        return
    if "raw" in step:
        socket.send(step["raw"])
    elif "picture" in step:
        header = {name: value for name, value in step.items() if name != "picture"}
        if step["type"] == "frame":
            header |= {"seq": number, "timestamp_ms": 40 * number}
        encoded = json.dumps(header).encode()
        socket.send(LENGTH.pack(len(encoded)) + encoded + (pictures / step["picture"]).read_bytes())
    else:
        socket.send(json.dumps(step))


def _told(message: str | bytes, number: str) -> dict[str, bytes]:
    """The parts of one message: its header, and each picture."""
    if isinstance(message, str):
        fields = json.loads(message)
        return {f"{number}-{fields['type']}.json": _steady(fields)}
    (length,) = LENGTH.unpack_from(message)
    end = LENGTH.size + length
    header = json.loads(message[LENGTH.size : end])
    parts = {f"{number}-result.json": _steady(header)}
    for part in header["parts"]:
        parts[f"{number}-{part['kind']}.{part['format']}"] = message[end : end + part["bytes"]]
        end += part["bytes"]
    return parts


def _steady(fields: Mapping[str, Any]) -> bytes:
    """Of the milliseconds only what was measured."""
    told = {name: "..." if name in UNTOLD_FIELDS else value for name, value in fields.items()}
    if "ms" in told:
        told["ms"] = list(told["ms"])
    return json.dumps(told).encode()
