"""Sends the requests."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2

from scripts.recorder.answers import REQUEST_ID, Answer, steady_headers
from scripts.recorder.questions import Ask
from scripts.recorder.server import Running

TIMEOUT_S = 600.0
NO_ANSWER = 0

METRICS = "/metrics"
TYPE_LINE = b"# TYPE "

UNFINISHED = (
    "POST /segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n"
    f"X-Request-Id: {REQUEST_ID}\r\nExpect: 100-continue\r\n\r\n"
)
CONTINUE = b"HTTP/1.1 100 "


def ask(running: Running, question: Ask, pictures: Path) -> Answer:
    """The service's answer, without what changes from run to run."""
    if question.unfinished:
        return _slow_upload(running)
    try:
        response = _send(running, question, pictures, {})
        if question.revalidated:
            response = _send(running, question, pictures, {"If-None-Match": response.headers.get("etag", "")})
    except httpx2.TransportError as error:  # no answer is one, too
        return Answer(NO_ANSWER, {}, {"body": str(error).encode()})
    body = response.content
    if question.path == METRICS:  # what there is to measure stays, what was measured does not
        body = b"\n".join(sorted(line for line in body.splitlines() if line.startswith(TYPE_LINE)))
    return Answer(response.status_code, steady_headers(response.headers), {"body": body})


def _send(running: Running, question: Ask, pictures: Path, more: dict[str, str]) -> httpx2.Response:
    url = f"{running.url}{question.path}"
    headers = {"X-Request-Id": REQUEST_ID, "Accept": "*/*", **question.headers, **more}
    with httpx2.Client(timeout=TIMEOUT_S) as client:
        if question.content_type is not None:
            content = (pictures / question.picture).read_bytes() if question.picture else b""
            headers["Content-Type"] = question.content_type
            return client.request(question.method, url, content=content, headers=headers)
        named = {**({"image": question.picture} if question.picture else {}), **question.files}
        files = {field: (name, (pictures / name).read_bytes()) for field, name in named.items()}
        return client.request(question.method, url, data=dict(question.options), files=files, headers=headers)


@contextlib.contextmanager
def unfinished_upload(running: Running) -> Iterator[None]:
    """A request that was admitted and keeps its place: its body never comes.

    The service asks for the body when it has let the request in, so when this begins, the place is taken.
    """
    with socket.create_connection(("127.0.0.1", running.port), TIMEOUT_S) as line:
        line.sendall(UNFINISHED.encode())
        said = line.recv(4096)
        if not said.startswith(CONTINUE):
            raise RuntimeError(f"the service did not admit an upload: {said!r}")
        yield


def _slow_upload(running: Running) -> Answer:
    """What comes of an upload that never ends."""
    with socket.create_connection(("127.0.0.1", running.port), TIMEOUT_S) as line:
        line.sendall(UNFINISHED.encode())
        said = b"".join(iter(lambda: line.recv(65536), b""))
    _, head, body = said.split(b"\r\n\r\n", 2)  # the first is the 100
    status, *headers = head.decode().split("\r\n")
    told = dict(line.split(": ", 1) for line in headers)
    return Answer(int(status.split()[1]), steady_headers(told), {"body": body})
