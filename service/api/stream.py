"""`WS /stream`: the socket of a live session. What goes over it is in `service/stream/`, and in `docs/stream.md`."""

import asyncio
import contextlib
import json
import logging
import uuid
from typing import Any

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from service import errors
from service.api.hosts import check_origin
from service.api.peers import peer_of
from service.api.problems import internal_error_body, problem_body
from service.api.state import Service
from service.errors import Failure, Unavailable
from service.queue.permit import Permit
from service.stream import Streams
from service.stream.session import ConnectionLost
from service.telemetry.log import FIELDS

logger = logging.getLogger(__name__)

GOING_AWAY, INTERNAL_ERROR = 1001, 1011

CLOSE_CODES: dict[type[Failure], int] = {
    errors.IdleSession: GOING_AWAY,
    errors.MalformedMessage: 4400,
    errors.OriginRefused: 4403,
    errors.MissingKey: 4401,
    errors.UnknownKey: 4401,
    errors.ScopeMissing: 4403,
    errors.QuotaExceeded: 4429,
    errors.UnknownModel: 4404,
    errors.SlowHello: 4408,
    errors.TooManyBytes: 4413,
    errors.TooManyPixels: 4422,
    errors.BadOption: 4422,
    errors.UnknownOption: 4422,
    errors.TooManySessions: 4429,
    errors.DeadlineExceeded: 4503,
    errors.NotReady: 4503,
    errors.QueueFull: 4503,
    errors.Draining: 4503,
}

GOODBYE_TIMEOUT_S = 2.0
"""For the last words to a client that may not be reading any more."""

SUBPROTOCOL, KEY_PROTOCOL = "silhouette", "silhouette.key."
"""A page cannot choose the headers of its socket, but it can offer subprotocols: `silhouette`, which is taken, and one
that is `silhouette.key.` and a key."""

router = APIRouter()


@router.websocket("/stream")
async def stream(websocket: WebSocket) -> None:
    """A session from its handshake to its last word. Refused after the handshake: browsers hide a refused one."""
    service: Service = websocket.app.state.service
    socket = Socket(websocket, uuid.uuid4().hex)
    await websocket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in websocket.scope.get("subprotocols", ()) else None)
    facts: dict[str, Any] = {"session": socket.id}
    reason = "internal_error"
    with contextlib.ExitStack() as held:  # until the last word: who drains must not shut the door before it
        try:
            check_origin(websocket.headers, service.settings.allowed_origins)
            if allowance := service.guard.check(_with_offered_key(websocket), "stream"):
                facts["key"] = allowance.key.name
                await allowance.begin_request()
            service.check_ready()
            permit = held.enter_context(service.streams.permit(peer_of(websocket.scope)))
            socket.was_let_in = True
            await _converse(service.streams, permit, socket, facts)
        except ConnectionLost:
            reason = "disconnected"
        except Failure as failure:
            reason = failure.code
            await socket.end(failure)
        except Exception:
            logger.exception("session failed", extra={FIELDS: facts})
            await socket.report_bug()
        finally:
            service.engine.metrics.stream_sessions_ended.labels(reason).inc()
            logger.info("session", extra={FIELDS: {**facts, "outcome": reason}})


def _with_offered_key(websocket: WebSocket) -> dict[str, str]:
    """The handshake's headers, and the key among its subprotocols as one of them."""
    offered = [name for name in websocket.scope.get("subprotocols", ()) if name.startswith(KEY_PROTOCOL)]
    key = {"x-api-key": offered[0].removeprefix(KEY_PROTOCOL)} if offered else {}
    return {**websocket.headers, **key}


async def _converse(streams: Streams, permit: Permit, socket: "Socket", facts: dict[str, Any]) -> None:
    """From the hello to whatever ends it, which is raised. `facts` gets what the log line tells of the session."""
    async with streams.session(socket, permit, socket.id) as session:
        try:
            await session.run()
        finally:
            facts.update(session.facts())


class Socket:
    """A session's connection, over a WebSocket."""

    def __init__(self, websocket: WebSocket, id_: str) -> None:
        self._websocket = websocket
        self.id = id_
        self.was_let_in = False

    async def receive(self) -> str | bytes:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise ConnectionLost
        content: str | bytes | None = message.get("bytes")
        return message["text"] if content is None else content

    async def send(self, message: bytes) -> None:
        try:
            await self._websocket.send_bytes(message)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise ConnectionLost from error

    async def say(self, type_: str, **fields: Any) -> None:
        try:
            await self._websocket.send_text(json.dumps({"type": type_, **fields}))
        except (WebSocketDisconnect, RuntimeError) as error:
            raise ConnectionLost from error

    async def report(self, failure: Failure, seq: int | None = None) -> None:
        await self._tell(_described(failure, self.id) | ({} if seq is None else {"seq": seq}))

    async def end(self, failure: Failure) -> None:
        """The problem, and the end."""
        code = CLOSE_CODES.get(type(failure), INTERNAL_ERROR)
        if self.was_let_in and isinstance(failure, errors.Draining):
            code = GOING_AWAY
        await self._end(_described(failure, self.id), code)

    async def report_bug(self) -> None:
        """The end, for a bug of ours."""
        await self._end(internal_error_body(self.id), INTERNAL_ERROR)

    async def _end(self, problem: dict[str, Any], close_code: int) -> None:
        try:
            async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                await self._tell(problem)
                await self._websocket.close(close_code, problem["code"])
        except (TimeoutError, ConnectionLost, WebSocketDisconnect, RuntimeError):
            return  # there is nobody to tell

    async def _tell(self, problem: dict[str, Any]) -> None:
        """`type` is taken by the protocol."""
        await self.say("problem", problem_type=problem.pop("type"), **problem)


def _described(failure: Failure, session_id: str) -> dict[str, Any]:
    again = {"retry_after_s": failure.retry_after_s} if isinstance(failure, Unavailable) else {}
    return problem_body(failure, session_id) | again
