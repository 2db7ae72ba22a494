"""Whose request it is, as far as limits are concerned."""

import functools
import ipaddress

from starlette.types import Scope

CUSTOMER_PREFIX = 64
"""Bits of an IPv6 address that name one customer of a provider, who has all the addresses below (RFC 6177)."""


def peer_of(scope: Scope) -> str:
    """The client's address, of IPv6 its /64 network; empty where the server knows none, as on a Unix socket.

    Behind a proxy that `trusted_proxies` names, the server has put the proxy's client there.
    """
    client = scope.get("client")
    if not client:
        return ""
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:  # a name for tests, or a proxy that says `unknown`
        return str(client[0])
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, CUSTOMER_PREFIX), strict=False))


TOLD_BY_PROXIES = (b"forwarded", b"x-real-ip", b"via")
"""Headers of proxies that say who asks in another way than ours is told: their own address says nothing then."""


def is_local(scope: Scope) -> bool:
    """Whether it surely comes from this machine. A proxy here that says nothing of itself cannot be told from it."""
    if not scope.get("client") or any(name in TOLD_BY_PROXIES for name, _ in scope["headers"]):
        return False
    try:
        address = ipaddress.ip_address(scope["client"][0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def is_trusted_proxy(address: str | None, proxies: tuple[str, ...]) -> bool:
    """Whether what it says of its clients in `X-Forwarded-For` is believed: `proxies` are networks, or `*`."""
    if "*" in proxies:
        return True
    try:
        client = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return any(client in network for network in _networks(proxies))


@functools.cache
def _networks(proxies: tuple[str, ...]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(proxy) for proxy in proxies]
