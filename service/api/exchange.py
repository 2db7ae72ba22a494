"""What is known of one request, from its first header to its log line. Everybody in `api/` who adds to it uses this."""

import asyncio
import contextlib
import math
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, TypeVar

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.types import Receive, Scope

from service.access.quotas import Allowance
from service.api.doorway import Doorway
from service.api.peers import peer_of
from service.api.request_headers import choose_request_id, prefers_async, timeout_s, trace_id
from service.api.scopes import is_administrative
from service.engine.request import Answer, Call
from service.queue.permit import Permit
from service.queue.schedule import Lane
from service.telemetry.stopwatch import Measured
from service.telemetry.tracing import asking

if TYPE_CHECKING:
    from service.telemetry.otel import Trace

Result = TypeVar("Result")

CONNECTION_EXTENSION = "silhouette.connection"
"""Of ASGI: what our own server tells of a connection, and lets us do with it. See `service/cli/connection.py`."""


FILMS, BATCHES = "/videos", "/batches"
"""Paths whose bodies go to disk."""


class ClientLeft(Exception):
    """Nobody is there to hear the answer any more."""


class SlowReader(ClientLeft):
    """Or somebody who takes it so slowly that it is as good as nobody."""


@dataclass
class Exchange:
    """One request and its answer."""

    scope: Scope
    headers: Headers
    request_id: str
    peer: str
    """Who asks, see `peer_of`."""
    door: Doorway | None = None
    """The contract that the path belongs to; None for our own."""
    arrived_s: float = field(default_factory=time.monotonic)
    """On the event loop's clock, as all times here."""
    client_deadline: float = math.inf
    """When the caller will have gone, as it said itself."""
    deadline: float = math.inf
    lane: Lane = Lane.INTERACTIVE
    allowance: Allowance | None = None
    """What the caller's key may still use; None where the service has no keys, or the path needs none."""
    permit: Permit | None = None
    """Requests for work have one; probes, metrics and pages need none."""
    read_ms: float | None = None
    """From the arrival to the last byte of the body."""
    fetch_ms: float | None = None
    """What fetching pictures from elsewhere took, all together; None where none was."""
    is_at_work: bool = False
    """While the pipeline is. An answer may have begun by then, which tells how far it has come."""
    call: Call | None = None
    answer: Answer | None = None
    status: int | None = None
    """None as long as no answer has begun."""
    failure_code: str | None = None
    trace: "Trace | None" = None
    """Its span; None where there is none, as for probes."""

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """The exchange that begins with these headers; whoever gets its `scope` can find it there."""
        headers = Headers(scope=scope)
        state = dict(scope.get("state", {}))
        exchange = cls({**scope, "state": state}, headers, choose_request_id(headers), peer_of(scope))
        state["exchange"] = exchange
        return exchange

    def read_deadline(self, request_timeout_s: float) -> None:
        """Raises BadOption where the header is no number."""
        self.client_deadline = self.arrived_s + timeout_s(self.headers)
        self.deadline = min(self.client_deadline, self.arrived_s + request_timeout_s)

    def body_is_here(self, request_timeout_s: float) -> None:
        """The service's own time begins here: how long a body takes is the client's line."""
        self.read_ms = self.elapsed_ms
        if self.trace is not None:
            self.trace.stage(Measured("read", self.arrived_s, time.monotonic()))
        self.deadline = min(self.client_deadline, time.monotonic() + request_timeout_s)

    @contextlib.contextmanager
    def fetching(self) -> Iterator[str | None]:
        """While a picture of the request is being fetched from elsewhere; gives the `traceparent` for the other server,
        where there is one.
        """
        began_s = time.monotonic()
        try:
            with asking(self.trace, "fetch") as headers:
                yield headers.get("traceparent")
        finally:
            self.fetch_ms = round((self.fetch_ms or 0.0) + (time.monotonic() - began_s) * 1000, 1)

    def charge_pixels(self, pixel_count: int) -> None:
        """Those that are about to be decoded, on the caller's key."""
        if self.allowance is not None:
            self.allowance.take_pixels(pixel_count)

    def charging_once(self) -> Callable[[int], None]:
        """For several runs that are about one picture: the first that decodes it is charged, the others are not."""
        unpaid = [self.charge_pixels]

        def charge(pixel_count: int) -> None:
            if unpaid:
                unpaid.pop()(pixel_count)

        return charge

    def forget(self) -> None:
        """What is large, once all is said. The request knows its exchange and the exchange its request, so both stay
        until Python's collector of cycles comes by, and that may be hundreds of megabytes later.
        """
        self.answer = self.call = None

    @property
    def _connection(self) -> Mapping[str, Any]:
        """What our own server tells of it; of another we know nothing."""
        connection: Mapping[str, Any] = (self.scope.get("extensions") or {}).get(CONNECTION_EXTENSION, {})
        return connection

    @property
    def is_on_surplus_connection(self) -> bool:
        return bool(self._connection.get("is_surplus"))

    def abort(self) -> None:
        """Drop the connection with whatever is unsent, where the server lets us."""
        if abort := self._connection.get("abort"):
            abort()

    @property
    def is_work(self) -> bool:
        """Whether it wants something done, which takes admission: probes, metrics and pages do not, nor do those who
        change the service itself.
        """
        method, path = self.scope["method"], self.scope["path"]
        is_working_get = self.door is not None and path in self.door.working_gets
        return (method == "POST" and not is_administrative(method, path)) or is_working_get

    @property
    def goes_to_disk(self) -> bool:
        """Whether its body may be larger than what there is room for in memory."""
        return bool(self.scope["method"] == "POST" and self.scope["path"] in (FILMS, BATCHES))

    @property
    def is_deferred(self) -> bool:
        """Whether its work outlives it, so that it does not matter how long that has to wait."""
        return self.goes_to_disk or (self.door is None and prefers_async(self.headers))

    @property
    def is_head(self) -> bool:
        """Whether the client wants all but the body."""
        return bool(self.scope["method"] == "HEAD")

    @property
    def scope_of_the_app(self) -> Scope:
        """To the application HEAD is GET; what it says of the body is true, and the body is left out on its way."""
        return {**self.scope, "method": "GET"} if self.is_head else self.scope

    @property
    def elapsed_ms(self) -> float:
        return round((time.monotonic() - self.arrived_s) * 1000, 1)

    @property
    def trace_id(self) -> str | None:
        """Of its span, or of the caller's."""
        return trace_id(self.headers) if self.trace is None else self.trace.trace_id

    @property
    def traceparent(self) -> str:
        """For work that outlives it; empty where there is no span."""
        return "" if self.trace is None else self.trace.traceparent

    @property
    def stages_ms(self) -> dict[str, float]:
        """By their names in `STAGES`, as far as it came."""
        before = {"read": self.read_ms, "fetch": self.fetch_ms}
        came = {stage: elapsed_ms for stage, elapsed_ms in before.items() if elapsed_ms is not None}
        return came | (self.call.watch.elapsed_ms if self.call else {})

    @property
    def cache(self) -> str | None:
        """See `Call.cache`."""
        return None if self.call is None else self.call.cache

    @property
    def outcome(self) -> str:
        """`ok`, the code of a failure, or `disconnected` where nobody was there to hear it."""
        if self.status is None:
            return "disconnected"
        return self.failure_code or ("ok" if self.status < HTTPStatus.BAD_REQUEST else "failed")


