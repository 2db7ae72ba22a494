"""500 requests that are broken, lying, far too large or random, and senders that fall silent, beside 50 good ones."""

import contextlib
import http.client
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.pictures import encoded, painted
from tests.system.loading import Answer, Call, Upload, metric, people, wait_for_metric
from tests.system.serving import STOP_TIMEOUT_S, Server, running_server
from tests.weights import pulled_weights

HOSTILE, GOOD, SILENT = 500, 50, 20

TOLERATED_GROWTH = 1.1

ATTACK_TIMEOUT_S = 60
"""No attack may keep an answer from coming for so long."""

BOUNDARY = "boundary"

PNG, JPEG = encoded(painted()), encoded(painted(), "JPEG")


@dataclass(frozen=True)
class Attack:
    """What goes over the wire. Where it is not a whole request, the sender hangs up after it."""

    raw: bytes
    whole: bool = True

    def __repr__(self) -> str:
        return f"Attack({self.raw[:300]!r}, {len(self.raw)} bytes, whole={self.whole})"


# --- what is sent -----------------------------------------------------------------------------------------------------


def request(body: bytes, content_type: str = "image/png", length: str | None = None, path: str = "/segment") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {length or len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def form(*parts: bytes) -> bytes:
    opened = b"".join(b"--boundary\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
    return opened + b"--boundary--\r\n"


def file_part(content: bytes, name: str = "image") -> bytes:
    return f'name="{name}"; filename="a.png"\r\n\r\n'.encode() + content


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(100_000)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + chunk(b"IEND", b"")


MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
WHOLE_FORM = form(file_part(PNG), b'name="output"\r\n\r\nmask')

TEXT_BOMB = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(30_000_000)))
PROFILE_BOMB = chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(30_000_000)))


def cut_in_two(whole: bytes) -> st.SearchStrategy[bytes]:
    return st.integers(0, len(whole) - 1).map(lambda size: whole[:size])


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """With a few bytes overwritten; sometimes it is still a picture."""
    broken = bytearray(whole)
    for place, value in draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), min_size=1)):
        broken[place] = value
    return bytes(broken)


TRUNCATED_FORMS = cut_in_two(WHOLE_FORM).map(lambda body: Attack(request(body, MULTIPART)))
DAMAGED_FORMS = damaged(WHOLE_FORM).map(lambda body: Attack(request(body, MULTIPART)))
CROWDED_FORMS = st.integers(60, 2000).map(
    lambda count: Attack(request(form(*[b'name="f%d"\r\n\r\nx' % number for number in range(count)]), MULTIPART))
)
HEAVY_FORMS = st.integers(1, 3_000_000).map(
    lambda size: Attack(request(form(b'name="classes"\r\n\r\n' + b"x" * size), MULTIPART))
)
BROKEN_OFF = st.one_of(cut_in_two(PNG), cut_in_two(WHOLE_FORM)).map(
    lambda body: Attack(request(body, MULTIPART, str(len(body) + 1000)), whole=False)
)
WRONG_LENGTHS = st.sampled_from(["-1", "0x10", "1e3", "99999999999999999999", "999999999", " ", "5, 5", "+5"]).map(
    lambda length: Attack(request(PNG, length=length))
)
TOO_SHORT = st.integers(0, len(PNG) - 1).map(lambda length: Attack(request(PNG, length=str(length))))
DAMAGED_PICTURES = st.one_of(damaged(PNG), damaged(JPEG), cut_in_two(PNG), cut_in_two(JPEG)).map(
    lambda body: Attack(request(body))
)
BOMBS = st.one_of(
    st.tuples(st.integers(2_000, 2**31 - 1), st.integers(2_000, 2**31 - 1)).map(lambda size: png_of(*size)),
    st.sampled_from([png_of(64, 64, TEXT_BOMB), png_of(64, 64, PROFILE_BOMB), png_of(1_000, 1_000)]),
).map(lambda body: Attack(request(body)))
RANDOM_BODIES = st.tuples(st.binary(max_size=2_000), st.sampled_from(["image/png", MULTIPART, "text/plain", ""])).map(
    lambda pair: Attack(request(*pair))
)
RANDOM_OPTIONS = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=60).map(
    lambda text: Attack(request(PNG, path="/segment?" + text.replace("#", "")))
)
RANDOM_BYTES = st.binary(min_size=1, max_size=500).map(lambda raw: Attack(raw, whole=False))

ATTACKS = st.one_of(
    TRUNCATED_FORMS,
    DAMAGED_FORMS,
    CROWDED_FORMS,
    HEAVY_FORMS,
    BROKEN_OFF,
    WRONG_LENGTHS,
    TOO_SHORT,
    DAMAGED_PICTURES,
    BOMBS,
    RANDOM_BODIES,
    RANDOM_OPTIONS,
    RANDOM_BYTES,
)


# --- what comes back --------------------------------------------------------------------------------------------------


def status_after(server: Server, attack: Attack) -> int | None:
    """None where the service hung up without a word."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=ATTACK_TIMEOUT_S) as connection:
        with contextlib.suppress(ConnectionError):  # it may hang up before it has heard everything
            connection.sendall(attack.raw)
            if not attack.whole:
                connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection)
        try:
            response.begin()
            response.read()
        except (ConnectionError, http.client.BadStatusLine):
            return None
        return response.status


def one_round(server: Server, ask: Callable[[], Answer]) -> list[Answer]:
    """All attacks, and the answers to the good requests beside them. The attacks of every round are the same."""
    answers: list[Answer] = []
    visitor = threading.Thread(target=lambda: answers.extend(ask() for _ in range(GOOD)))
    silent = [Upload(server, "/segment", PNG) for _ in range(SILENT)]
    counted = 0

    @given(ATTACKS)
    @hypothesis_settings(
        max_examples=HOSTILE,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def no_attack_is_answered_with_a_fault_of_ours(attack: Attack) -> None:
        nonlocal counted
        counted += 1
        status = status_after(server, attack)
        assert status is not None or not attack.whole
        assert status is None or status < 500 or status == 503

    visitor.start()
    try:
        no_attack_is_answered_with_a_fault_of_ours()
    finally:
        visitor.join(STOP_TIMEOUT_S)
    assert counted >= HOSTILE
    assert [upload.answer().status for upload in silent] == [408] * SILENT
    return answers


@pytest.fixture
def server() -> Iterator[Server]:
    pulled_weights("selfie")
    settings = {"SILHOUETTE_UPLOAD_TIMEOUT_S": "5", "SILHOUETTE_MAX_MEGAPIXELS": "2"}
    with running_server("selfie", SILHOUETTE_WORKERS="1", **settings) as started:
        yield started


def test_500_hostile_requests_harm_neither_50_good_ones_nor_the_service(server: Server, astronaut: bytes) -> None:
    photo = people(astronaut, 1)[0]
    service = psutil.Process(server.process.pid)

    def ask() -> Answer:
        return Call(server, "/segment", photo, output="mask").answer()

    expected = ask().picture
    memory_bytes = []
    for _ in range(2):  # the first round shows what the service needs for such a time
        answers = one_round(server, ask)
        assert [answer.code for answer in answers] == ["ok"] * GOOD
        assert all(np.array_equal(answer.picture, expected) for answer in answers)
        wait_for_metric(server, 0, "silhouette_permits_in_use")
        memory_bytes.append(service.memory_info().rss)
    first, second = memory_bytes
    assert second < TOLERATED_GROWTH * first
    assert metric(server, "silhouette_in_flight_bytes") == metric(server, "silhouette_in_flight_pixels") == 0
    assert len(server.worker_pids()) == 1
    assert "exception" not in str(server.log)
