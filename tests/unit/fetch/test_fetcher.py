"""A picture is fetched from what was opened, and nothing else is reached."""

import logging
from pathlib import Path

import pytest

from service.configuration_errors import ConfigurationError
from service.errors import Failure, FetchFailed, FetchingOff, QueueFull, UrlRefused
from service.fetch import Fetcher
from service.settings import read_settings
from tests.picture_server import ok, redirect, serving
from tests.unit.fetch.fetching import Names, fetcher, permit, url

pytestmark = pytest.mark.anyio


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
