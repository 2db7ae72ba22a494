"""A picture is fetched within its limits, and nothing is reached that was not opened."""

import asyncio
import logging
import math
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from service.configuration_errors import ConfigurationError
from service.errors import (
    DeadlineExceeded,
    Failure,
    FetchFailed,
    FetchingOff,
    QueueFull,
    TooManyBytes,
    TooManyFetches,
    UrlRefused,
)
from service.fetch import Fetcher
from service.fetch.addresses import Address
from service.queue.admission import Admission, Limits
from service.queue.budget import Budget
from service.queue.permit import Permit
from service.settings import read_settings
from tests.picture_server import PictureServer, authority, ok, redirect, serving

pytestmark = pytest.mark.anyio

ADDRESSES = {
    "pictures.example": ["127.0.0.1"],
    "other.example": ["127.0.0.1"],
    "inner.example": ["10.0.0.1"],
    "both.example": ["10.0.0.1", "127.0.0.1"],
}
"""What the tests' DNS says; other names do not exist."""


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"80\r\n" + b"a" * 128 + b"\r\n"


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


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with authority().cert_pem.tempfile(str(tmp_path_factory.mktemp("authority"))) as file:
        yield Path(file)


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


async def test_the_bytes_of_a_picture_come_whole_and_count_on_the_permit(ca_file: Path) -> None:
    async with serving({"/a.png?token=1": ok(b"picture")}) as server:
        taken = permit(max_bytes=7)
        assert await fetcher(server, ca_file).fetch(url(server, "/a.png?token=1#part"), taken) == b"picture"
        with pytest.raises(QueueFull):
            taken.take_bytes(1)


