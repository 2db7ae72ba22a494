"""A fetcher that may reach the tests' own servers, under names of a DNS of ours."""

from ipaddress import ip_address
from pathlib import Path

from service.fetch import Fetcher
from service.fetch.addresses import Address
from service.queue.admission import Admission, Limits
from service.queue.budget import Budget
from service.queue.permit import Permit
from service.settings import read_settings
from tests.picture_server import PictureServer

ADDRESSES = {
    "pictures.example": ["127.0.0.1"],
    "other.example": ["127.0.0.1"],
    "inner.example": ["10.0.0.1"],
    "both.example": ["10.0.0.1", "127.0.0.1"],
}
"""What the tests' DNS says; other names do not exist."""


class Queue:
    waiting = 0

    def expected_wait_s(self) -> float:
        return 0.0


class Names:
    """A DNS that notes what it was asked, and after its first answer says `then`, if that is set."""

    def __init__(self, then: str | None = None) -> None:
        self.asked: list[str] = []
        self._then = then

    async def resolve(self, host: str, port: int) -> list[Address]:
        self.asked.append(host)
        if self._then is not None and len(self.asked) > 1:
            return [ip_address(self._then)]
        return [ip_address(address) for address in ADDRESSES.get(host, [])]


def permit(max_bytes: int = 1_000_000, peer: str = "") -> Permit:
    budgets = Budget(max_bytes, max_bytes, 1), Budget(1, 1, 1)
    return Admission(Limits(8, Budget(1, 1, 1), *budgets), Queue()).admit(peer)


def fetcher(server: PictureServer, ca_file: Path | None, names: Names | None = None, **settings: object) -> Fetcher:
    opened: dict[str, object] = {
        "fetch": "https",
        "fetch_hosts": "*.example,localhost",
        "fetch_ports": f"443,{server.port}",
        "fetch_private": "127.0.0.0/8",
        "fetch_ca_file": ca_file,
        "max_upload_bytes": 1000,
    }
    return Fetcher(read_settings(**opened | settings), (names or Names()).resolve)


def url(server: PictureServer, path: str = "/a.png", host: str = "pictures.example") -> str:
    return f"https://{host}:{server.port}{path}"
