"""What is fetched stays within its limits of bytes, time and number."""

import asyncio
import math
from pathlib import Path

import pytest

from service.errors import DeadlineExceeded, Failure, FetchFailed, QueueFull, TooManyBytes, TooManyFetches
from tests.picture_server import ok, serving
from tests.unit.fetch.fetching import fetcher, permit, url

pytestmark = pytest.mark.anyio

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

CHUNK = b"80\r\n" + b"a" * 128 + b"\r\n"


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
