"""What goes wrong, by who can mend it; and how an answer of the service is read for it.

SilhouetteError
  InputError          change the request
    NoForeground      there is no subject in the picture
  AccessError         the key is missing, unknown, or not good for this
  Busy                no room, or the key's quota is used up, for as long as the request could wait
  Late                no answer in time
  ServiceFault        the service failed
  ConnectionFailed    nobody answered
  JobFailed           a job has no result, and will have none
"""

import contextlib
import email.utils
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2


class SilhouetteError(Exception):
    """No result."""

    def __init__(
        self, code: str, detail: str, status: int | None = None, request_id: str = "", again_s: float | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        """Stable: what to match on."""
        self.detail = detail
        self.status = status
        """None where the service has not answered."""
        self.request_id = request_id
        """Under which the service's log tells of it."""
        self.retry_after_s = again_s


class InputError(SilhouetteError):
    """The request has to be changed."""


class NoForeground(InputError):
    """There is no subject in the picture; `allow_empty=True` asks for the empty result."""


class AccessError(SilhouetteError):
    """The key is missing, unknown, or not good for this."""


class Busy(SilhouetteError):
    """The service has no room, or the key's quota is used up."""


class Late(SilhouetteError):
    """No answer within the time of the request."""


class ServiceFault(SilhouetteError):
    """The service failed; its log has the cause under `request_id`."""


class ConnectionFailed(SilhouetteError):
    """Nobody answered, or the connection was lost."""


class JobFailed(SilhouetteError):
    """A job has no result, and will have none."""


KINDS: Mapping[int, type[SilhouetteError]] = {
    401: AccessError,
    403: AccessError,
    429: Busy,
    502: Busy,  # what a proxy says while the service behind it starts
    503: Busy,
    504: Late,
}
"""By status; others below 500 are an InputError, and from there on a ServiceFault."""


def error_in(response: httpx2.Response) -> SilhouetteError:
    problem, status = _problem(response), response.status_code
    code = str(problem.get("code") or response.reason_phrase.lower().replace(" ", "_"))
    detail = str(problem.get("detail") or f"the service answers {status}")
    request_id = str(problem.get("request_id") or response.headers.get("X-Request-Id", ""))
    kind = KINDS.get(status, InputError if status < 500 else ServiceFault)
    kind = NoForeground if code == "no_foreground" else kind
    return kind(code, detail, status, request_id, _retry_after_s(response.headers.get("Retry-After")))


def _problem(response: httpx2.Response) -> dict[str, Any]:
    """The problem document (RFC 9457); nothing where somebody else answered."""
    with contextlib.suppress(ValueError):
        document = response.json()
        return document if isinstance(document, dict) else {}
    return {}


def _retry_after_s(header: str | None) -> float | None:
    """Of RFC 9110, 10.2.3: seconds or a date; None where it says neither."""
    if header is None or header.strip().isdecimal():
        return None if header is None else float(header)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, (email.utils.parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    return None


@contextlib.contextmanager
def transport_errors_told() -> Iterator[None]:
    """What happens on the way, in our own words."""
    try:
        yield
    except httpx2.ReadTimeout as error:
        raise Late("no_answer", "the service did not answer in time") from error
    except httpx2.TransportError as error:
        raise ConnectionFailed("connection_failed", str(error) or type(error).__name__) from error


def checked(response: httpx2.Response) -> httpx2.Response:
    if not response.is_success:
        raise error_in(response)
    return response
