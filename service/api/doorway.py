"""What the HTTP side knows of a door, that is of a contract other than our own: which paths are its, and how it words a
refusal. The doors themselves are in `service/doors/`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from starlette.responses import Response

from service.access.quotas import Allowance
from service.errors import Failure

AS_BAD_REQUEST = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.NOT_ACCEPTABLE)


@dataclass(frozen=True)
class Refusal:
    """Why a request gets no result, before anybody has worded it."""

    status: HTTPStatus
    """By our own table; a contract that knows fewer may answer with another."""
    code: str
    """Stable: clients match on it. `not_found`, `method_not_allowed` and `internal_error` are no failure of ours."""
    title: str
    detail: str
    request_id: str
    headers: Mapping[str, str]
    """`Retry-After` and the like, which the answer gets whoever words it."""
    failure: Failure | None = None
    """None for a path or a method that is not there, and for a bug."""

    @property
    def coarse_status(self) -> HTTPStatus:
        """For contracts that have 400 for all that is wrong with what was sent."""
        return HTTPStatus.BAD_REQUEST if self.status in AS_BAD_REQUEST else self.status


class Doorway(Protocol):
    """One contract, see `service.doors.door.Door`."""

    @property
    def name(self) -> str: ...

    @property
    def prefixes(self) -> Collection[str]: ...

    @property
    def open_paths(self) -> Collection[str]: ...

    @property
    def working_gets(self) -> Collection[str]: ...

    @property
    def limits(self) -> Callable[[Allowance], Mapping[str, str]]: ...

    @property
    def refusal(self) -> Callable[[Refusal], Response]: ...


def doorway_of(path: str, doorways: Iterable[Doorway]) -> Doorway | None:
    """The contract that a path belongs to: that of the longest prefix which is the path, or a folder above it."""
    found = (
        (len(prefix), doorway)
        for doorway in doorways
        for prefix in doorway.prefixes
        if path == prefix or path.startswith(f"{prefix}/")
    )
    return max(found, key=lambda entry: entry[0], default=(0, None))[1]
