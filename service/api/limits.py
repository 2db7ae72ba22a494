"""ASGI middleware around every request: its id, its permit, its upload limits and its log line.

Middleware, because FastAPI reads the whole form before it runs a dependency: here a request that cannot be served is
refused before its body is read.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.failures import internal_error, problem
from service.errors import Failure, QueueFull, SlowUpload, TooManyBytes
from service.settings import Settings
from service.telemetry import FIELDS

logger = logging.getLogger(__name__)

SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/=+-]{1,128}")

LINGER_S = 2.0
"""How long the rest of a refused upload is thrown away, so that the answer reaches a client that is still sending."""


class Permits:
    """The right to be in flight. As many as `queue_capacity`, so the queue itself cannot overflow."""

    def __init__(self, capacity: int) -> None:
        self._free = capacity
        self._capacity = capacity

    def take(self) -> None:
        """Raises QueueFull where none is free."""
        if not self._free:
            raise QueueFull(f"{self._capacity} requests are in flight, which is the most this service takes")
        self._free -= 1

    def give_back(self) -> None:
        self._free += 1


class Gate:
    """Every request comes in and goes out here."""

    def __init__(self, app: ASGIApp, settings: Settings, check_ready: Callable[[], None]) -> None:
        self._app = app
        self._settings = settings
        self._check_ready = check_ready
        self._permits = Permits(settings.queue_capacity)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self._settings)
        try:
            if scope["method"] == "POST":
                await self._admit(exchange)
            else:
                await self._answer(exchange)
        finally:
            exchange.log()

    async def _admit(self, exchange: "Exchange") -> None:
        """Only work needs a permit: probes and pages are never refused."""
        try:
            self._check_ready()
            exchange.check_length()
            self._permits.take()
        except Failure as failure:
            await exchange.refuse(failure)
            return
        try:
            await self._answer(exchange)
        finally:
            self._permits.give_back()

    async def _answer(self, exchange: "Exchange") -> None:
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except Exception as error:
            await exchange.confess(error)


class Exchange:
    """One request and its response, as they pass by."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: Settings) -> None:
        self._headers = Headers(scope=scope)
        self._receive = receive
        self._send = send
        self._max_bytes = settings.max_upload_bytes
        self._upload_timeout_s = settings.upload_timeout_s
        self._upload_deadline = asyncio.get_running_loop().time() + settings.upload_timeout_s
        self._started = time.perf_counter()
        self._received_bytes = 0
        self._complete = False
        self._refused = False
        self._status: int | None = None
        self.request_id = self._choose_request_id()
        self._state: dict[str, Any] = {**scope.get("state", {}), "request_id": self.request_id, "facts": {}}
        self.scope = {**scope, "state": self._state}

    def _choose_request_id(self) -> str:
        """The caller's own, where it cannot break a log line or a header."""
        given = self._headers.get("x-request-id", "")
        return given if SAFE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

    def check_length(self) -> None:
        """Raises TooManyBytes where the request announces a body above the limit."""
        announced = self._headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._max_bytes:
            self._refused = True
            raise self._too_many_bytes()

    async def refuse(self, failure: Failure) -> None:
        """Answer without the application, and without reading the body."""
        self._state["outcome"] = failure.code
        await problem(failure, self.request_id)(self.scope, self.receive, self.send)

    async def confess(self, error: Exception) -> None:
        """Answer for a bug of ours, unless the answer has begun already."""
        logger.error("request failed", exc_info=error, extra={FIELDS: {"request_id": self.request_id}})
        self._state["outcome"] = "internal_error"
        if self._status is None:
            await internal_error(self.request_id)(self.scope, self.receive, self.send)

    async def receive(self) -> Message:
        """The next part of the body. Raises TooManyBytes or SlowUpload, which stop the reading."""
        message = await self._next_part()
        if message["type"] == "http.request":
            self._received_bytes += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._received_bytes > self._max_bytes:
                self._refused = True
                raise self._too_many_bytes()
        return message

    async def _next_part(self) -> Message:
        if self._complete:  # what comes now is the client leaving: that has no deadline
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._upload_deadline):
                return await self._receive()
        except TimeoutError as error:
            self._refused = True
            raise SlowUpload(f"the body was not here within {self._upload_timeout_s:g} seconds") from error

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            MutableHeaders(scope=message)["X-Request-Id"] = self.request_id
        if message["type"] == "http.response.body" and self._refused and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _linger(self) -> None:
        """A connection closed on unread bytes is reset, and the reset overtakes the answer: read on for a moment."""
        try:
            async with asyncio.timeout(LINGER_S):
                while (message := await self._receive()).get("more_body", False):
                    del message
        except TimeoutError:
            return

    def _too_many_bytes(self) -> TooManyBytes:
        return TooManyBytes(f"the body has more than {self._max_bytes} bytes")

    def log(self) -> None:
        """One line: who asked for what, what came of it, and where the time went. Never what is in the picture."""
        facts = {
            "request_id": self.request_id,
            "method": self.scope["method"],
            "path": self.scope["path"],
            "status": self._status,
            "outcome": self._state.get("outcome", "ok" if self._status and self._status < 400 else None),
            "ms": round((time.perf_counter() - self._started) * 1000, 1),
            **self._state["facts"],
        }
        level = logging.DEBUG if self.scope["path"] in PROBES else logging.INFO
        logger.log(level, "request", extra={FIELDS: facts})


PROBES = ("/livez", "/readyz", "/startupz")
"""Asked every few seconds by machines, so not worth a line each."""
