"""The server of the Model Context Protocol, from its official SDK, which comes with the extra `mcp`.

Imported when somebody asks for it: the SDK takes 0.9 seconds to import, and 27 MB.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import TypeAdapter
from sse_starlette.sse import AppStatus

from service import __version__
from service.doors.mcp.tools import (
    INSTRUCTIONS,
    TOOLS,
    Result,
    content_of,
    failure_facts,
    failure_text,
    image_request_of,
    saved_content,
    tool_schema,
    without_save_to,
)
from service.engine.request import ImageRequest, Stage
from service.errors import Failure

Context = ServerRequestContext[Any, Any]

CONTENT: TypeAdapter[list[ContentBlock]] = TypeAdapter(list[ContentBlock])

LARGE_BYTES = 1_048_576
"""A larger result becomes base64 on a thread: 1 MB takes about a millisecond."""

STAGES: Sequence[tuple[Stage, str]] = (
    ("read", "reading the picture"),
    ("look", "looking at it"),
    ("look closer", "looking closer"),
    ("finish", "making the result"),
)
"""In their order, with what is said of them."""

# Imported, the library ends every stream at the first SIGTERM, though uvicorn waits for those who were admitted.
AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]


class Progress:
    """Tells whoever asked to hear it how far its call has come."""

    def __init__(self, session: ServerSession) -> None:
        self._session = session
        self._reports: list[asyncio.Task[None]] = []

    def begin(self, stage: Stage) -> None:
        """On the event loop, and at once: the work does not wait for whoever hears of it."""
        done, words = next((index, words) for index, (each, words) in enumerate(STAGES) if each == stage)
        report = self._session.report_progress(done, len(STAGES), words)
        self._reports.append(asyncio.create_task(report))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Before the answer, as nothing may follow that."""
        if error is None:
            await asyncio.gather(*self._reports)
        for report in self._reports:
            report.cancel()


class Backend(Protocol):
    """Who does the work of a call."""

    @property
    def picture_help(self) -> str:
        """How a picture is given, for the schema: `base64, or a data URI`."""

    async def read_picture(self, context: Context, text: str) -> bytes:
        """Raises BadInput."""

    async def run(self, context: Context, wanted: ImageRequest, progress: Progress) -> Result:
        """Raises Failure."""

    @property
    def saves(self) -> bool:
        """Whether a result may become a file of the agent's, by the argument `save_to`."""

    async def save(self, result: Result, save_to: str) -> str:
        """The path of the new file. Raises BadInput."""

    def note(self, context: Context, error: Exception) -> None:
        """Of every call that fails, for whoever keeps books."""


class Tools:
    """What an agent can see, and call."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def list_tools(self, context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        saves = self._backend.saves
        annotations = ToolAnnotations(read_only_hint=not saves, destructive_hint=False, open_world_hint=False)
        return ListToolsResult(
            tools=[
                Tool(
                    name=name,
                    title=operation.summary,
                    description=f"{operation.summary}. {operation.description}",
                    input_schema=tool_schema(operation, self._backend.picture_help, saves),
                    annotations=annotations,
                )
                for name, operation in TOOLS.items()
            ]
        )

    async def call_tool(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        """A failure is a result that says so: it is for the agent, not for the program that it runs in."""
        if params.name not in TOOLS:
            raise MCPError(INVALID_PARAMS, f"there is no tool {params.name!r}; there are {', '.join(TOOLS)}")
        try:
            content = await self._run(context, params)
        except Exception as error:
            self._backend.note(context, error)
            if not isinstance(error, Failure):
                raise  # the SDK words it, without its cause
            text = TextContent(text=failure_text(error))
            return CallToolResult(content=[text], structured_content=failure_facts(error), is_error=True)
        return CallToolResult(content=CONTENT.validate_python(content))

    async def _run(self, context: Context, params: CallToolRequestParams) -> list[dict[str, Any]]:
        async def read_picture(text: str) -> bytes:
            return await self._backend.read_picture(context, text)

        arguments, save_to = dict(params.arguments or {}), None
        if self._backend.saves:
            arguments, save_to = without_save_to(arguments)
        wanted = await image_request_of(TOOLS[params.name], arguments, read_picture)
        async with Progress(context.session) as progress:
            result = await self._backend.run(context, wanted, progress)
        if save_to:
            return saved_content(result, params.name, await self._backend.save(result, save_to))
        if len(result.body) <= LARGE_BYTES:
            return content_of(result, params.name)
        return await asyncio.to_thread(content_of, result, params.name)


def mcp_server(backend: Backend) -> Server[Any]:
    """Without a transport."""
    tools = Tools(backend)
    return Server(
        "silhouette",
        title="Silhouette",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=tools.list_tools,
        on_call_tool=tools.call_tool,
    )