async def test_the_other_server_hears_the_name_and_nothing_of_us(
    ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    answers = {"/a.png": redirect("/b.png") + b"", "/b.png": ok(b"picture")}
    answers["/a.png"] = answers["/a.png"].replace(b"Content", b"Set-Cookie: id=1\r\nContent")
    async with serving(answers) as server:
        await fetcher(server, ca_file).fetch(url(server), permit())
        for head in server.requests:
            names = {line.partition(":")[0].lower() for line in head.split("\r\n")[1:] if line}
            assert names == {"host", "accept", "accept-encoding", "user-agent", "connection"}
            assert f"Host: pictures.example:{server.port}\r\n" in head
            assert "Accept-Encoding: identity\r\n" in head


async def test_a_name_is_resolved_once_for_each_connection(ca_file: Path) -> None:
    async with serving({"/a.png": ok(b"picture")}) as server:
        rebinding = Names(then="10.0.0.1")
        assert await fetcher(server, ca_file, rebinding).fetch(url(server), permit()) == b"picture"
        assert rebinding.asked == ["pictures.example"]


async def test_a_redirect_to_the_same_name_is_looked_at_again(ca_file: Path) -> None:
    async with serving({"/a.png": redirect("/b.png"), "/b.png": ok(b"picture")}) as server:
        with pytest.raises(UrlRefused):
            await fetcher(server, ca_file, Names(then="10.0.0.1")).fetch(url(server), permit())
        assert len(server.requests) == 1


async def test_of_several_addresses_only_those_that_may_be_reached_are_tried(ca_file: Path) -> None:
    async with serving({"/a.png": ok(b"picture")}) as server:
        with pytest.raises(FetchFailed, match="certificate"):  # it was there, and has no certificate for this name
            await fetcher(server, ca_file).fetch(url(server, host="both.example"), permit())


@pytest.mark.parametrize("host", ["inner.example", "nowhere.example"])
async def test_an_inner_name_and_none_at_all_are_refused_in_the_same_words(ca_file: Path, host: str) -> None:
    async with serving({}) as server:
        with pytest.raises(UrlRefused) as refused:
            await fetcher(server, ca_file).fetch(url(server, host=host), permit())
        assert refused.value.detail == f"{host} has no address that may be fetched from"


@pytest.mark.parametrize("location", ["https://inner.example/", "https://10.0.0.1/", "https://localhost./", "//[::1]/"])
async def test_a_redirect_does_not_lead_inside(ca_file: Path, location: str) -> None:
    async with serving({"/a.png": redirect(location)}) as server:
        with pytest.raises(UrlRefused):
            await fetcher(server, ca_file, fetch_hosts="*.example,10.0.0.1,::1,localhost").fetch(url(server), permit())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_of_every_kind_lead_to_other_hosts_too(ca_file: Path, status: int) -> None:
    answers = {"/a.png": redirect("https://other.example:PORT/b.png", status), "/b.png": ok(b"picture")}
    async with serving(answers) as server:
        assert await fetcher(server, ca_file).fetch(url(server), permit()) == b"picture"


async def test_what_the_operator_gave_for_a_server_is_sent_to_no_other(ca_file: Path) -> None:
    answers = {
        "/a.png": redirect("/b.png"),
        "/b.png": redirect("https://other.example:PORT/c.png"),
        "/c.png": ok(b"picture"),
    }
    async with serving(answers) as server:
        await fetcher(server, ca_file).fetch(url(server), permit(), authorization="Token secret")
        assert ["Authorization: Token secret" in head for head in server.requests] == [True, True, False]


async def test_five_redirects_are_followed_and_six_are_not(ca_file: Path) -> None:
    answers = {f"/{number}": redirect(f"/{number + 1}") for number in range(6)} | {"/6": ok(b"picture")}
    async with serving(answers) as server:
        assert await fetcher(server, ca_file).fetch(url(server, "/1"), permit()) == b"picture"
        with pytest.raises(FetchFailed, match="redirects"):
            await fetcher(server, ca_file).fetch(url(server, "/0"), permit())


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "http://pictures.example/a.png"),
        ({"fetch": "http"}, "https://pictures.example/a.png"),
        ({}, "https://pictures.example:22/a.png"),
        ({"fetch_hosts": "shop.example"}, "https://pictures.example/a.png"),
        ({"fetch_hosts": "*.shop.example"}, "https://shop.example/a.png"),
        ({"fetch_hosts": "*.shop.example"}, "https://evilshop.example/a.png"),
        ({"fetch_hosts": ""}, "https://pictures.example/a.png"),
    ],
)
async def test_what_the_operator_has_not_opened_is_refused_without_a_look_at_the_network(
    ca_file: Path, settings: dict[str, str], address: str
) -> None:
    names = Names()
    async with serving({}) as server:
        with pytest.raises(UrlRefused):
            await fetcher(server, ca_file, names, **settings).fetch(address, permit())
    assert not names.asked


async def test_plain_http_is_fetched_where_it_is_allowed(ca_file: Path) -> None:
    async with serving({"/a.png": ok(b"picture")}, tls=False) as server:
        allowing = fetcher(server, ca_file, fetch="https,http")
        assert await allowing.fetch(url(server).replace("https", "http"), permit()) == b"picture"


async def test_fetching_is_off_unless_it_was_switched_on() -> None:
    with pytest.raises(FetchingOff, match="SILHOUETTE_FETCH"):
        await Fetcher(read_settings()).fetch("https://pictures.example/a.png", permit())


async def test_a_file_of_authorities_that_is_none_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(ConfigurationError, match=rf"SILHOUETTE_FETCH_CA_FILE: .*{name}: "):
            Fetcher(read_settings(fetch="https", fetch_ca_file=tmp_path / name))


