"""One connection to a client, as uvicorn runs it, with limits that uvicorn has not: what happens before there is a
request, after it, and while its answer is sent.

uvicorn reads headers of any size for any time, lets connections be silent for ever, and buffers answers whole.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from service.api.exchange import CONNECTION_EXTENSION
from service.api.peers import is_trusted_proxy
from service.api.problems import PROBLEM_MEDIA_TYPE, STATUS, problem_body
from service.errors import Failure, LargeHeaders, MalformedRequest, SlowHeaders, TooManyConnections
from service.settings import Settings
from service.telemetry.metrics import Metrics

SURPLUS = 64
"""Connections beyond the limit that may still ask for a probe, and hear why not anything else."""

SETTLING_S = 1.0
"""A connection that is younger does not make room for others: its request may be on the way."""

NO_HTTP = "what came could not be read as HTTP/1.1"

DECLINED = (b"upgrade", b"http2-settings")
"""Headers, and what `Connection` says of them, of an offer to speak something else; Java's client makes one."""

LINGER_S = 2.0
LINGER_BYTES = 1_048_576
"""What a refused client may still send before the connection is closed: a reset would overtake the answer."""


class Connection(HttpToolsProtocol):
    """Is in a head (from its first byte to the empty line), in a request, or idle; one timer runs but in a request."""

    def __init__(self, settings: Settings, metrics: Metrics, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._settings = settings
        self._open = metrics.connections
        self._closed = metrics.connections_closed
        self._timer: asyncio.TimerHandle | None = None
        self._is_in_head = False
        self._head_bytes = 0
        self._since_s = time.monotonic()
        self._is_surplus = False
        self._unheard_bytes: int | None = None
        """What came after a refusal; None before."""
        self._last_words: Failure | None = None
        """The refusal, where answers come before it."""
        self._fault = NO_HTTP
        self._declines_upgrade = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._open.inc()
        transport.set_write_buffer_limits(high=0)  # so that the next piece of an answer waits until this one has left
        self._be_idle()
        self._find_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.dec()
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._unheard_bytes is not None:
            self._hear_no_more(len(data))
            return
        head_is_all_of_it = self._is_in_head or not self._has_request
        try:
            super().data_received(data)
        except HttpParserUpgrade as offer:
            rest = self._head_without_offer() + data[offer.args[0] :]
            self.parser = self._new_parser()  # the former one may take what comes after `Connection: close` for nothing
            self.data_received(rest)
            return
        if self._is_in_head and head_is_all_of_it:
            self._head_bytes += len(data)
            if self._head_bytes > self._settings.max_header_bytes:
                self._refuse(LargeHeaders(f"more than {self._settings.max_header_bytes} bytes"), "large_headers")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0
        self._since_s = time.monotonic()
        self._start_timer(self._settings.header_timeout_s, self._head_is_late)
        told = {"abort": self._drop_slow_reader, "is_surplus": self._is_surplus}
        self.scope["extensions"] = {CONNECTION_EXTENSION: told}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        offers = self.parser.should_upgrade() and any(name == b"upgrade" for name, _ in self.headers)
        self._declines_upgrade = offers and not self._should_upgrade()
        if self._declines_upgrade:
            return
        self._is_in_head = False
        self._stop_timer()
        if self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False
        else:
            self._check_host()
        super().on_headers_complete()

    def _check_host(self) -> None:
        """Raises ValueError, of which the parser makes an error of its own."""
        count = sum(name == b"host" for name, _ in self.headers)
        if count != 1:
            self._fault = f"a request of HTTP/1.1 has one `Host`, and this one has {count}"
            raise ValueError(self._fault)

    def on_message_complete(self) -> None:
        if not self._declines_upgrade:
            super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """uvicorn's name for where it goes on without the body: the parser takes that for the other protocol."""
        if self._declines_upgrade:
            raise sys.exception() or AssertionError

    def _new_parser(self) -> HttpRequestParser:
        """As uvicorn makes it."""
        parser = HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _head_without_offer(self) -> bytes:
        """For the parser to read once more, and then the body."""
        version = self.parser.get_http_version().encode()
        head = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                value = b", ".join(token for token in value.split(b",") if token.strip().lower() not in DECLINED)
            if name not in DECLINED:
                head.append(b"%b: %b" % (name, value))
        return b"\r\n".join((*head, b"", b""))

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_timer(self._settings.send_timeout_s, self._abort)  # likewise
        elif self._last_words is not None:
            if not self._has_request:
                self._say_last(self._last_words)
        elif not self._is_in_head and not self.pipeline:
            self._be_idle()

    def handle_websocket_upgrade(self) -> None:
        if self._is_surplus:
            self._refuse(TooManyConnections(), "too_many")
            return
        self._open.dec()
        self._stop_timer()
        self.transport.set_write_buffer_limits()  # sessions have their own way with slow readers
        super().handle_websocket_upgrade()

    @property
    def _has_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    # --- time -------------------------------------------------------------------------------------------------------

    def _start_timer(self, delay_s: float, act: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(delay_s, act)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _be_idle(self) -> None:
        self._since_s = time.monotonic()
        self._start_timer(self._settings.keep_alive_timeout_s, lambda: self._close("idle"))

    def _head_is_late(self) -> None:
        if self.flow.read_paused:  # by us, until the request before it has its answer
            self._start_timer(self._settings.header_timeout_s, self._head_is_late)
            return
        timeout_s = self._settings.header_timeout_s
        self._refuse(SlowHeaders(f"they were not here within {timeout_s:g} seconds"), "slow_headers")

    # --- room -------------------------------------------------------------------------------------------------------

    def _find_room(self) -> None:
        """Where there are too many connections, in all or from one address, the idlest goes, or else this one."""
        most, crowd = self._settings.max_connections, self.connections
        own = self._neighbours() if len(crowd) > most * self._settings.peer_share else set()
        if len(own) > most * self._settings.peer_share:
            crowd = own
        elif len(crowd) <= most:
            return
        idle = [one for one in crowd if isinstance(one, Connection) and one is not self and one._may_go()]
        if idle:
            min(idle, key=lambda one: one._since_s)._close("too_many")
        elif len(self.connections) <= most + SURPLUS:
            self._is_surplus = True
        else:
            self._closed.labels("too_many").inc()
            self._abort()

    def _neighbours(self) -> set[Any]:
        """The connections from the same address; of a proxy's we do not know who they are."""
        address = self.client and self.client[0]
        if is_trusted_proxy(address, self._settings.trusted_proxies):
            return set()
        crowd = (one for one in self.connections if isinstance(one, HttpToolsProtocol | WebSocketsSansIOProtocol))
        return {one for one in crowd if one.client and one.client[0] == address}

    def _may_go(self) -> bool:
        return not self._has_request and time.monotonic() - self._since_s > SETTLING_S

    # --- the end ----------------------------------------------------------------------------------------------------

    def _close(self, reason: str) -> None:
        self._closed.labels(reason).inc()
        self.transport.close()
        self._start_timer(LINGER_S, self._abort)  # where the client does not take the last bytes

    def _drop_slow_reader(self) -> None:
        self._closed.labels("slow_reader").inc()
        self._abort()

    def _abort(self) -> None:
        """Without sending what is unsent."""
        if self.cycle:
            self.cycle.disconnected = True
        self.transport.abort()

    def _refuse(self, failure: Failure, reason: str) -> None:
        """Answer where there is no whole request yet, and hear no more of it."""
        self._closed.labels(reason).inc()
        self._unheard_bytes = 0
        if self._has_request:  # those before it: their answers come first
            self._last_words = failure
        else:
            self._say_last(failure)

    def _say_last(self, failure: Failure) -> None:
        self.transport.write(_problem_response(failure))
        self.transport.write_eof()
        self._start_timer(LINGER_S, self._abort)

    def send_400_response(self, msg: str) -> None:
        """uvicorn's name for what comes where it reads no HTTP: in the place of a request, or within its body."""
        failure = MalformedRequest(self._fault)
        if not (self._has_request and self.cycle.more_body):
            self._refuse(failure, "malformed")
            return
        self._closed.labels("malformed").inc()
        self._unheard_bytes = 0
        self.cycle.disconnected = True
        self.cycle.message_event.set()  # whoever reads the body hears that nothing more comes
        if self.cycle.response_started:
            self._abort()
        else:
            self._say_last(failure)

    def _hear_no_more(self, count: int) -> None:
        assert self._unheard_bytes is not None
        self._unheard_bytes += count
        if self._unheard_bytes > LINGER_BYTES:
            self._abort()


def _problem_response(failure: Failure) -> bytes:
    status: HTTPStatus = STATUS[type(failure)]
    body = json.dumps(problem_body(failure, uuid.uuid4().hex)).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {PROBLEM_MEDIA_TYPE}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return "\r\n".join((*head, "", "")).encode() + body
