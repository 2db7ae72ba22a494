"""A camera as a client would write one: a real WebSocket to a real server."""

import contextlib
import json
import socket as sockets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from service.stream.protocol import pack, unpack
from tests.pictures import encoded, opened
from tests.system.serving import Server

PATIENCE_S = 180.0


@dataclass(frozen=True)
class Result:
    header: dict[str, Any]
    payload: bytes

    @property
    def seq(self) -> int:
        return int(self.header["seq"])

    def _content(self, kind: str) -> tuple[dict[str, Any], bytes]:
        offset = 0
        for part in self.header["parts"]:
            if part["kind"] == kind:
                return part, self.payload[offset : offset + part["bytes"]]
            offset += part["bytes"]
        raise AssertionError(f"no {kind} in {self.header}")

    @property
    def matte(self) -> NDArray[np.uint8]:
        part, content = self._content("matte")
        return np.frombuffer(content, np.uint8).reshape(part["height"], part["width"])

    @property
    def composite(self) -> Image.Image:
        return opened(self._content("composite")[1])


class Camera:
    """One session. Frames are JPEGs of one size."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def say(self, message: str | bytes) -> None:
        self._socket.send(message)

    def tell(self, **fields: Any) -> None:
        self.say(json.dumps(fields))

    def film(self, seq: int, picture: Image.Image | bytes, format_: str = "jpeg") -> None:
        content = picture if isinstance(picture, bytes) else encoded(picture, "JPEG", quality=90)
        self.say(pack({"seq": seq, "timestamp_ms": seq * 10, "format": format_}, content))

    def hear(self) -> dict[str, Any]:
        """The next text."""
        message = self._socket.recv(PATIENCE_S)
        assert isinstance(message, str), unpack(message)[0]
        told: dict[str, Any] = json.loads(message)
        return told

    def see(self) -> Result:
        """The next result."""
        message = self._socket.recv(PATIENCE_S)
        assert isinstance(message, bytes), message
        header, payload = unpack(message)
        return Result(header, bytes(payload))

    def end(self) -> tuple[int, str]:
        """The close code and its reason, once nothing else comes."""
        with pytest.raises(ConnectionClosed) as closed:
            self._socket.recv(PATIENCE_S)
        assert closed.value.rcvd is not None, closed.value
        return closed.value.rcvd.code, closed.value.rcvd.reason

    def refused(self) -> tuple[int, str]:
        """The close code and the reason, after a problem document that says the same."""
        problem = self.hear()
        assert problem["type"] == "problem"
        assert {"code", "title", "detail", "status", "problem_type", "request_id"} <= set(problem)
        code, reason = self.end()
        assert reason == problem["code"]
        return code, reason


def differs(picture: Image.Image, place: tuple[int, int], color: object) -> int:
    """The largest difference of a channel at this place."""
    return int(np.abs(np.asarray(picture).astype(int)[place[1], place[0]] - np.asarray(color)).max())


def hello(size: tuple[int, int], **fields: Any) -> dict[str, Any]:
    return {"type": "hello", "width": size[0], "height": size[1], **fields}


@contextlib.contextmanager
def connected(server: Server, receive_buffer_bytes: int | None = None, **options: Any) -> Iterator[Camera]:
    """Before its hello. With a small buffer, what is not read stays with the server."""
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    line = sockets.socket()
    if receive_buffer_bytes is not None:
        line.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receive_buffer_bytes)
        options["max_queue"] = 1
    line.connect((host, int(port)))
    url = f"ws://{host}:{port}/stream"
    with connect(url, sock=line, max_size=None, compression=None, ping_interval=None, **options) as socket:
        yield Camera(socket)


@contextlib.contextmanager
def session(server: Server, size: tuple[int, int], **fields: Any) -> Iterator[tuple[Camera, dict[str, Any]]]:
    """One that is ready, and what it was told."""
    with connected(server) as camera:
        camera.tell(**hello(size, **fields))
        ready = camera.hear()
        assert ready["type"] == "ready", ready
        yield camera, ready