async def client_leaves(receive: Receive) -> None:
    """Returns when it does; what else it sends is thrown away."""
    while (await receive())["type"] != "http.disconnect":
        continue


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` gives. Where the client leaves, what waits never begins, and what runs ends soon: ClientLeft."""
    task = asyncio.create_task(_letting_go(work))
    leaving = asyncio.create_task(client_leaves(request.receive))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientLeft
        return await task
    finally:
        task.cancel()
        leaving.cancel()
        await asyncio.wait({task, leaving})


async def _letting_go(work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` gives. A failure of it leaves with its story, and without the pictures on the way.

    Its traceback has the frames it came through, and they have what they worked on. Some of them have the failure as
    well, as that of a future; such a ring would be there until Python's collector of cycles comes by. At rest after
    two minutes of what benchmarks/reliability/chaos.py does the service had 588 MB, 481 of them in such rings; with
    this and `Exchange.forget` it has 104 (2026-11-28).
    """
    try:
        return await work
    except BaseException as failure:
        for each in _chain(failure):
            traceback.clear_frames(each.__traceback__)
        raise


def _chain(failure: BaseException) -> Iterator[BaseException]:
    """With those that it came of."""
    each: BaseException | None = failure
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__


def exchange_of(connection: HTTPConnection) -> Exchange:
    """That which the Gate has begun for this request."""
    exchange: Exchange = connection.state.exchange
    return exchange
