"""Under which names the service answers: an attacker's name that points here is refused at every door."""

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient, WebSocketDenialResponse

from service.api.hosts import check_host
from service.errors import HostNotAllowed
from service.settings import read_settings
from tests.api.asking import POSTS, problem_of

REBOUND = "rebound.attacker.example:8000"


@pytest.mark.parametrize(
    "path", ["/", "/livez", "/readyz", "/metrics", "/models", "/docs", "/openapi.json", "/nowhere"]
)
def test_a_name_that_points_here_by_dns_rebinding_gets_nothing(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Host": REBOUND})
    assert "SILHOUETTE_ALLOWED_HOSTS" in problem_of(answer, 421, "host_not_allowed")["detail"]


@pytest.mark.parametrize("path", POSTS)
def test_nor_can_it_post(client: TestClient, path: str) -> None:
    problem_of(client.post(path, headers={"Host": REBOUND}), 421, "host_not_allowed")


def test_nor_open_a_session_though_its_origin_is_the_same(client: TestClient) -> None:
    headers = {"Host": REBOUND, "Origin": f"http://{REBOUND}"}
    with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/stream", headers=headers):
        pass
    assert denied.value.status_code == 421


OURS = [
    "localhost",
    "localhost:8000",
    "LOCALHOST",
    "app.localhost:8000",
    "127.0.0.1:8000",
    "10.1.2.3",
    "[::1]:8000",
    "[fe80::1]",
    "silhouette:8000",
    "host.docker.internal:8000",
    "",
]
"""A probe of Kubernetes asks by address, a container by the name of the service."""

NOT_OURS = [
    "photos.example.org",
    "localhost.example.org",
    "127.0.0.1.nip.io",
    "localhost.:x",
    "10.1.2.3.example",
    "evil.example:99999999",
    "a b.example",
]


@pytest.mark.parametrize("host", OURS)
def test_addresses_and_local_names_are_ours(host: str) -> None:
    check_host(Headers({"host": host}), ())


def test_a_request_without_a_name_is_let_in() -> None:
    check_host(Headers({}), ())


@pytest.mark.parametrize("host", NOT_OURS)
def test_other_names_are_not(host: str) -> None:
    with pytest.raises(HostNotAllowed):
        check_host(Headers({"host": host}), ())


@pytest.mark.parametrize(
    ("allowed", "host", "is_allowed"),
    [
        ("photos.example.org", "photos.example.org:443", True),
        ("Photos.Example.org.", "PHOTOS.example.org", True),
        ("photos.example.org", "photos.example.org.", True),
        ("photos.example.org", "other.example.org", False),
        ("a.example, *.example.org", "b.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "badexample.org", False),
        ("*", "anything.example", True),
    ],
)
def test_the_operator_names_others(monkeypatch: pytest.MonkeyPatch, allowed: str, host: str, is_allowed: bool) -> None:
    monkeypatch.setenv("SILHOUETTE_ALLOWED_HOSTS", allowed)
    headers, hosts = Headers({"host": host}), read_settings().allowed_hosts
    if is_allowed:
        check_host(headers, hosts)
    else:
        with pytest.raises(HostNotAllowed):
            check_host(headers, hosts)


def test_every_host_that_is_said_counts() -> None:
    with pytest.raises(HostNotAllowed):
        check_host(Headers(raw=[(b"host", b"localhost"), (b"host", b"evil.example")]), ())
