"""One request to another server: on a connection of its own, by a guarded network."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import httpcore2

from service import __version__
from service.errors import FetchFailed
from service.fetch.network import GuardedNetwork
from service.fetch.target import Target


@dataclass(frozen=True)
class Connector:
    """How whoever asks connects, and how long each step of that may take."""

    network: GuardedNetwork
    tls: ssl.SSLContext | None
    timeout_s: Mapping[str, float]
    """Of `connect`, `read` and `write`; those that are not named may take any time."""

    @contextlib.asynccontextmanager
    async def asking(
        self, method: str, target: Target, headers: Mapping[str, str], content: bytes | None = None
    ) -> AsyncIterator[httpcore2.Response]:
        """A response whose body is still to come. Raises FetchFailed, also for what is read within this; UrlRefused."""
        url = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        connection = httpcore2.AsyncHTTPConnection(url.origin, self.tls, network_backend=self.network)
        ours = {"Host": target.netloc, "User-Agent": f"Silhouette/{__version__}", "Connection": "close"}
        sent, extensions = list({**ours, **headers}.items()), {"timeout": self.timeout_s}
        try:
            async with (
                connection,
                connection.stream(method, url, headers=sent, content=content, extensions=extensions) as response,
            ):
                yield response
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise FetchFailed(f"{target.host}: {str(error) or type(error).__name__}") from error
