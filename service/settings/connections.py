"""Where the service listens, and what it grants to those who connect."""

from typing import Annotated

from pydantic import Field

from service.environment import Networks, matching
from service.settings.part import SettingsPart


class ConnectionSettings(SettingsPart):
    """Where the service listens, and what it grants to those who connect."""

    host: str = "127.0.0.1"
    """Address to listen on. `0.0.0.0` lets other machines in."""

    port: int = Field(8000, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""

    max_connections: int = Field(1024, ge=1)
    """Open connections, idle ones too. Where there are more, the one that was idle for longest is closed. Each takes
    about 20 kB, and a file descriptor."""

    keep_alive_timeout_s: float = Field(75.0, gt=0)
    """A connection without a request is closed after so long. It must be longer than that of a balancer in front, or
    else some of its requests meet a closing connection; most keep 60."""

    header_timeout_s: float = Field(20.0, gt=0)
    """For the headers of one request. Higher keeps those who send them on purpose a byte at a time."""

    max_header_bytes: int = Field(65_536, ge=1024)
    """Of one request, its path included. Higher lets each connection take as much memory before it is known."""

    trusted_proxies: Networks = ("127.0.0.1/32", "::1/128")
    """Addresses or networks of the proxies in front, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; `*`
    is any. Whoever is named here can pretend to be anybody."""

    max_uploads: int = Field(256, ge=1)
    """Request bodies that are on their way at once. They wait for a place among `queue_capacity` when they are here;
    higher lets more of them wait. Where all are taken, the slowest makes room for the next."""

    upload_timeout_s: float = Field(30.0, gt=0)
    """What one request body may take beyond its length at `min_bytes_per_s`. Higher lets silent clients stay longer."""

    send_timeout_s: float = Field(30.0, gt=0)
    """What one answer may take beyond its length at `min_bytes_per_s`. Higher keeps answers in memory that nobody
    reads."""

    min_bytes_per_s: float = Field(8192.0, gt=0)
    """How fast a client has to send and to read, on average. Lower serves slower lines, and lets clients who are slow
    on purpose hold memory for longer."""

    peer_share: float = Field(0.5, gt=0, le=1)
    """How much of what all clients share one address may have while there are others: connections, uploads, live
    sessions, bytes and megapixels in flight. Higher lets one client fill the service; 1 is right where all come from
    one address."""

    root_path: Annotated[str, matching(r"(/[^/]+)*", "a path such as /silhouette, without a slash at its end")] = ""
    """The path under which a proxy offers the service, such as `/silhouette`, and which it takes off before it asks:
    `/docs` and its examples need to know."""
