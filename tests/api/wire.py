"""One request as the server hands it to the service (ASGI), whose body comes when the test says so."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.datastructures import Headers
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

from tests.pictures import encoded, painted

Result = TypeVar("Result")

PICTURE = encoded(painted())

PATIENCE_S = 120.0
"""A story that takes longer hangs."""


class Wire:
    """Open it, give it parts of the body, and read what has come back. Lives on the service's event loop."""

    def __init__(self, app: ASGIApp, path: str, method: str = "POST", **headers: str) -> None:
        self._app = app
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in names.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
        }
        self._parts: asyncio.Queue[Message] = asyncio.Queue()
        self._answer: list[Message] = []
        self._task: asyncio.Task[None] | None = None
        self._callers_turn = asyncio.Event()
        self._begun = asyncio.Event()
        self.taken = 0
        """Parts of the body that the service has taken."""
        self.taken_before_answer = 0

    def open(self) -> "Wire":
        async def exchange() -> None:
            await self._app(self._scope, self._receive, self._send)

        self._task = asyncio.create_task(exchange())
        return self

    def give(self, body: bytes, more: bool = True) -> None:
        self._callers_turn.clear()
        self._parts.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def leave(self) -> None:
        self._parts.put_nowait({"type": "http.disconnect"})

    async def turn(self) -> None:
        """Until the service wants more of the body than there is, or has begun its answer."""
        await self._callers_turn.wait()

    async def answer_begun(self) -> None:
        await self._begun.wait()

    async def done(self) -> "Wire":
        """Raises what the service raised at the server, which would log it as a bug."""
        assert self._task is not None
        await asyncio.wait({self._task})
        assert not self._task.cancelled(), "the service raised CancelledError at the server"
        self._task.result()
        return self

    @property
    def is_answered(self) -> bool:
        return bool(self._answer)

    @property
    def status(self) -> int:
        return int(self._answer[0]["status"])

    @property
    def headers(self) -> Headers:
        return Headers(raw=self._answer[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self._answer[1:])

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["code"])

    async def _receive(self) -> Message:
        if self._parts.empty():
            self._callers_turn.set()
        part = await self._parts.get()
        self.taken += part["type"] == "http.request"
        return part

    async def _send(self, message: Message) -> None:
        if not self._answer:
            self.taken_before_answer = self.taken
        self._answer.append(message)
        self._callers_turn.set()
        self._begun.set()


async def asked(app: ASGIApp, path: str, method: str = "POST") -> Wire:
    """A whole request and its answer; every POST has a picture."""
    wire = Wire(app, path, method, content_type="image/png")
    wire.give(PICTURE if method == "POST" else b"", more=False)
    return await wire.open().done()


def on_loop(client: TestClient, story: Callable[[ASGIApp], Awaitable[Result]]) -> Result:
    """Run a story on the event loop of the running service; a hanging one fails instead."""

    async def bounded() -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return await story(client.app)

    assert client.portal is not None
    result: Result = client.portal.call(bounded)
    return result
