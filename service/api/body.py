"""The body of a request on its way in: how much of it, how fast, and what becomes of a refused one."""

import asyncio
import contextlib
import time

from starlette.types import Message, Receive

from service.api.exchange import FILMS, Exchange, client_leaves
from service.api.request_headers import announced_bytes, announces_body, expects_continue
from service.errors import DeadlineExceeded, Failure, QueueFull, SlowUpload, TooManyBytes
from service.queue.admission import Admission
from service.queue.permit import Permit
from service.queue.senders import Sender, Senders
from service.settings import Settings

DISCARD_S = 10.0
DISCARD_GAP_S = 2.0
"""How long the rest of a refused body is thrown away, so that the answer reaches a client that is still sending: in
all, and while nothing comes."""


class RequestBody:
    """Reads on behalf of the application, within the limits."""

    def __init__(
        self, exchange: Exchange, receive: Receive, settings: Settings, admission: Admission, senders: Senders
    ) -> None:
        self._exchange = exchange
        self._receive = receive
        self._settings = settings
        self._admission = admission
        self._senders = senders
        self._most_bytes = _most_bytes(exchange, settings)
        self._sender = Sender(exchange.peer, self._make_room)
        self._reserved_bytes = 0
        self._reading: asyncio.Timeout | None = None
        self._made_room = False
        self.is_complete = exchange.scope["method"] != "POST" and not announces_body(exchange.headers)

    def begin(self, permit: Permit) -> None:
        """Raises what a body is refused for on its headers: TooManyUploads, or QueueFull where it does not fit."""
        self._exchange.permit = permit
        self._senders.begin(self._sender)
        self._reserve(announced_bytes(self._exchange.headers))

    def end(self) -> None:
        """Whatever is left of it, nobody wants it."""
        self._senders.end(self._sender)

    def check_length(self) -> None:
        """Raises TooManyBytes where the request announces a body above the limit."""
        if announced_bytes(self._exchange.headers) > self._most_bytes:
            raise self._too_many_bytes()

    async def receive(self) -> Message:
        """The next part; the last one when there is a place for the request, so that whoever has the body has both.

        Raises TooManyBytes, SlowUpload, DeadlineExceeded or QueueFull, which stop the reading.
        """
        if self._exchange.read_ms is not None:  # what comes now is the client leaving: that has no deadline
            return await self._receive()
        try:
            message = await self._next_part()
            if message["type"] == "http.request":
                self._count(message)
            return await self._with_place(message) if self.is_complete else message
        except Failure:
            self.end()
            if self._exchange.permit:
                self._exchange.permit.free_bytes()
            raise

    async def _next_part(self) -> Message:
        if self._made_room:
            raise self._too_slow()
        try:
            async with asyncio.timeout_at(self._gives_up_at()) as self._reading:
                return await self._receive()
        except TimeoutError as error:
            if self._gives_up_at() == self._exchange.client_deadline:
                raise DeadlineExceeded("the body was not here before the request's own deadline") from error
            raise self._too_slow() from error
        finally:
            self._reading = None

    def _gives_up_at(self) -> float:
        settings = self._settings
        slowest_s = settings.upload_timeout_s + self._sender.received_bytes / settings.min_bytes_per_s
        return min(self._exchange.arrived_s + slowest_s, self._exchange.client_deadline)

    def _count(self, message: Message) -> None:
        self._sender.received_bytes += len(message.get("body", b""))
        if self._sender.received_bytes > self._most_bytes:
            raise self._too_many_bytes()
        self._reserve(self._sender.received_bytes)
        if not message.get("more_body", False):
            self.is_complete = True
            self.end()
            self._exchange.body_is_here(self._settings.request_timeout_s)

    def _reserve(self, bytes_in_all: int) -> None:
        """Raises QueueFull where they do not fit beside those of others, and nobody makes room."""
        permit = None if self._exchange.goes_to_disk else self._exchange.permit
        while permit is not None and bytes_in_all > self._reserved_bytes:
            try:
                permit.take_bytes(bytes_in_all - self._reserved_bytes)
                self._reserved_bytes = bytes_in_all
            except QueueFull:
                if not self._senders.drop_slowest(self._sender, self._admission.has_more_bytes_than_its_share):
                    raise

    def _make_room(self) -> None:
        """Others want its place or its bytes, and it is the slowest."""
        self._made_room = True
        if self._exchange.permit:
            self._exchange.permit.free_bytes()
        if self._reading:
            self._reading.reschedule(time.monotonic())

    async def _with_place(self, message: Message) -> Message:
        """The message, or that the client left while it waited. Raises DeadlineExceeded."""
        permit = self._exchange.permit
        if permit is None or permit.take_place():
            return message
        waiting, leaving = (
            asyncio.create_task(permit.wait_for_place()),
            asyncio.create_task(client_leaves(self._receive)),
        )
        try:
            async with asyncio.timeout_at(self._exchange.deadline):
                await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            raise DeadlineExceeded("no place became free in time") from error
        finally:
            leaving.cancel()
            if not waiting.done():
                waiting.cancel()
        return message if waiting.done() else {"type": "http.disconnect"}

    def _too_many_bytes(self) -> TooManyBytes:
        return TooManyBytes(f"the body has more than {self._most_bytes} bytes, which are the most that this takes")

    def _too_slow(self) -> SlowUpload:
        came = f"{self._sender.received_bytes} bytes came in {self._exchange.elapsed_ms / 1000:.1f} seconds"
        if self._made_room:
            return SlowUpload(f"{came}, while others waited for the place")
        return SlowUpload(f"{came}: less than {self._settings.min_bytes_per_s} a second")

    async def read_what_is_here(self) -> None:
        """Without waiting: so a small refused body does not cost its connection."""
        has_begun = self._sender.received_bytes > 0
        if self.is_complete or has_begun or expects_continue(self._exchange.headers):  # that one would be told to send
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await self._discard_part()

    async def discard_rest(self) -> None:
        """A connection closed on unread bytes is reset, and the reset overtakes the answer: read on for a moment."""
        if self.is_complete:
            return
        left = self._most_bytes
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_S):
                while not self.is_complete and left > 0:
                    async with asyncio.timeout(DISCARD_GAP_S):
                        left -= await self._discard_part()

    async def _discard_part(self) -> int:
        message = await self._receive()
        self.is_complete = not message.get("more_body", False)
        return len(message.get("body", b""))


def _most_bytes(exchange: Exchange, settings: Settings) -> int:
    if not exchange.goes_to_disk:
        return settings.max_upload_bytes
    return settings.max_video_bytes if exchange.scope["path"] == FILMS else settings.max_batch_bytes
