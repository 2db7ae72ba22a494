"""The answer to a request on its way out, whoever gives it: the application, the Gate that refuses, or a bug."""

import logging

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import Message, Send

from service.api.body import RequestBody
from service.api.exchange import Exchange
from service.api.problems import internal_error, problem
from service.errors import Failure
from service.telemetry.log import FIELDS

logger = logging.getLogger(__name__)


class Reply:
    """Sends it with the request's id, and tells the exchange what was answered."""

    def __init__(self, exchange: Exchange, body: RequestBody, send: Send) -> None:
        self._exchange = exchange
        self._body = body
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._exchange.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._exchange.request_id
            if self._exchange.allowance is not None:
                headers.update(self._exchange.allowance.headers())
        if message["type"] == "http.response.body" and self._body.was_refused and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._body.discard_rest()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def refuse(self, failure: Failure) -> None:
        """Answer without the application, and without reading the body."""
        self._exchange.failure_code = failure.code
        await self._give(problem(failure, self._exchange.request_id))

    async def report_bug(self, error: Exception) -> None:
        """Answer for a bug of ours, unless the answer has begun already."""
        request_id = self._exchange.request_id
        logger.error("request failed", exc_info=error, extra={FIELDS: {"request_id": request_id}})
        self._exchange.failure_code = "internal_error"
        if self._exchange.status is None:
            await self._give(internal_error(request_id))

    async def _give(self, response: Response) -> None:
        await response(self._exchange.scope, self._body.receive, self.send)
