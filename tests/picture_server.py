"""A server of pictures on loopback, with a certificate for any of its names, that answers whatever a test says."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import trustme

NAMES = ("pictures.example", "other.example", "localhost", "127.0.0.1")


@cache
def authority() -> trustme.CA:
    return trustme.CA()


def ok(body: bytes, *headers: str) -> bytes:
    lines = "".join(f"{header}\r\n" for header in (f"Content-Length: {len(body)}", *headers))
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + body


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@dataclass
class PictureServer:
    """`answers`: by path, the bytes of a response, after which the connection stays open until the client goes."""

    answers: Mapping[str, bytes]
    port: int = 0
    requests: list[str] = field(default_factory=list)
    """The heads that came."""
    came: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a request was read."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has closed its connection."""

    _open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            self.came.set()
            writer.write(self.answers[head.split()[1]].replace(b"PORT", str(self.port).encode()))
            await reader.read()
        self.left.set()
        writer.close()

    async def hang_up(self) -> None:
        """On whoever is still there."""
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open)


@contextlib.asynccontextmanager
async def serving(answers: Mapping[str, bytes], *, tls: bool = True) -> AsyncIterator[PictureServer]:
    """On 127.0.0.1, at a free port; `PORT` in its answers becomes that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*NAMES).configure_cert(context)
    server = PictureServer(answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context if tls else None)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.hang_up()
