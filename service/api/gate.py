"""ASGI middleware: every request comes in and goes out here.

Middleware, because FastAPI reads the whole form before it runs a dependency: here a request that cannot be served is
refused before its body is read.
"""

import uuid
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api import access_log, tracing
from service.api.access_log import PROBE_PATHS
from service.api.body import RequestBody
from service.api.doorway import Doorway, doorway_of
from service.api.exchange import ClientLeft, Exchange
from service.api.hosts import check_host, check_origin
from service.api.peers import is_local
from service.api.problems import refusal_of, refused
from service.api.reply import Reply
from service.api.request_headers import check_encoding, lane
from service.api.scopes import ADMIN, scope_needed
from service.api.state import Service
from service.errors import Failure, HostNotAllowed, LargeHeaders, TooManyConnections


class Gate:
    """Admits work, answers for bugs, and keeps the books."""

    def __init__(
        self, app: ASGIApp, service: Service, paths: Collection[str], doorways: Collection[Doorway] = ()
    ) -> None:
        self._app = app
        self._service = service
        self._paths = paths
        self._doorways = doorways

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope = _below(scope, self._service.settings.root_path)
        if scope["type"] == "websocket":
            await self._open_socket(scope, receive, send)
            return
        exchange = Exchange.of(scope)
        exchange.door = doorway_of(scope["path"], self._doorways)
        tracing.begin(exchange, self._service.tracing)
        service, settings = self._service, self._service.settings
        body = RequestBody(exchange, receive, settings, service.admission, service.senders)
        reply = Reply(exchange, body, send, settings)
        try:
            await self._answer(exchange, body, reply)
        except (ClientLeft, ClientDisconnect):
            pass  # in the middle of its upload, or while it waited, or while it read: there is nobody to answer
        except Exception as error:
            await reply.report_bug(error)
        finally:
            body.end()
            if exchange.permit:
                exchange.permit.give_back()
            access_log.log(exchange)
            access_log.count(exchange, self._service.engine.metrics, self._paths)
            tracing.end(exchange, self._paths)
            exchange.forget()

    async def _open_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A wrong name is refused before the handshake, as whoever comes by one must not even hear why."""
        try:
            check_host(Headers(scope=scope), self._service.settings.allowed_hosts)
        except HostNotAllowed as failure:
            self._service.engine.metrics.stream_sessions_ended.labels(failure.code).inc()
            await refused(refusal_of(failure, uuid.uuid4().hex), None)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _check_key(self, exchange: Exchange) -> None:
        """Before anything else is done for the caller.

        Raises MissingKey, UnknownKey, ScopeMissing or QuotaExceeded, and OriginRefused for administrators.
        """
        open_paths = exchange.door.open_paths if exchange.door else ()
        if scope := scope_needed(exchange.scope["method"], exchange.scope["path"], open_paths):
            exchange.allowance = self._service.guard.check(exchange.headers, scope, is_local=is_local(exchange.scope))
        if scope == ADMIN:  # to POST without a body, a page of any origin needs nobody's leave
            check_origin(exchange.headers, self._service.settings.allowed_origins)
        if exchange.allowance is not None and exchange.is_work:
            await exchange.allowance.begin_request()

    async def _answer(self, exchange: Exchange, body: RequestBody, reply: Reply) -> None:
        try:
            self._check_connection(exchange)
            await self._check_key(exchange)
            if exchange.is_work:
                self._admit(exchange, body)
            await self._app(exchange.scope_of_the_app, body.receive, reply.send)
        except Failure as failure:
            await reply.refuse(failure)

    def _check_connection(self, exchange: Exchange) -> None:
        """Raises LargeHeaders, HostNotAllowed or TooManyConnections. Probes are answered whoever else is here."""
        most = self._service.settings.max_header_bytes
        if sum(len(name) + len(value) for name, value in exchange.headers.raw) > most:
            raise LargeHeaders(f"they have more than {most} bytes")
        check_host(exchange.headers, self._service.settings.allowed_hosts)
        if exchange.is_on_surplus_connection and exchange.scope["path"] not in PROBE_PATHS:
            raise TooManyConnections("either in all, or from your address")

    def _admit(self, exchange: Exchange, body: RequestBody) -> None:
        """Raises what a request can be refused for on its headers. Only work is: probes, metrics and pages are not."""
        service = self._service
        service.check_ready()
        check_encoding(exchange.headers)
        body.check_length()
        exchange.read_deadline(service.settings.request_timeout_s)
        exchange.lane = lane(exchange.headers)
        if not exchange.is_deferred:
            service.engine.backlog.check_deadline(exchange.deadline, exchange.lane, exchange.peer)
        service.admission.check_room()
        body.begin(service.admission.open(exchange.peer))


def _below(scope: Scope, root_path: str) -> Scope:
    """Whether or not the proxy takes its own path off: who may ask for what is decided by ours."""
    path = scope["path"]
    stripped = path.removeprefix(root_path) if path.startswith(f"{root_path}/") else path
    return {**scope, "root_path": root_path, "path": stripped}
