"""Under which names the service answers, and which place on the net a `Host` or an `Origin` means.

A page of an attacker can have its own name point to this machine, after it was loaded from another one (DNS rebinding):
to a browser it is then of one origin with the service. Only the name in `Host` tells.
"""

import functools
import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from service.environment import is_named
from service.errors import HostNotAllowed, OriginRefused

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

CONTAINERS_HOST = "host.docker.internal"
"""What Docker calls the machine that a container runs on."""


def check_host(headers: Headers, allowed: tuple[str, ...]) -> None:
    """Raises HostNotAllowed. Programs may leave `Host` out, as HTTP/1.0 does; browsers never do."""
    if "*" in allowed:
        return
    for host in headers.getlist("host"):
        name = (place(host)[0] or "").rstrip(".")
        if host and not _is_ours(name) and not is_named(name, allowed):
            raise HostNotAllowed(f"nobody said that this is {host!r}: SILHOUETTE_ALLOWED_HOSTS can allow it")


def check_origin(headers: Headers, allowed: tuple[str, ...]) -> None:
    """For what a browser asks whichever page wants it: CORS hides only the answer.

    Raises OriginRefused for a page that is neither of this service nor of an allowed origin.
    """
    origin = headers.get("origin")
    if origin is None or "*" in allowed or origin.lower() in allowed:
        return
    page = urlsplit(origin)
    if place(page.netloc, page.scheme) != place(headers.get("host", ""), page.scheme):
        raise OriginRefused(f"the page is from {origin!r}: SILHOUETTE_ALLOWED_ORIGINS can allow it")


def place(netloc: str, scheme: str = "http") -> tuple[str | None, int | None]:
    """(host in lower case, port)"""
    try:
        parts = urlsplit(f"//{netloc}")
        return parts.hostname, parts.port or DEFAULT_PORTS.get(scheme)
    except ValueError:  # a port that is no number
        return None, None


def _is_ours(name: str) -> bool:
    """Whether nobody can have the name point to whatever he likes.

    Names without a dot are of no public domain: they come from a hosts file, a container network or a search list.
    """
    if not name:
        return False
    return _is_address(name) or "." not in name or name.endswith(".localhost") or name in _own_names()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@functools.cache
def _own_names() -> frozenset[str]:
    own = socket.gethostname().lower()
    return frozenset({own, f"{own}.local", CONTAINERS_HOST})
