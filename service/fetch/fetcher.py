"""Fetches one picture: its redirects, and how many bytes and seconds it may take. Knows no HTTP of our own.

No cookies, no proxy, no referrer, no content coding, no credentials but those that the operator gave for a server: each
fetch is a new connection that knows nothing.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Iterator, Mapping
from ipaddress import ip_network

import httpcore2

from service.environment import is_named
from service.errors import DeadlineExceeded, FetchFailed, FetchingOff, TooManyBytes, TooManyFetches, UrlRefused
from service.fetch.network import GuardedNetwork, Resolve, resolve
from service.fetch.outgoing import Connector
from service.fetch.target import Target
from service.fetch.trust import believing
from service.queue.budget import Budget
from service.queue.permit import Permit
from service.settings import Settings

MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
OK = 200

CONNECT_TIMEOUT_S = 5.0
"""For each address of a name, and for TLS."""

STALL_S = 5.0
"""What a body may take beyond its length at `min_bytes_per_s`."""

FREE_PARTS = 1000
MIN_PART_BYTES = 256
"""A body may come in so many parts, and one more for so many bytes: a chunk of one byte costs as much time as a large
one, and 300,000 of them kept one core busy for 20 seconds."""

HEADERS = {
    "Accept": "image/*, */*;q=0.1",  # Label Studio answers 406 where pictures alone are accepted, for a picture
    "Accept-Encoding": "identity",
}


class Fetcher:
    """One for the whole service. For the event loop alone."""

    def __init__(self, settings: Settings, resolve: Resolve = resolve) -> None:
        """Raises ConfigurationError where the file of authorities cannot be read."""
        self._settings = settings
        network = GuardedNetwork([ip_network(each) for each in settings.fetch_private], resolve)
        tls = believing(settings.fetch_ca_file) if settings.fetch else None
        self._connector = Connector(network, tls, {"connect": CONNECT_TIMEOUT_S})
        self._running = Budget(settings.max_fetches, settings.max_fetches, settings.peer_share)

    async def fetch(
        self,
        url: str,
        permit: Permit,
        deadline: float = math.inf,
        authorization: str | None = None,
        traceparent: str | None = None,
    ) -> bytes:
        """The bytes at `url`, whatever they are; they count on `permit` as if the caller had sent them.

        `authorization` is what the operator gave for that server: where it redirects to another one, it is not sent.
        `traceparent` (W3C Trace Context) is sent to each; `tracestate` is not, as it may say more than a number.
        `deadline` is on the event loop's clock. Cancelling it closes the connection. Raises FetchingOff, UrlRefused,
        FetchFailed, TooManyFetches, TooManyBytes, QueueFull or DeadlineExceeded.
        """
        self._check_on()
        target = self._allowed(Target.parse(url))
        with self._place(permit.peer):
            said = {"Authorization": authorization, "traceparent": traceparent}
            headers = {name: value for name, value in said.items() if value is not None}
            return await self._in_time(target, permit, deadline, headers)

    def check(self, url: str) -> None:
        """Raises FetchingOff or UrlRefused, as far as that can be said before anybody is asked."""
        self._check_on()
        self._allowed(Target.parse(url))

    def _check_on(self) -> None:
        if not self._settings.fetch:
            raise FetchingOff("SILHOUETTE_FETCH=https on the service lets it; else send the picture itself")

    def _allowed(self, target: Target) -> Target:
        """Raises UrlRefused for what the operator has not opened; where a name leads is seen when it is connected."""
        settings = self._settings
        if target.scheme not in settings.fetch:
            raise UrlRefused(f"only {' and '.join(settings.fetch)} is fetched from")
        if target.port not in settings.fetch_ports:
            raise UrlRefused(f"port {target.port} is not fetched from; SILHOUETTE_FETCH_PORTS can allow it")
        if not is_named(target.host, settings.fetch_hosts):
            raise UrlRefused(f"{target.host} is not fetched from; SILHOUETTE_FETCH_HOSTS can allow it")
        return target

    @contextlib.contextmanager
    def _place(self, peer: str) -> Iterator[None]:
        """Raises TooManyFetches."""
        if not self._running.fits(1, peer):
            raise TooManyFetches(f"{self._running.used} of at most {self._settings.max_fetches}, or your share of them")
        self._running.take(1, peer)
        try:
            yield
        finally:
            self._running.give_back(1, peer)

    async def _in_time(self, target: Target, permit: Permit, deadline: float, headers: Mapping[str, str]) -> bytes:
        limit_s = self._settings.fetch_timeout_s
        ours = asyncio.get_running_loop().time() + limit_s
        try:
            async with asyncio.timeout_at(min(ours, deadline)):
                return await self._follow(target, permit, headers)
        except TimeoutError as error:
            if deadline < ours:
                raise DeadlineExceeded("the picture was not fetched before the request's deadline") from error
            raise FetchFailed(f"{target.host} took more than {limit_s:g} seconds") from error

    async def _follow(self, target: Target, permit: Permit, headers: Mapping[str, str]) -> bytes:
        origin = target.origin
        for _ in range(MAX_REDIRECTS + 1):
            if target.origin != origin:
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            async with self._connector.asking("GET", target, {**HEADERS, **headers}) as response:
                location = _location(response)
                if location is None:
                    return await self._read(response, target, permit)
            target = self._allowed(target.redirected(location))
        raise FetchFailed(f"more than {MAX_REDIRECTS} redirects")

    async def _read(self, response: httpcore2.Response, target: Target, permit: Permit) -> bytes:
        """Raises FetchFailed where the answer is none, or comes too slowly; TooManyBytes; QueueFull."""
        self._check(response, target)
        settings, content = self._settings, bytearray()
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(STALL_S) as pace, contextlib.aclosing(response.aiter_stream()) as parts:
                async for part in _no_crumbs(parts, target):
                    self._check_length(len(content) + len(part))
                    permit.take_bytes(len(part))
                    content += part
                    pace.reschedule(began + STALL_S + len(content) / settings.min_bytes_per_s)
                    await asyncio.sleep(0)  # a thousand small parts at once must not hold the event loop
        except TimeoutError as error:
            raise FetchFailed(f"{target.host} sent less than {settings.min_bytes_per_s:g} bytes a second") from error
        return bytes(content)

    def _check(self, response: httpcore2.Response, target: Target) -> None:
        """On the headers alone."""
        if response.status != OK:
            raise FetchFailed(f"{target.host} answered with status {response.status}")
        coding = _header(response, b"content-encoding") or "identity"
        if coding.lower() != "identity":
            raise FetchFailed(f"{target.host} answered with Content-Encoding: {coding[:20]}, which was not asked for")
        announced = _header(response, b"content-length") or ""
        self._check_length(int(announced[:18]) if announced.isdecimal() else 0)

    def _check_length(self, count: int) -> None:
        if count > self._settings.max_upload_bytes:
            raise TooManyBytes(f"what the URL leads to has more than {self._settings.max_upload_bytes} bytes")


async def _no_crumbs(parts: AsyncIterator[bytes], target: Target) -> AsyncIterator[bytes]:
    """The parts, as they are. Raises FetchFailed where they are many and small."""
    left: float = FREE_PARTS
    async for part in parts:
        left += len(part) / MIN_PART_BYTES - 1
        if left < 0:
            raise FetchFailed(f"{target.host} sent too many small parts")
        yield part


def _location(response: httpcore2.Response) -> str | None:
    """Where a redirect leads to; None where it is no redirect."""
    return _header(response, b"location") if response.status in REDIRECTS else None


def _header(response: httpcore2.Response, name: bytes) -> str | None:
    """The last of that name."""
    values = {key.lower(): value for key, value in response.headers}
    return values.get(name, b"").decode("utf-8", "replace") or None
