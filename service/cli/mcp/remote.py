"""A running service as the Backend of an agent's tools."""

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from service.cli.address import client_with, problem_in
from service.cli.mcp.pictures import HELP, read_picture, save
from service.doors.mcp.tools import Result, formats_for_agents
from service.engine.request import ImageRequest
from service.errors import Failure, NotReady, Unavailable
from service.operations.options import MEDIA_TYPES

if TYPE_CHECKING:
    from httpx2 import Response

    from service.doors.mcp.server import Context, Progress

MAX_PICTURE_BYTES = 1 << 30
"""More than any service takes: it says itself what is too much."""

RETRY_AFTER_S = 5

SIDES = ("Left", "Top", "Width", "Height")


class Refused(Failure):
    """As the service has said it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class RefusedForNow(Unavailable):
    """Likewise, where it says when to come back."""

    def __init__(self, code: str, detail: str, retry_after_s: int) -> None:
        super().__init__(detail, retry_after_s)
        self.code = code


class Remote:
    """A Backend."""

    picture_help = HELP
    saves = True

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        """Raises MissingExtra."""
        self._client = client_with(headers, url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def read_picture(self, context: "Context", text: str) -> bytes:
        return await read_picture(text, MAX_PICTURE_BYTES)

    async def save(self, result: Result, save_to: str) -> str:
        return await save(result.body, save_to)

    def note(self, context: "Context", error: Exception) -> None:
        return

    async def run(self, context: "Context", wanted: ImageRequest, progress: "Progress") -> Result:
        from httpx2 import HTTPError

        progress.begin("read")
        try:
            response = await self._client.post(
                f"/{wanted.operation.name}", params=_query(wanted), files={"image": wanted.image, **wanted.pictures}
            )
        except HTTPError as error:
            place = self._client.base_url
            raise NotReady(f"{place} does not answer: {error or type(error).__name__}", RETRY_AFTER_S) from error
        if not response.is_success:
            raise _failure(response)
        media_type = response.headers.get("Content-Type", MEDIA_TYPES["png"])
        return Result(response.content, media_type, response.headers.get("X-Model", "unknown"), _box(response))


def _query(wanted: ImageRequest) -> dict[str, Any]:
    """The options that were given, as the service takes them."""
    given = wanted.options.model_dump(mode="json", exclude_defaults=True)
    texts = {name: ",".join(value) if isinstance(value, list) else value for name, value in given.items()}
    return {**texts, "format": formats_for_agents(wanted)[0]}


def _failure(response: "Response") -> Failure:
    facts = problem_in(response)
    code = str(facts.get("code") or f"http_{response.status_code}")
    detail = str(facts.get("detail") or f"the service answers {response.status_code}")
    wait = response.headers.get("Retry-After", "")
    return RefusedForNow(code, detail, int(wait)) if wait.isdecimal() else Refused(code, detail)


def _box(response: "Response") -> tuple[int, int, int, int] | None:
    said = [response.headers.get(f"X-Foreground-{side}") for side in SIDES]
    if not all(said):
        return None
    left, top, width, height = (int(text or 0) for text in said)
    return left, top, left + width, top + height
