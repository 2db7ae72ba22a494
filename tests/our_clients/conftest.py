"""One real server with the tiny networks, which our own clients ask; and one that says whatever a test wants."""

import contextlib
import http.server
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.clips import red_square, write_clip
from tests.fakes import make_store
from tests.system.loading import tiny_server

Said = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""

SILENCE: Said = (0, {}, b"")
"""No answer, until the test is over."""


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`tiny-subject`, the default model, and `tiny-classes`. A client that is too many for it is refused."""
    store: Path = make_store(tmp_path_factory.mktemp("store"))
    with tiny_server(store, SILHOUETTE_MODELS="tiny-subject,tiny-classes", SILHOUETTE_QUEUE_CAPACITY="2") as server:
        yield server.url


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("film") / "clip.mp4", red_square(4))


@dataclass
class Script:
    """What a server says, one request after the other, and what it was asked with."""

    says: Sequence[Said]
    url: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """Methods and paths."""


@contextlib.contextmanager
def scripted(*says: Said) -> Iterator[Script]:
    """A server on loopback that answers no more than `says`, and then hangs up without a word."""
    script, over = Script(says), threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.lines.append(f"{self.command} {self.path}")
            script.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.close_connection = True
            if len(script.headers) > len(says):
                return
            status, headers, body = says[len(script.headers) - 1]
            if not status:
                over.wait()
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *arguments: object) -> None: ...  # noqa: A002

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        script.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield script
        finally:
            over.set()
            server.shutdown()
            thread.join()
