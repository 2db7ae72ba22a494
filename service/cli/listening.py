"""The sockets that the service listens on, taken before anything is loaded; and in words, why one cannot be had."""

import errno
import os
import socket

from service.configuration_errors import CannotListen

FIRST_PORT_FOR_EVERYBODY = 1024


def bound_to_all(host: str, port: int) -> list[socket.socket]:
    """One for each address that `host` stands for, but for families that this machine has switched off.

    Raises CannotListen.
    """
    bound, off = list[socket.socket](), None
    for family, address in _addresses(host, port):
        try:
            bound.append(_bound(family, address))
        except OSError as error:
            off = error
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise CannotListen(_why_not(error, host, port)) from None
    if off and not bound:
        raise CannotListen(_why_not(off, host, port))
    return bound


def bound_to_one(host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """Several processes may have a shared one, on Linux. Raises CannotListen."""
    try:
        return _bound(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port), is_shared=is_shared)
    except OSError as error:
        raise CannotListen(_why_not(error, host, port)) from None


def _addresses(host: str, port: int) -> list[tuple[int, tuple[object, ...]]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise CannotListen(_why_not(error, host, port)) from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _bound(family: int, address: tuple[object, ...], *, is_shared: bool = False) -> socket.socket:
    made = socket.socket(family)
    try:
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if is_shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def _why_not(error: OSError, host: str, port: int) -> str:
    """In one line, with what to change."""
    if isinstance(error, socket.gaierror):
        return f"no address is known for {host!r}; SILHOUETTE_HOST or --host names another host"
    if error.errno == errno.EADDRINUSE:
        another = "SILHOUETTE_PORT or --port names another one, and 0 takes one that is free"
        return f"port {port} of {host} is already in use; {another}"
    if error.errno == errno.EACCES and port < FIRST_PORT_FOR_EVERYBODY:
        return f"this user may not listen on port {port}; from {FIRST_PORT_FOR_EVERYBODY} on everybody may: --port 8000"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; SILHOUETTE_HOST or --host names one, 0.0.0.0 is all of them"
    return f"the service cannot listen on port {port} of {host}: {error.strerror}"
