"""What is known of one request, from its first header to its log line. Everybody in `api/` who adds to it uses this."""

import math
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from service.access.quotas import Allowance
from service.api.request_headers import choose_request_id
from service.engine.pipeline import Answer, Call
from service.queue.admission import Permit
from service.queue.schedule import Lane


class ClientLeft(Exception):
    """Nobody is there to hear the answer any more."""


@dataclass
class Exchange:
    """One request and its answer."""

    scope: Scope
    headers: Headers
    request_id: str
    arrived_s: float = field(default_factory=time.monotonic)
    """On the event loop's clock, as all times here."""
    deadline: float = math.inf
    lane: Lane = Lane.INTERACTIVE
    allowance: Allowance | None = None
    """What the caller's key may still use; None where the service has no keys, or the path needs none."""
    permit: Permit | None = None
    """Requests for work have one; probes, metrics and pages need none."""
    read_ms: float | None = None
    """From the arrival to the last byte of the body."""
    call: Call | None = None
    answer: Answer | None = None
    status: int | None = None
    """None as long as no answer has begun."""
    failure_code: str | None = None

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """The exchange that begins with these headers; whoever gets its `scope` can find it there."""
        headers = Headers(scope=scope)
        state = dict(scope.get("state", {}))
        exchange = cls({**scope, "state": state}, headers, choose_request_id(headers))
        state["exchange"] = exchange
        return exchange

    def reserve_pixels(self, pixel_count: int) -> None:
        """Raises QueueFull where they do not fit into memory beside those of others."""
        assert self.permit is not None
        if self.allowance is not None:
            self.allowance.take_pixels(pixel_count)
        self.permit.take_pixels(pixel_count)

    @property
    def elapsed_ms(self) -> float:
        return round((time.monotonic() - self.arrived_s) * 1000, 1)

    @property
    def stages_ms(self) -> dict[str, float]:
        """By their names in `STAGES`, as far as it came."""
        read = {} if self.read_ms is None else {"read": self.read_ms}
        return read | (self.call.watch.elapsed_ms if self.call else {})

    @property
    def cache(self) -> str | None:
        """`hit` or `miss`; None where there is no cache, or it was not asked."""
        if self.call is None or self.call.cached is None:
            return None
        return "hit" if self.call.cached else "miss"

    @property
    def outcome(self) -> str:
        """`ok`, the code of a failure, or `disconnected` where nobody was there to hear it."""
        if self.status is None:
            return "disconnected"
        return self.failure_code or ("ok" if self.status < HTTPStatus.BAD_REQUEST else "failed")


def exchange_of(connection: HTTPConnection) -> Exchange:
    """That which the Gate has begun for this request."""
    exchange: Exchange = connection.state.exchange
    return exchange
