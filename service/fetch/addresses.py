"""Which addresses may be connected to on a stranger's word: those of the public Internet, and what the operator adds.

Tables of our own, not `ipaddress.is_global`: that one changes with the patch release of Python, and calls multicast,
NAT64 and 6to4 global.
"""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REFUSED_IPV4 = {
    "0.0.0.0/8": "this host",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by a provider's customers (CGNAT), and some clouds' metadata",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "Azure's own, reachable from its machines alone",
    "169.254.0.0/16": "link-local, and most clouds' metadata",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments, and Oracle's metadata",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "6to4 relays",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved, and broadcast",
}
"""Source: https://www.iana.org/assignments/iana-ipv4-special-registry, and what clouds document of themselves."""

UNICAST_IPV6 = ipaddress.IPv6Network("2000::/3")
"""All that was ever given out. Outside are loopback, mapped IPv4, NAT64, unique local, link-local and multicast."""

REFUSED_IPV6 = {
    "2001::/23": "protocol assignments, among them Teredo, which has an address of IPv4 inside",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4, which has an address of IPv4 inside",
    "3fff::/20": "documentation",
}
"""Source: https://www.iana.org/assignments/iana-ipv6-special-registry."""

_REFUSED: Sequence[Network] = [ipaddress.ip_network(network) for network in (*REFUSED_IPV4, *REFUSED_IPV6)]


def is_public(address: Address) -> bool:
    """Whether everybody on the Internet reaches the same machine by it."""
    if isinstance(address, ipaddress.IPv6Address) and address not in UNICAST_IPV6:
        return False
    return not any(address in network for network in _REFUSED)


def may_be_reached(address: Address, private: Sequence[Network]) -> bool:
    """`private`: networks that the operator has opened."""
    return is_public(address) or any(address in network for network in private)
