"""A web server of one file, which may be as odd as a test wants it."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from service.models.store.card import HttpsSource
from tests.unit.models.store.publishing import FILE, PATIENCE_S


@dataclass
class Web:
    """A server of one file, which may know nothing of ranges, hold back the second half, or send too much."""

    content: bytes
    knows_ranges: bool = True
    go_on: threading.Event = field(default_factory=threading.Event)
    """Unset: the server stops in the middle of the file and waits."""
    asked: list[str | None] = field(default_factory=list)
    """The `Range` of every request."""
    url: str = ""


def handler_of(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            web.asked.append(wanted)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and web.knows_ranges else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(web.content) - 1}/{len(web.content)}")
            self.send_header("Content-Length", str(len(web.content) - start))
            self.end_headers()
            middle = max(start, len(web.content) * 2 // 3)
            self.wfile.write(web.content[start:middle])
            self.wfile.flush()
            web.go_on.wait(PATIENCE_S)
            self.wfile.write(web.content[middle:])

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    return Handler


class Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is part of the plan."""


def at(web: Web) -> HttpsSource:
    return HttpsSource.model_validate({"kind": "https", "url": f"{web.url}/{FILE}"})
