"""The answer to a request on its way out, whoever gives it: the application, the Gate that refuses, or a bug."""

import asyncio
import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from service.api.body import RequestBody
from service.api.doorway import Refusal
from service.api.exchange import Exchange, SlowReader
from service.api.problems import internal_error_of, refusal_of, refused
from service.errors import Failure
from service.settings import Settings
from service.telemetry.log import FIELDS

logger = logging.getLogger(__name__)

PIECE_BYTES = 65_536
"""Servers buffer a message whole, whoever reads it: no more than this is beyond our control at first, and later no more
than the client has taken so far."""

LARGEST_PIECE_BYTES = 1_048_576
"""Each piece takes 30 µs of the event loop, whatever its length."""


class Reply:
    """Sends it with the request's id, no faster than the client reads, and tells the exchange what was answered."""

    def __init__(self, exchange: Exchange, body: RequestBody, send: Send, settings: Settings) -> None:
        self._exchange = exchange
        self._body = body
        self._send = send
        self._settings = settings
        self._sent_bytes = 0
        self._spent_s = 0.0
        """Waiting for the client to take them."""

    async def send(self, message: Message) -> None:
        """Raises SlowReader where the client does not take it in time."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        else:
            await self._send_body(message.get("body", b""), is_last=not message.get("more_body", False))

    async def _begin(self, start: Message) -> None:
        self._exchange.status = start["status"]
        headers = MutableHeaders(scope=start)
        headers["X-Request-Id"] = self._exchange.request_id
        if self._exchange.allowance is not None:
            headers.update(self._exchange.allowance.headers())
            if self._exchange.door is not None:
                headers.update(self._exchange.door.limits(self._exchange.allowance))
        await self._body.read_what_is_here()
        # The next request would begin somewhere in the rest of this one, or there are too many connections.
        if not self._body.is_complete or self._exchange.is_on_surplus_connection:
            headers["Connection"] = "close"
        await self._send(start)

    async def _send_body(self, body: bytes, is_last: bool) -> None:
        """Its bytes count as in flight until the client has them: it may be long gone, or read slowly on purpose."""
        # What is told while the work goes on is a line or two, and its pictures are needed yet.
        permit = None if self._exchange.is_at_work else self._exchange.permit
        if permit:
            permit.finish_work(len(body))
        left = memoryview(b"" if self._exchange.is_head else body)
        while left:
            piece = left[: min(max(PIECE_BYTES, self._sent_bytes), LARGEST_PIECE_BYTES)]
            await self._send_in_time({"type": "http.response.body", "body": piece, "more_body": True})
            self._sent_bytes += len(piece)
            left = left[len(piece) :]
        if is_last:
            await self._body.discard_rest()
            await self._send_in_time({"type": "http.response.body", "body": b""})
        if permit:
            permit.free_bytes(len(body))

    async def _send_in_time(self, message: Message) -> None:
        """Servers take a message when the one before it has left, so this waits for the client."""
        settings = self._settings
        slowest_s = settings.send_timeout_s + self._sent_bytes / settings.min_bytes_per_s
        began_s = time.monotonic()
        try:
            async with asyncio.timeout_at(began_s + slowest_s - self._spent_s):
                await self._send(message)
            self._spent_s += time.monotonic() - began_s
        except TimeoutError as error:
            self._exchange.failure_code = "slow_reader"
            self._exchange.abort()
            raise SlowReader from error

    async def refuse(self, failure: Failure) -> None:
        """Answer without the application, and without reading the body."""
        await self._refuse(refusal_of(failure, self._exchange.request_id))

    async def report_bug(self, error: Exception) -> None:
        """Answer for a bug of ours, unless the answer has begun already."""
        request_id, trace_id = self._exchange.request_id, self._exchange.trace_id
        told = {"request_id": request_id, **({"trace_id": trace_id} if trace_id else {})}
        logger.error("request failed", exc_info=error, extra={FIELDS: told})
        if self._exchange.status is None:
            await self._refuse(internal_error_of(request_id))
        else:
            self._exchange.failure_code = "internal_error"

    async def _refuse(self, refusal: Refusal) -> None:
        self._exchange.failure_code = refusal.code
        response = refused(refusal, self._exchange.door)
        await response(self._exchange.scope, self._body.receive, self.send)
