"""The Model Context Protocol at `/mcp`: each operation is a tool for agents. Over streamable HTTP, without sessions.

What it needs is not installed with the service: the extra `mcp` brings the protocol's own SDK.
"""

import asyncio
import functools
import importlib.util
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api.doorway import Refusal
from service.api.exchange import exchange_of
from service.api.fetching import fetch_picture
from service.api.hosts import check_origin
from service.api.running import run_operation
from service.api.state import ServiceDep
from service.configuration_errors import MissingExtra
from service.doors.door import Door
from service.doors.mcp.tools import Result, formats_for_agents
from service.doors.reading import decode_base64
from service.engine.request import ImageRequest
from service.errors import BadOption, Failure, NotOffered
from service.fetch import is_url
from service.operations.options import MEDIA_TYPES

if TYPE_CHECKING:
    from typing import Any

    from mcp.server.lowlevel import Server

    from service.doors.mcp.server import Context, Progress

SERVER_ERROR = -32000
"""The first of JSON-RPC's codes that are a server's own."""

INTERNAL_ERROR = "internal_error"

SDK = "mcp"

LONGEST_PATH = 4096


class OverHttp:
    """A Backend: the pipeline, with what the Gate found out about the request that the call came by."""

    picture_help = "base64, or a data URI such as `data:image/jpeg;base64,...`, or a URL where the service fetches"

    saves = False

    async def read_picture(self, context: "Context", text: str) -> bytes:
        request = _request_of(context)
        if is_url(text):
            return await fetch_picture(request, request.app.state.service, text)
        if text.startswith("file:") or "." in text[:LONGEST_PATH]:  # base64 has no dots
            raise BadOption(f"image: files of yours are not seen from here; give the picture as {self.picture_help}")
        return await decode_base64(request, text)

    async def run(self, context: "Context", wanted: ImageRequest, progress: "Progress") -> Result:
        request = _request_of(context)
        service = request.app.state.service
        answer = await run_operation(request, service, wanted, formats_for_agents(wanted), on_stage=progress.begin)
        return Result(answer.body, MEDIA_TYPES[answer.format], answer.model, answer.box)

    async def save(self, result: Result, save_to: str) -> str:
        raise NotOffered("the agent's files are not here")

    def note(self, context: "Context", error: Exception) -> None:
        """The status is 200 all the same."""
        code = error.code if isinstance(error, Failure) else INTERNAL_ERROR
        exchange_of(_request_of(context)).failure_code = code


def _request_of(context: "Context") -> Request:
    assert isinstance(context.request, Request)
    return context.request


@functools.cache
def _server() -> "Server[Any]":
    from service.doors.mcp.server import mcp_server

    return mcp_server(OverHttp())


class Served(Response):
    """What the SDK answers, to a request that it reads itself."""

    def __init__(self, server: "Server[Any]", max_body_bytes: int) -> None:
        super().__init__()
        self._server = server
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        # One for each request: without sessions there is nothing that would outlive it.
        manager = StreamableHTTPSessionManager(self._server, stateless=True, max_request_body_size=self._max_body_bytes)
        async with manager.run():
            await manager.handle_request(scope, receive, send)


router = APIRouter()


@router.post("/mcp")
async def mcp(request: Request, service: ServiceDep) -> Response:
    """Raises OriginRefused for a page of elsewhere, and NotOffered where the SDK is not installed.

    Which names the service answers to was checked already, by the Gate. The SDK can check both, but knows only literal
    lists of them, and nothing of addresses, names without a dot, or pages of the service's own.
    """
    check_origin(request.headers, service.settings.allowed_origins)
    if importlib.util.find_spec(SDK) is None:
        raise NotOffered(f"{MissingExtra.of('mcp', 'an agent', SDK)}, and start the service again")
    server = await asyncio.to_thread(_server)
    return Served(server, service.settings.max_upload_bytes)


def worded(refusal: Refusal) -> Response:
    """An error of JSON-RPC that answers no request: what the request was is not known yet."""
    facts = {"code": refusal.code, "request_id": refusal.request_id}
    error = {"code": SERVER_ERROR, "message": f"{refusal.code}: {refusal.detail}", "data": facts}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, refusal.status)


MCP = Door(
    name="mcp",
    help="the Model Context Protocol, for agents",
    router=router,
    prefixes=frozenset({"/mcp"}),
    refusal=worded,
)
