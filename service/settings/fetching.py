"""Pictures that a caller names by a URL."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from service.environment import OR_EMPTY, HostNames, Networks, Ports, Schemes
from service.settings.part import SettingsPart


class FetchSettings(SettingsPart):
    """Pictures that a caller names by a URL."""

    fetch: Schemes = ()
    """How pictures may be fetched that a caller names by a URL: `https`, or `https,http`. Off, such requests are
    refused. On, callers choose what this machine connects to; the four below bound that."""

    fetch_hosts: HostNames = ("*",)
    """Hosts that are fetched from: `images.example.org`, or `*.example.org` for all below; `*` is any that has a public
    address."""

    fetch_ports: Ports = (80, 443)
    """Ports that are fetched from. Others lead to services that take a request for something else."""

    fetch_private: Networks = ()
    """Addresses or networks that are fetched from although they are not public, such as that of an image store,
    `10.1.2.0/24`. Whoever may ask for a fetch reaches them, so they take names in `fetch_hosts`, not `*`."""

    fetch_ca_file: Annotated[Path | None, OR_EMPTY] = None
    """Certificates (PEM) of further authorities that servers of pictures are believed by."""

    fetch_timeout_s: float = Field(20.0, gt=0)
    """For one picture, redirects included. Higher keeps a place of `queue_capacity` for servers that do not answer."""

    max_fetches: int = Field(16, ge=1)
    """Pictures that are being fetched at once. Each keeps a place of `queue_capacity` meanwhile: higher lets slow
    servers take more of them."""

    @model_validator(mode="after")
    def _private_hosts_are_named(self) -> Self:
        if self.fetch_private and "*" in self.fetch_hosts:
            raise ValueError("SILHOUETTE_FETCH_PRIVATE opens an inner net: name its hosts in SILHOUETTE_FETCH_HOSTS")
        if "*" in self.fetch_private:
            raise ValueError("SILHOUETTE_FETCH_PRIVATE names networks; `*` is none")
        return self
