"""The body of a request on its way in: how much of it, how long it may take, and what becomes of a refused one."""

import asyncio

from starlette.types import Message, Receive

from service.api.exchange import Exchange
from service.api.request_headers import announced_bytes
from service.errors import Failure, SlowUpload, TooManyBytes
from service.settings import Settings

DISCARD_S = 2.0
"""How long the rest of a refused body is thrown away, so that the answer reaches a client that is still sending."""


class RequestBody:
    """Reads on behalf of the application, within the limits."""

    def __init__(self, exchange: Exchange, receive: Receive, settings: Settings) -> None:
        self._exchange = exchange
        self._receive = receive
        self._settings = settings
        self._received_bytes = 0
        self._reserved_bytes = 0
        self._is_complete = False
        self.was_refused = False
        """Whether there may be more of it that nobody wants."""

    def check_length(self) -> None:
        """Raises TooManyBytes where the request announces a body above the limit."""
        if announced_bytes(self._exchange.headers) > self._settings.max_upload_bytes:
            self.was_refused = True
            raise self._too_many_bytes()

    def reserve_announced(self) -> None:
        """Raises QueueFull where it does not fit beside the others."""
        self._reserve(announced_bytes(self._exchange.headers))

    async def receive(self) -> Message:
        """The next part. Raises TooManyBytes, SlowUpload or QueueFull, which stop the reading."""
        if self._is_complete:  # what comes now is the client leaving: that has no deadline
            return await self._receive()
        try:
            message = await self._next_part()
            if message["type"] == "http.request":
                self._count(message)
        except Failure:
            self.was_refused = True
            raise
        return message

    async def _next_part(self) -> Message:
        timeout_s = self._settings.upload_timeout_s
        try:
            async with asyncio.timeout_at(self._exchange.arrived_s + timeout_s):
                return await self._receive()
        except TimeoutError as error:
            raise SlowUpload(f"the body was not here within {timeout_s:g} seconds") from error

    def _count(self, message: Message) -> None:
        self._received_bytes += len(message.get("body", b""))
        if self._received_bytes > self._settings.max_upload_bytes:
            raise self._too_many_bytes()
        self._reserve(self._received_bytes)
        self._is_complete = not message.get("more_body", False)
        if self._is_complete:
            self._exchange.read_ms = self._exchange.elapsed_ms

    def _reserve(self, bytes_in_all: int) -> None:
        permit = self._exchange.permit
        if permit is not None and bytes_in_all > self._reserved_bytes:
            permit.take_bytes(bytes_in_all - self._reserved_bytes)
            self._reserved_bytes = bytes_in_all

    def _too_many_bytes(self) -> TooManyBytes:
        return TooManyBytes(f"the body has more than {self._settings.max_upload_bytes} bytes")

    async def discard_rest(self) -> None:
        """A connection closed on unread bytes is reset, and the reset overtakes the answer: read on for a moment."""
        try:
            async with asyncio.timeout(DISCARD_S):
                while (await self._receive()).get("more_body", False):
                    continue
        except TimeoutError:
            return
