"""How settings are written in the environment: lists with commas, names of hosts, networks. Types for pydantic."""

import re
from ipaddress import ip_network
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode


def _words(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _listed(value: object) -> object:
    return _words(value) if isinstance(value, str) else value


def _host_names(value: object) -> object:
    if isinstance(value, str):
        return tuple(name.strip().rstrip("/.").lower() for name in value.split(",") if name.strip())
    return value


def _networks(value: object) -> object:
    if isinstance(value, str):
        named = _words(value)
        return tuple(network if network == "*" else str(ip_network(network, strict=False)) for network in named)
    return value


def _schemes(value: object) -> object:
    return () if value in ("", "off", "none") else _listed(value.lower() if isinstance(value, str) else value)


def _empty_is_unset(value: object) -> object:
    return None if value == "" else value


def _auto_is_unset(value: object) -> object:
    return None if value in ("", "auto") else value


class Route(NamedTuple):
    """A share of what is asked of one model goes to another."""

    model: str
    other: str
    share: float
    """From 0 to 1."""


ROUTE = re.compile(r"(?P<model>[a-z0-9-]+)=(?P<other>[a-z0-9-]+):(?P<percent>\d+(\.\d+)?)%")


def _routes(value: object) -> object:
    return tuple(map(_route, _words(value))) if isinstance(value, str) else value


def _route(text: str) -> Route:
    told = ROUTE.fullmatch(text)
    if told is None or not 0 < float(told["percent"]) <= 100 or told["model"] == told["other"]:
        raise ValueError("a route looks like u2net=birefnet-lite:5%")
    return Route(told["model"], told["other"], float(told["percent"]) / 100)


def _one_each(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    if len({route.model for route in routes}) != len(routes):
        raise ValueError("of each model there is one route at most")
    return routes


OR_EMPTY = BeforeValidator(_empty_is_unset)
"""For what is off where it is not set: so may be said in words as well, by an empty value."""

OR_AUTO = BeforeValidator(_auto_is_unset)
"""For what the service finds by itself where it is not set, or said to be `auto`."""

HostNames = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_host_names)]
"""`photos.example.org`, `*.example.org` for all below, `*` for any; also origins. Lower case, no final slash."""

Networks = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_networks)]
"""An address is the network of itself alone; `*` is any."""

Ports = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_listed)]

Schemes = Annotated[tuple[Literal["https", "http"], ...], NoDecode, BeforeValidator(_schemes)]
"""Of URLs; `off` is none."""


Routes = Annotated[tuple[Route, ...], NoDecode, BeforeValidator(_routes), AfterValidator(_one_each)]
"""`u2net=birefnet-lite:5%`"""


def matching(pattern: str, wanted: str) -> AfterValidator:
    """Text of that form. Who wrote something else is told what is wanted, and not the pattern."""

    def check(value: str | None) -> str | None:
        if value is not None and not re.fullmatch(pattern, value):
            raise ValueError(f"it takes {wanted}")
        return value

    return AfterValidator(check)


def is_named(host: str, names: tuple[str, ...]) -> bool:
    """Whether a list of `HostNames` has this one."""
    return any(name in ("*", host) or (name.startswith("*.") and host.endswith(name[1:])) for name in names)
