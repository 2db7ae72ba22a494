"""Strangers at the door: headers without end, silence, too many connections, answers that nobody reads."""

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fakes import make_store
from tests.pictures import encoded, painted
from tests.system.loading import (
    OPENED,
    Upload,
    answer_on,
    connection_to,
    metric,
    tiny_server,
    until,
    wait_for_metric,
)
from tests.system.serving import Server

TIMEOUT_S = 60
ENDED = "silhouette_connections_closed_total"

CROWD = 8
"""Connections that the crowded server takes."""

READERS = 6


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def hasty(store: Path) -> Iterator[Server]:
    """Waits for hardly anybody, but for a client that a busy machine holds up for a moment."""
    timeouts = {"KEEP_ALIVE_TIMEOUT_S": "1.5", "HEADER_TIMEOUT_S": "1.5", "SEND_TIMEOUT_S": "1.5"}
    settings = {f"SILHOUETTE_{name}": value for name, value in timeouts.items()}
    with tiny_server(store, SILHOUETTE_MIN_BYTES_PER_S="10000000", **settings) as started:
        yield started


@pytest.fixture(scope="module")
def crowded(store: Path) -> Iterator[Server]:
    with tiny_server(store, SILHOUETTE_MAX_CONNECTIONS=str(CROWD)) as started:
        yield started


def dial(server: Server, source: str = "127.0.0.1", receive_buffer_bytes: int | None = None) -> socket.socket:
    """A bare connection. 127.0.0.1 is a trusted proxy; on Linux every address of 127.0.0.0/8 is this machine's own."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = socket.socket()
    OPENED.append(connection)
    if receive_buffer_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    connection.settimeout(TIMEOUT_S)
    connection.bind((source, 0))
    connection.connect((host, int(port)))
    return connection


def heard(connection: socket.socket) -> bytes:
    """Everything until the service hangs up."""
    content = b""
    with contextlib.suppress(ConnectionError), connection:
        while part := connection.recv(65_536):
            content += part
    return content


def problem_in(response: bytes) -> tuple[int, str]:
    """(status, code)"""
    head, _, body = response.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), str(json.loads(body)["code"])


def test_headers_without_end_are_refused_and_hung_up_on(hasty: Server) -> None:
    connection, sent = dial(hasty), 0
    with contextlib.suppress(ConnectionError):
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        while sent < 152_000_000:
            sent += connection.send(b"x" * 65_536)
    assert sent < 20_000_000
    response = heard(connection)
    assert not response or problem_in(response) == (431, "large_headers")
    assert hasty.get("/livez").status_code == 200


@pytest.mark.parametrize("size", [70_000, 200_000])
def test_headers_that_are_too_large_are_431_in_a_problem_document(hasty: Server, size: int) -> None:
    connection = dial(hasty)
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: " + b"x" * size)
    connection.sendall(b"\r\n\r\n")
    assert problem_in(heard(connection)) == (431, "large_headers")


@pytest.mark.parametrize("sent", [b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET /livez HTTP/7.7\r\n\r\n"])
def test_what_is_no_http_is_400_in_a_problem_document(hasty: Server, sent: bytes) -> None:
    connection = dial(hasty)
    connection.sendall(sent)
    assert problem_in(heard(connection)) == (400, "malformed_request")


def test_a_body_that_is_not_sent_as_its_headers_say_is_400_and_nobody_waits_for_its_rest(hasty: Server) -> None:
    connection = dial(hasty)
    connection.sendall(b"POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n")
    connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\nno length\r\n")
    assert problem_in(heard(connection)) == (400, "malformed_request")
    wait_for_metric(hasty, 0, "silhouette_uploads")


@pytest.mark.parametrize("count", [1, 3])
def test_requests_before_what_is_no_http_have_their_answers_first(hasty: Server, count: int) -> None:
    connection = dial(hasty)
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" * count + b"hello\r\n\r\n")
    *answers, refusal = heard(connection).split(b"HTTP/1.1 ")[1:]
    assert [answer[:4] for answer in answers] == [b"200 "] * count
    assert problem_in(b"HTTP/1.1 " + refusal) == (400, "malformed_request")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1\r\n", b"400"),
        (b"HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n", b"400"),
        (b"HTTP/1.1\r\nHost: localhost\r\n", b"200"),
        (b"HTTP/1.0\r\n", b"200"),
    ],
)
def test_a_request_of_http_1_1_names_one_host(hasty: Server, head: bytes, status: bytes) -> None:
    connection = dial(hasty)
    connection.sendall(b"GET /livez " + head + b"Connection: close\r\n\r\n")
    assert heard(connection).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("tokens", [b"Upgrade, HTTP2-Settings", b"close, upgrade", b"upgrade\r\nConnection: close"])
def test_who_offers_to_speak_http_2_is_answered_in_http_1_1(hasty: Server, tokens: bytes) -> None:
    """Java's own client does, with its first request, and so do `curl --http2` and others."""
    connection, photo = dial(hasty), encoded(painted())
    head = b"POST /segment HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    entity = b"Content-Type: image/png\r\nContent-Length: %d\r\n" % len(photo)
    connection.sendall(head + b"Connection: " + tokens + b"\r\n" + entity + b"\r\n" + photo[:100])
    connection.sendall(photo[100:])
    assert connection.recv(12) == b"HTTP/1.1 200"