async def test_a_certificate_of_nobody_we_believe_is_refused() -> None:
    async with serving({"/a.png": ok(b"picture")}) as server:
        with pytest.raises(FetchFailed, match="certificate"):
            await fetcher(server, None).fetch(url(server), permit())
        assert not server.requests


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", FetchFailed),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", FetchFailed),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\na", FetchFailed),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", FetchFailed),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", FetchFailed),
        (ok(b"\x1f\x8b", "Content-Encoding: gzip"), FetchFailed),
        (ok(b"a" * 1001), TooManyBytes),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", TooManyBytes),
        (CHUNKED + CHUNK, FetchFailed),
        (CHUNKED + CHUNK * 8, TooManyBytes),
    ],
    ids=["404", "304", "206", "no-location", "not-http", "gzip", "long", "announced", "unfinished", "chunks"],
)
async def test_what_is_no_whole_picture_within_the_limit_is_refused(
    ca_file: Path, answer: bytes, failure: type[Failure]
) -> None:
    async with serving({"/a.png": answer}) as server:
        with pytest.raises(failure):
            await fetcher(server, ca_file, fetch_timeout_s=2.0).fetch(url(server), permit())


async def test_a_body_in_thousands_of_crumbs_is_refused(ca_file: Path) -> None:
    async with serving({"/a.png": CHUNKED + b"1\r\na\r\n" * 1100 + b"0\r\n\r\n"}) as server:
        with pytest.raises(FetchFailed, match="small parts"):
            await fetcher(server, ca_file, max_upload_bytes=2000).fetch(url(server), permit())


async def test_bytes_that_do_not_fit_beside_others_are_not_read(ca_file: Path) -> None:
    async with serving({"/a.png": ok(b"picture")}) as server:
        taken = permit(max_bytes=10)
        taken.take_bytes(5)
        with pytest.raises(QueueFull):
            await fetcher(server, ca_file).fetch(url(server), taken)


async def test_a_server_that_is_silent_costs_no_more_than_the_time_limit(ca_file: Path) -> None:
    async with serving({"/a.png": b""}) as server:
        with pytest.raises(FetchFailed, match=r"pictures.example took more than 0.2 seconds"):
            await fetcher(server, ca_file, fetch_timeout_s=0.2).fetch(url(server), permit())


async def test_the_deadline_of_the_request_comes_first(ca_file: Path) -> None:
    async with serving({"/a.png": b""}) as server:
        deadline = asyncio.get_running_loop().time() + 0.2
        with pytest.raises(DeadlineExceeded):
            await fetcher(server, ca_file).fetch(url(server), permit(), deadline)


async def test_whoever_gives_up_closes_the_connection(ca_file: Path) -> None:
    async with serving({"/a.png": b""}) as server:
        fetching = asyncio.create_task(fetcher(server, ca_file).fetch(url(server), permit(), math.inf))
        async with asyncio.timeout(60):
            await server.came.wait()
            fetching.cancel()
            await server.left.wait()


async def test_no_more_than_the_limit_are_fetched_at_once_and_one_client_leaves_some(ca_file: Path) -> None:
    async with serving({"/slow.png": b"", "/a.png": ok(b"picture")}) as server:
        two = fetcher(server, ca_file, max_fetches=2)
        slow = asyncio.create_task(two.fetch(url(server, "/slow.png"), permit(peer="here")))
        await asyncio.sleep(0)
        with pytest.raises(TooManyFetches):
            await two.fetch(url(server), permit(peer="here"))
        assert await two.fetch(url(server), permit(peer="there")) == b"picture"
        slow.cancel()
        await asyncio.wait([slow])
        assert await two.fetch(url(server), permit(peer="here")) == b"picture"


async def test_neither_a_query_nor_a_password_is_told_to_a_log_or_in_a_failure(
    ca_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    said = []
    async with serving({"/a?key=secret": b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"}) as server:
        for path in ("/a?key=secret", "/a\\b?key=secret"):
            with pytest.raises(Failure) as failed:
                await fetcher(server, ca_file).fetch(url(server, path), permit())
            said.append(failed.value.detail)
        with pytest.raises(UrlRefused) as failed:
            await fetcher(server, ca_file).fetch("https://me:secret@pictures.example/", permit())
    assert "secret" not in caplog.text + "".join(said) + failed.value.detail
