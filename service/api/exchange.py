"""One request and its response as they pass by: its id, its deadline, how much of its body is read, its log line."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from service.api.problems import internal_error, problem
from service.errors import BadOption, Failure, SlowUpload, TooManyBytes
from service.queue.admission import Permit
from service.queue.schedule import Lane
from service.settings import Settings
from service.telemetry.log import FIELDS, STAGES
from service.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/=+-]{1,128}")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?P<trace_id>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
URGENCY = re.compile(r"(?:^|,)\s*u=(?P<urgency>[0-7])\b")

TIMEOUT_MS = re.compile(r"[1-9][0-9]{0,8}")

DEFAULT_URGENCY = 3
"""Of RFC 9218; a request that says it is less urgent goes to the bulk lane."""

LONGEST_PATH = 200
"""Characters in a log line; ours are shorter."""

CLIENT_CLOSED_REQUEST = 499
"""What nginx logs where there was nobody to answer."""

LINGER_S = 2.0
"""How long the rest of a refused upload is thrown away, so that the answer reaches a client that is still sending."""

UNTOLD_PATHS = ("/livez", "/readyz", "/startupz", "/metrics")
"""Asked every few seconds by machines, so not worth a line each."""

UNTOLD_FOLDER = "/studio/"
"""The files of a page, of which its own line tells."""


class ClientLeft(Exception):
    """Nobody is there to hear the answer any more."""


class Exchange:
    """What is known of one request, from its first header to its log line."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: Settings) -> None:
        self._headers = Headers(scope=scope)
        self._receive = receive
        self._send = send
        self._settings = settings
        self._permit: Permit | None = None
        self._started = time.monotonic()
        self._received_bytes = 0
        self._reserved_bytes = 0
        self._complete = False
        self._refused = False
        self._status: int | None = None
        self.request_id = self._choose_request_id()
        self._facts: dict[str, Any] = {}
        self._state: dict[str, Any] = {**scope.get("state", {}), "request_id": self.request_id, "facts": self._facts}
        self.scope = {**scope, "state": self._state}

    def _choose_request_id(self) -> str:
        """The caller's own, where it cannot break a log line or a header."""
        given = self._headers.get("x-request-id", "")
        return given if SAFE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

    @property
    def deadline(self) -> float:
        """Arrival plus `request_timeout_s`, or less where `X-Request-Timeout-Ms` says so. Raises BadOption."""
        given = self._headers.get("x-request-timeout-ms")
        if given is None:
            return self._started + self._settings.request_timeout_s
        if not TIMEOUT_MS.fullmatch(given):
            raise BadOption(f"X-Request-Timeout-Ms is a number of milliseconds, not {given!r}")
        return self._started + min(int(given) / 1000, self._settings.request_timeout_s)

    @property
    def lane(self) -> Lane:
        """From the urgency in the `Priority` header (RFC 9218), 0 to 7; what is no such header says nothing."""
        match = URGENCY.search(self._headers.get("priority", ""))
        urgency = int(match["urgency"]) if match else DEFAULT_URGENCY
        return Lane.BULK if urgency > DEFAULT_URGENCY else Lane.INTERACTIVE

    def check_length(self) -> None:
        """Raises TooManyBytes where the request announces a body above the limit."""
        if self._announced_bytes() > self._settings.max_upload_bytes:
            self._refused = True
            raise self._too_many_bytes()

    def admit(self, permit: Permit) -> None:
        """From here on the body counts. Raises QueueFull where it does not fit beside the others."""
        self._permit = permit
        self._state.update(deadline=self.deadline, lane=self.lane, permit=permit)
        self._reserve_bytes(self._announced_bytes())

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
        """The next part of the body. Raises TooManyBytes, SlowUpload or QueueFull, which stop the reading."""
        if self._complete:  # what comes now is the client leaving: that has no deadline
            return await self._receive()
        try:
            message = await self._next_part()
            if message["type"] == "http.request":
                self._count(message)
        except Failure:
            self._refused = True
            raise
        return message

    async def _next_part(self) -> Message:
        timeout_s = self._settings.upload_timeout_s
        try:
            async with asyncio.timeout_at(self._started + timeout_s):
                return await self._receive()
        except TimeoutError as error:
            raise SlowUpload(f"the body was not here within {timeout_s:g} seconds") from error

    def _count(self, message: Message) -> None:
        self._received_bytes += len(message.get("body", b""))
        if self._received_bytes > self._settings.max_upload_bytes:
            raise self._too_many_bytes()
        self._reserve_bytes(self._received_bytes)
        self._complete = not message.get("more_body", False)
        if self._complete:
            self._facts["read"] = self._elapsed_ms()

    def _reserve_bytes(self, bytes_in_all: int) -> None:
        if self._permit is not None and bytes_in_all > self._reserved_bytes:
            self._permit.take_bytes(bytes_in_all - self._reserved_bytes)
            self._reserved_bytes = bytes_in_all

    def _announced_bytes(self) -> int:
        announced = self._headers.get("content-length", "")
        # What is longer than 18 digits is no length that anybody has: it counts as far too long.
        return int(announced[:18]) if announced.isdecimal() else 0

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
                while (await self._receive()).get("more_body", False):
                    continue
        except TimeoutError:
            return

    def _too_many_bytes(self) -> TooManyBytes:
        return TooManyBytes(f"the body has more than {self._settings.max_upload_bytes} bytes")

    def _elapsed_ms(self) -> float:
        return round((time.monotonic() - self._started) * 1000, 1)

    def log(self) -> None:
        """One line: who asked for what, what came of it, and where the time went. Never what is in the picture."""
        trace = TRACEPARENT.fullmatch(self._headers.get("traceparent", ""))
        facts = {
            "request_id": self.request_id,
            **({"trace_id": trace["trace_id"]} if trace else {}),
            "method": self.scope["method"],
            "path": self.scope["path"][:LONGEST_PATH],
            "status": self._status,
            "outcome": self._outcome(),
            "ms": self._elapsed_ms(),
            **self._facts,
        }
        path = self.scope["path"]
        is_untold = path in UNTOLD_PATHS or path.startswith(UNTOLD_FOLDER)
        logger.log(logging.DEBUG if is_untold else logging.INFO, "request", extra={FIELDS: facts})

    def count(self, metrics: Metrics, paths: Collection[str]) -> None:
        """Into the counters and histograms, under one of `paths`: a caller can make up any number of others."""
        path = getattr(self.scope.get("route"), "path", self.scope["path"])
        route = path if path in paths else "other"
        model = self._facts.get("model", "none")
        metrics.requests.labels(route, model, str(self._status or CLIENT_CLOSED_REQUEST), self._outcome()).inc()
        if self._outcome() == "ok":  # refusals are quick, and would hide how long a result takes
            metrics.request_seconds.labels(route).observe(time.monotonic() - self._started)
        for stage in STAGES:
            if stage in self._facts:
                metrics.stage_seconds.labels(stage).observe(self._facts[stage] / 1000)

    def _outcome(self) -> str:
        """`ok`, the code of a failure, or `disconnected` where nobody was there to hear it."""
        if self._status is None:
            return "disconnected"
        return str(self._state.get("outcome", "ok" if self._status < HTTPStatus.BAD_REQUEST else "failed"))
