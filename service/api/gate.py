"""ASGI middleware: every request comes in and goes out here.

Middleware, because FastAPI reads the whole form before it runs a dependency: here a request that cannot be served is
refused before its body is read.
"""

from collections.abc import Collection

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.exchange import ClientLeft, Exchange
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
        exchange = Exchange(scope, receive, send, self._service.settings)
        try:
            if scope["method"] == "POST":
                await self._admit(exchange)
            else:
                await self._answer(exchange)
        except Exception as error:
            await exchange.confess(error)
        finally:
            exchange.log()
            exchange.count(self._service.engine.metrics, self._paths)

    async def _admit(self, exchange: Exchange) -> None:
        """Only work needs a permit: probes, metrics and pages are never refused."""
        try:
            self._service.check_ready()
            exchange.check_length()
            self._service.engine.batcher.check_deadline(exchange.deadline, exchange.lane)
            permit = self._service.admission.admit()
        except Failure as failure:
            await exchange.refuse(failure)
            return
        try:
            exchange.admit(permit)
            await self._answer(exchange)
        except Failure as failure:
            await exchange.refuse(failure)
        finally:
            permit.give_back()

    async def _answer(self, exchange: Exchange) -> None:
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except (ClientLeft, ClientDisconnect):
            return  # while it waited, or in the middle of its upload: there is nobody to answer
