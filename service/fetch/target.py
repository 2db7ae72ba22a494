"""What a URL asks to be fetched, taken apart once: what is checked is what is connected to, never a second reading."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urljoin, urlsplit

import idna

from service.errors import UrlRefused

MAX_URL_CHARS = 8192
"""Signed URLs of object stores have up to 2000."""

DEFAULT_PORTS = {"http": 80, "https": 443}

UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")
"""Readers of URLs disagree about these: some drop them, some take the backslash for a slash."""

HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

KEPT = "/%:@!$&'()*+,;=~?[]"
"""What stays as it is in a path or a query; spaces and letters beyond ASCII become `%` and digits."""


def is_url(text: str) -> bool:
    """Whether it means to be fetched, however it may be wrong; base64 and paths do not begin like this."""
    return text[:6].lower().startswith(("http:", "https:"))


@dataclass(frozen=True)
class Target:
    """One resource, where and how it is asked for."""

    scheme: str
    host: str
    """In lower case and ASCII, without a final dot; an address of IPv6 without its brackets."""
    port: int
    path: str
    """With the query, in ASCII."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises UrlRefused for what is no absolute http or https URL, or can be read in two ways."""
        text = url.strip()
        if len(text) > MAX_URL_CHARS or UNSAFE.search(text):
            raise UrlRefused(f"it has more than {MAX_URL_CHARS} characters, or control characters or backslashes")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise UrlRefused("its host or its port cannot be read") from error
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise UrlRefused("it does not begin with https:// and a host")
        if "@" in parts.netloc:
            raise UrlRefused("it has a user's name or password in it, which are not sent")
        if "[" in parts.netloc and ":" not in parts.hostname:
            raise UrlRefused("its host has brackets and is no address of IPv6")
        path = quote(parts.path or "/", KEPT) + (f"?{quote(parts.query, KEPT)}" if parts.query else "")
        return cls(parts.scheme, canonical_host(parts.hostname), port or DEFAULT_PORTS[parts.scheme], path)

    def redirected(self, location: str) -> Self:
        """The target of a redirect from here, relative ones too. Raises UrlRefused."""
        if UNSAFE.search(location):
            raise UrlRefused("it redirects to what can be read in two ways")
        try:
            target = self.parse(urljoin(f"{self.origin}{self.path}", location))
        except ValueError as error:
            raise UrlRefused("it redirects to what cannot be read") from error
        if self.scheme == "https" and target.scheme != "https":
            raise UrlRefused("it redirects from https to http")
        return target

    @property
    def netloc(self) -> str:
        """For the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """As far as it may be told to anybody: queries are often signatures."""
        return f"{self.scheme}://{self.netloc}"


def canonical_host(host: str) -> str:
    """The one way to write it. Raises UrlRefused where there is none.

    An address is four decimal numbers, or IPv6 without a zone: what else resolvers read as addresses (one number,
    octal, hexadecimal, fewer than four) is refused and not guessed at.
    """
    if ":" in host:
        return _address(host, ipaddress.IPv6Address)
    name = _ascii(host.lower()).removesuffix(".")
    if not HOST.fullmatch(name):
        raise UrlRefused("its host is neither a name nor an address")
    return _address(name, ipaddress.IPv4Address) if NUMBER.fullmatch(name.rpartition(".")[2]) else name


def _ascii(host: str) -> str:
    """Names beyond ASCII as DNS has them (IDNA 2008), such as xn--bcher-kva.example."""
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode().lower()
    except idna.IDNAError as error:
        raise UrlRefused("its host is no name that DNS could have") from error


def _address(host: str, kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]) -> str:
    try:
        address = kind(host)
    except ValueError as error:
        raise UrlRefused("its host is an address written in an odd way") from error
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise UrlRefused("its host is an address with a zone")
    return str(address)
