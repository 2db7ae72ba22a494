"""Connects to a host by its name, once it is known where that leads.

The name is resolved here, once, and the connection goes to the very address that was looked at: a second answer of the
DNS (rebinding) is never asked for. TLS and the `Host` header keep the name.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

import httpcore2

from service.errors import UrlRefused
from service.fetch.addresses import Address, Network, may_be_reached

MAX_ADDRESSES = 4
"""Of one name, tried one after the other."""


Resolve = Callable[[str, int], Awaitable[list[Address]]]
"""(host, port) -> its addresses, the preferred first; none where there is no such name."""


async def resolve(host: str, port: int) -> list[Address]:
    """As the system does it."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        return []
    return list(dict.fromkeys(ipaddress.ip_address(address[0]) for *_, address in found))


class GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """For httpcore2, which opens its connections through it and in no other way."""

    def __init__(self, private: Sequence[Network], resolve: Resolve = resolve) -> None:
        self._resolve = resolve
        self._private = private
        self._tcp = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises UrlRefused where the name leads to no address that may be reached: it is not told which it has, or
        whether it has any, as that would map the names of an inner network."""
        addresses = [address for address in await self._resolve(host, port) if may_be_reached(address, self._private)]
        if not addresses:
            raise UrlRefused(f"{host} has no address that may be fetched from")
        *first, last = addresses[:MAX_ADDRESSES]
        for address in first:
            with contextlib.suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                return await self._tcp.connect_tcp(str(address), port, timeout, local_address, socket_options)
        return await self._tcp.connect_tcp(str(last), port, timeout, local_address, socket_options)
