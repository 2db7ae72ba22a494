"""The engine of the service in this process, as the Backend of an agent's tools."""

import asyncio
import contextlib
from types import TracebackType
from typing import TYPE_CHECKING, Self

from service.cli.mcp.pictures import HELP, read_picture, save
from service.configuration_errors import ConfigurationError
from service.doors.mcp.tools import Result, formats_for_agents
from service.engine.engine import Engine
from service.engine.request import Call, ImageRequest
from service.errors import NotReady
from service.operations.options import MEDIA_TYPES
from service.settings import Settings

if TYPE_CHECKING:
    from service.doors.mcp.server import Context, Progress
    from service.workers.plan import SegmenterFamilies

RETRY_AFTER_S = 5


class Local:
    """A Backend. It loads while the agent reads the list of tools: some give up on a command that is silent so long."""

    picture_help = HELP
    saves = True

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._starting: asyncio.Task[None] | None = None

    @classmethod
    def build(cls, settings: Settings, families: "SegmenterFamilies | None" = None) -> Self:
        """Raises ConfigurationError where models are missing, or there is no such device."""
        from service.workers.plan import built_in_families

        return cls(Engine.build(settings, families or built_in_families), settings)

    async def __aenter__(self) -> Self:
        self._starting = asyncio.create_task(self._engine.pool.start())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.stop(drain_timeout_s=0)
        if self._starting:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConfigurationError):
                await self._starting

    async def read_picture(self, context: "Context", text: str) -> bytes:
        return await read_picture(text, self._settings.max_upload_bytes)

    async def save(self, result: Result, save_to: str) -> str:
        return await save(result.body, save_to)

    def note(self, context: "Context", error: Exception) -> None:
        return

    async def run(self, context: "Context", wanted: ImageRequest, progress: "Progress") -> Result:
        await self._started()
        deadline = asyncio.get_running_loop().time() + self._settings.request_timeout_s
        call = Call(deadline, accepted=formats_for_agents(wanted), on_stage=progress.begin)
        answer = await self._engine.pipeline.run(wanted, call)
        return Result(answer.body, MEDIA_TYPES[answer.format], answer.model, answer.box)

    async def _started(self) -> None:
        """Raises NotReady where the models cannot be loaded."""
        assert self._starting is not None
        try:
            await asyncio.shield(self._starting)
        except ConfigurationError as error:
            raise NotReady(str(error), RETRY_AFTER_S) from error