def test_who_speaks_http_1_0_is_not_told_to_go_on(hasty: Server) -> None:
    connection = dial(hasty)
    connection.sendall(b"POST /segment HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx")
    assert heard(connection).startswith(b"HTTP/1.1 415 ")


def test_headers_of_ordinary_size_pass(hasty: Server) -> None:
    connection = connection_to(hasty)
    connection.request("GET", "/livez", headers={"Cookie": "x" * 30_000})
    assert answer_on(connection).status == 200


def test_headers_that_do_not_end_in_time_are_408(hasty: Server) -> None:
    connection = dial(hasty)
    connection.sendall(b"POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Le")
    assert problem_in(heard(connection)) == (408, "slow_headers")


@pytest.mark.parametrize("noise", [b"", b"\r\n" * 10], ids=["silent", "empty lines"])
def test_whoever_asks_for_nothing_is_hung_up_on(hasty: Server, noise: bytes) -> None:
    before = metric(hasty, ENDED, reason="idle")
    connection = dial(hasty)
    connection.sendall(noise)
    assert heard(connection) == b""
    assert metric(hasty, ENDED, reason="idle") > before


def test_a_connection_that_was_used_and_falls_silent_is_hung_up_on(hasty: Server) -> None:
    connection = dial(hasty)
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert heard(connection).startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_idlest_makes_room_where_there_are_too_many_connections(crowded: Server) -> None:
    with contextlib.ExitStack() as here:
        first = dial(crowded)
        connections = [here.enter_context(contextlib.closing(dial(crowded))) for _ in range(CROWD - 1)]
        until(lambda: metric(crowded, ENDED, reason="too_many") > 0, "room for the one that asks for metrics")
        assert heard(first) == b""
        connections[-1].sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in heard(connections[-1])


def test_where_nobody_is_idle_only_probes_are_answered(crowded: Server) -> None:
    uploads = [Upload(crowded, "/segment", encoded(painted())) for _ in range(CROWD)]
    wait_for_metric(crowded, CROWD, "silhouette_uploads")
    surplus = connection_to(crowded)
    surplus.request("GET", "/models")
    answer = answer_on(surplus)
    assert (answer.status, answer.code) == (503, "too_many_connections")
    assert answer.headers["Connection"] == "close"
    assert int(answer.headers["Retry-After"]) > 0
    assert crowded.get("/livez").status_code == 200
    assert [upload.finish().status for upload in uploads] == [200] * CROWD
    assert crowded.get("/models").status_code == 200


def test_one_address_cannot_take_all_connections(crowded: Server) -> None:
    greedy = [dial(crowded, "127.0.0.9") for _ in range(CROWD)]
    for connection in greedy:
        connection.sendall(b"POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
    refused = [connection for connection in greedy[CROWD // 2 :]]
    wait_for_metric(crowded, CROWD // 2, "silhouette_uploads")
    for connection in refused:
        assert problem_in(heard(connection)) == (503, "too_many_connections")
    assert crowded.get("/models").status_code == 200
    for connection in greedy:
        connection.close()
    wait_for_metric(crowded, 0, "silhouette_uploads")


@pytest.fixture(scope="module")
def noise() -> bytes:
    """A picture whose answer is some 3 MB, which is more than all buffers between the two hold."""
    return encoded(Image.fromarray(np.random.default_rng(1).integers(0, 255, (1000, 1000, 3), np.uint8)), "JPEG")


def ask_and_not_read(server: Server, photo: bytes) -> socket.socket:
    connection = dial(server, receive_buffer_bytes=4096)
    request = "POST /replace-background?color=white&allow_empty=true HTTP/1.1"
    head = f"{request}\r\nHost: localhost\r\nContent-Type: image/*\r\nContent-Length: {len(photo)}"
    connection.sendall(head.encode() + b"\r\n\r\n" + photo)
    return connection


def told_of_readers(server: Server) -> list[str]:
    """Their outcomes."""
    return [entry["outcome"] for entry in list(server.log) if entry.get("path") == "/replace-background"]


def test_answers_that_nobody_reads_count_and_are_dropped_in_the_end(hasty: Server, noise: bytes) -> None:
    readers = [ask_and_not_read(hasty, noise) for _ in range(READERS)]
    until(lambda: metric(hasty, "silhouette_in_flight_bytes") > 2_000_000, "bytes that count")
    wait_for_metric(hasty, READERS, ENDED, reason="slow_reader")
    wait_for_metric(hasty, 0, "silhouette_in_flight_bytes")
    wait_for_metric(hasty, 0, "silhouette_permits_in_use")
    until(lambda: len(told_of_readers(hasty)) == READERS, "a log line for each")
    assert set(told_of_readers(hasty)) == {"slow_reader"}
    for reader in readers:
        assert len(heard(reader)) < 3_000_000
    assert "exception" not in str(hasty.log)
