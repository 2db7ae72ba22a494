"""The file of a result as an answer, whole or the part that `Range` asks for."""

from typing import Any

from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from service.api.ranges import refusing_ranges
from service.jobs import ResultFile


class ResultResponse(FileResponse):
    """Lets go of the file when it was sent, or its client has gone."""

    def __init__(self, file: ResultFile, **more: Any) -> None:
        super().__init__(file.path, **more)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, refusing_ranges(send))
        finally:
            self._file.let_go()
