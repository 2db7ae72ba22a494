"""A server on loopback that takes traces as OTLP over HTTP, and whatever else it is sent; it has pictures, too."""

import http.server
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan

TRACES = "/v1/traces"


@dataclass(frozen=True)
class Span:
    """One, as it came; ids in hex as in `traceparent`."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    state: str
    facts: Mapping[str, Any]
    began_ns: int
    ended_ns: int
    links: Sequence[str]
    """Ids of spans."""
    process: Mapping[str, Any]
    """Who tells of it."""
    is_error: bool

    @property
    def ms(self) -> float:
        return (self.ended_ns - self.began_ns) / 1e6

    def is_in(self, traceparent: str) -> bool:
        """Whatever the flags: those of level 2 say more than that it is sampled."""
        return traceparent.startswith(f"00-{self.trace_id}-{self.span_id}-")


@dataclass(frozen=True)
class Heard:
    """A request that was no trace."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""


@dataclass
class Collector:
    """Answers traces with `status`, and takes them where that is 200; a GET with `picture`, and all else with 204."""

    port: int = 0
    status: int = 200
    picture: bytes = b""
    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    bodies: list[bytes] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return self.origin + TRACES

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        sent = ExportTraceServiceRequest.FromString(body)
        for resource in sent.resource_spans:
            process = _facts(resource.resource.attributes)
            self.services.add(str(process["service.name"]))
            for scope in resource.scope_spans:
                self.spans.extend(_span(span, process) for span in scope.spans)

    def below(self, parent: Span) -> list[Span]:
        return [span for span in self.spans if span.parent_id == parent.span_id]


def _span(sent: SentSpan, process: Mapping[str, Any]) -> Span:
    return Span(
        name=sent.name,
        trace_id=sent.trace_id.hex(),
        span_id=sent.span_id.hex(),
        parent_id=sent.parent_span_id.hex(),
        kind=sent.kind,
        state=sent.trace_state,
        facts=_facts(sent.attributes),
        began_ns=sent.start_time_unix_nano,
        ended_ns=sent.end_time_unix_nano,
        links=[link.span_id.hex() for link in sent.links],
        process=process,
        is_error=sent.status.code == 2,
    )


def _facts(attributes: Sequence[KeyValue]) -> dict[str, Any]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in attributes}


@contextmanager
def collecting(picture: bytes = b"") -> Iterator[Collector]:
    collector = Collector(picture=picture)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, collector.picture)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != TRACES:
                self._answer(204)
                return
            if collector.status == 200:
                collector.take(body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _answer(self, status: int, body: bytes = b"") -> None:
            collector.heard.append(Heard(self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(status)
            if status == 200:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not to the test's output."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
