"""ASGI middleware: every request comes in and goes out here.

Middleware, because FastAPI reads the whole form before it runs a dependency: here a request that cannot be served is
refused before its body is read.
"""

from collections.abc import Collection

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api import access_log, request_headers
from service.api.body import RequestBody
from service.api.exchange import ClientLeft, Exchange
from service.api.reply import Reply
from service.api.scopes import scope_needed
from service.api.state import Service
from service.errors import Failure


class Gate:
    """Admits work, answers for bugs, and keeps the books."""

    def __init__(self, app: ASGIApp, service: Service, paths: Collection[str]) -> None:
        self._app = app
        self._service = service
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange.of(scope)
        body = RequestBody(exchange, receive, self._service.settings)
        reply = Reply(exchange, body, send)
        try:
            self._check_key(exchange)
            if scope["method"] == "POST":
                await self._work(exchange, body, reply)
            else:
                await self._answer(exchange, body, reply)
        except Failure as failure:
            await reply.refuse(failure)
        except Exception as error:
            await reply.report_bug(error)
        finally:
            access_log.log(exchange)
            access_log.count(exchange, self._service.engine.metrics, self._paths)

    def _check_key(self, exchange: Exchange) -> None:
        """Before anything else is done for the caller. Raises MissingKey, UnknownKey, ScopeMissing or QuotaExceeded."""
        method, path = exchange.scope["method"], exchange.scope["path"]
        if scope := scope_needed(method, path):
            exchange.allowance = self._service.guard.check(exchange.headers, scope)
        if exchange.allowance is not None and method == "POST":
            exchange.allowance.take_request()

    async def _work(self, exchange: Exchange, body: RequestBody, reply: Reply) -> None:
        """Only work needs a permit: probes, metrics and pages are never refused."""
        try:
            self._admit(exchange, body)
            await self._answer(exchange, body, reply)
        finally:
            if exchange.permit:
                exchange.permit.give_back()

    def _admit(self, exchange: Exchange, body: RequestBody) -> None:
        """Raises what a request can be refused for on its headers."""
        longest_s = self._service.settings.request_timeout_s
        self._service.check_ready()
        body.check_length()
        exchange.deadline = exchange.arrived_s + request_headers.timeout_s(exchange.headers, longest_s)
        exchange.lane = request_headers.lane(exchange.headers)
        self._service.engine.batcher.check_deadline(exchange.deadline, exchange.lane)
        exchange.permit = self._service.admission.admit()
        body.reserve_announced()

    async def _answer(self, exchange: Exchange, body: RequestBody, reply: Reply) -> None:
        try:
            await self._app(exchange.scope, body.receive, reply.send)
        except (ClientLeft, ClientDisconnect):
            return  # while it waited, or in the middle of its upload: there is nobody to answer
